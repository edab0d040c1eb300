import pytest

from mmst.methods.picking import SOLUTIONS, picked, picking_prompt
from mmst.methods.prompt import PromptFormat, PromptWriter, exemplar_rows
from mmst.types import AnswerKind, Problem

PROBLEM = Problem("p", "How many nuts is that?", "12")
HEAD = "Say which is right."


def form(shots=0, **more):
    return PromptFormat("Right solution:", " ", HEAD, shots, ("\n",), "select", "right", **more)


def test_the_model_sees_the_problem_and_each_solution_under_a_letter():
    said = picking_prompt(PromptWriter(), PROBLEM, [" It is 3 + 4 = 7.\n", "def solution():\n    return 12"], form())
    assert said.text == (
        f"{HEAD}\n\nQuestion: How many nuts is that?\nSolution A:\nIt is 3 + 4 = 7.\nSolution B:\ndef solution():\n"
        "    return 12\nRight solution:"
    )
    assert (said.lead, said.stop) == (" ", ("\n",))
    assert [turn.role for turn in said.messages] == ["system", "user"]
    assert said.messages[1].content.startswith("How many nuts is that?\nSolution A:\nIt is")


@pytest.mark.parametrize("kind", [AnswerKind.NUMBER, AnswerKind.YES_NO, AnswerKind.TESTS])
def test_exemplars_show_a_right_and_a_wrong_solution_whatever_the_kind(kind):
    problem = Problem("p", "Is it?", "yes", kind)
    said = picking_prompt(PromptWriter(), problem, ["Yes.", "No."], form(2))
    assert said.text.count("Question: ") == 3
    assert [said.messages[n].content for n in (2, 4)] == ["A", "B"]


def test_letters_and_methods_are_right_equally_often_in_the_exemplars():
    rows = exemplar_rows("select", AnswerKind.NUMBER)
    for shown in (rows[:4], rows):
        right = [row[SOLUTIONS]["AB".index(row["right"])] for row in shown]
        assert [row["right"] for row in shown].count("A") == len(shown) / 2
        assert sum(solution.startswith("def ") for solution in right) == len(shown) / 2
    assert [row["question"] for row in rows] == [row["question"] for row in exemplar_rows("default", AnswerKind.NUMBER)]


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        (" A", 0), ("B", 1), (" (B)", 1), ("**B**", 1), ("Solution B", 1), ("The right solution is B.", 1),
        ("The correct one is **Solution B**.", 1), ("Solution A is right.", 0), ("A is correct because 3 * 4 = 12", 0),
        ("Right solution: B", 1), ("Solution B is correct, while solution A is wrong.", 1), ("<think>A? No.</think>B", 1),
        ("A\n\nSolution B is wrong", 0), ("", None), ("C", None), ("12", None), ("Both are right", None), ("A or B", None),
        ("Solution A and Solution B are both right", None), ("A careful look", None),
        ("The right one is A. The best is B.", None),
    ],
)  # fmt: skip
def test_what_a_reply_names(reply, place):
    assert picked(reply, 2) == place


def test_a_third_solution_is_named_where_there_is_one():
    assert (picked("C", 3), picked("C", 2)) == (2, None)
