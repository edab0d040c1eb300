import pytest

from mmst.methods.prompt import PromptFormat
from mmst.methods.truth_table import TruthTableMethod, table_in
from mmst.types import AnswerKind, Problem

METHOD = TruthTableMethod(PromptFormat("Truth table:", "\n"))
ASKED = Problem("p", "?", "A", AnswerKind.CHOICE, ("True", "False", "Unknown"))
TABLE = """kind calm | kind | kind -> calm | calm
T T | T | T | T
T F | T | F | F
F T | F | T | T
F F | F | T | F"""


END = [
    "", "\nThe answer is True.", "\nThe answer is (A).", "\nSo it is true. The answer is A.", "\nTrue",
    "\n```\nHence, **True**.", "\nIn row 2 the second premise is false.\nSo calm is true.", "\nOnly the first row is left.",
    "\n(A)", "\nSo calm = T.", "\nThe second premise is wrong in row 2.\nYes.",
]  # fmt: skip


def read(text, problem=ASKED):
    (reading,) = METHOD.read_all([text], [problem], None)
    assert reading.judged
    return reading


@pytest.mark.parametrize("end", END)
def test_the_answer_is_what_the_rows_say_in_which_all_premises_hold(end):
    assert (read(TABLE + end).answer, read(TABLE + end).reason) == ("A", "table")


@pytest.mark.parametrize(
    "end",
    [
        "The answer is False.",
        "The answer is true or false.",
        "The answer is not True.",
        "The answer is True or Unknown.",
        "**False**",
        "False.",
        "Hence, False.",
        "Result: False",
        "Therefore the statement is False.",
        "The statement is not true.",
        "The answer is | False",
        "| The answer is False. |",
        "Wait, the first premise is wrong.\nSo it is Unknown.",
        "It cannot be determined.",
        "It is neither true nor false.",
        "It isn't true.",
        "Final answer: Unknown",
        "B",
        "**(B)**",
        "Choice C",
        "So calm = F.",
        "Calm is F.",
        "Conclusion: F",
        "No, it is not calm.",
        "The statement does not hold.",
        "So the statement is refuted.",
        "It is undecided.",
        "We cannot say.",
    ],
)
def test_another_answer_than_the_tables_is_none(end):
    assert read(f"{TABLE}\n{end}").answer is None
    assert read(f"{TABLE}\n{end}").reason == "another answer is stated"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TABLE.replace("T F | T | F | F", "T F | T | T | F"), "wrong cell"),
        (TABLE.replace("F F | F | T | F", "F F | F | T | T"), "wrong cell"),
        (TABLE.replace("T F | T | F | F\n", ""), "rows missing or twice"),
        (TABLE.replace("T F | T | F | F", "T T | T | T | T"), "rows missing or twice"),
        (TABLE.replace("kind -> calm", "kind ->"), "no table"),
        (TABLE.replace("kind -> calm", "kind -> tall"), "no table"),
        (TABLE.replace("T F | T | F | F", "T F | T | F"), "no table"),
        ("kind | kind | not kind | kind\nT | T | F | T\nF | F | T | F", "no row where all premises hold"),
        ("The answer is True.", "no table"),
        ("", "no table"),
    ],
)
def test_a_table_that_proves_nothing_has_no_answer(text, reason):
    assert read(text).answer is None
    assert read(text).reason == reason


def test_a_table_in_markdown_after_words_is_read():
    lines = ["Let me write all cases down:", "", "| kind calm | kind | kind -> calm | calm |", "|---|---|---|---|"]
    lines += [f"| {line} |" for line in TABLE.splitlines()[1:]]
    assert read("\n".join(lines)).answer == "A"


def test_what_is_left_open_may_be_said_in_other_words():
    text = "a b | a | b\nT T | T | T\nT F | T | F\nF T | F | T\nF F | F | F\n"
    for end in ("It cannot be determined.", "So b is neither true nor false.", "Uncertain", "It isn't known."):
        assert read(text + end).answer == "C"
    assert read(text + "It is not true.").answer is None


def test_thinking_is_no_answer():
    other = "kind | kind | not kind\nT | T | F\nF | F | T"
    assert read(f"<think>\n{TABLE}\n</think>\nI do not know.").reason == "no table"
    assert read(f"<think>\n{TABLE}").reason == "no table"
    assert read(f"<think>\n{other}\nThe answer is False.\n</think>\n{TABLE}").answer == "A"


def test_the_last_table_counts():
    other = "kind | kind | not kind\nT | T | F\nF | F | T"
    assert read(f"{TABLE}\n\n{other}").answer == "B"


@pytest.mark.parametrize(("choices", "letter"), [(("True", "False", "Uncertain"), "C"), (("Unknown", "True", "False"), "A")])
def test_what_is_left_open_is_called_as_the_problem_calls_it(choices, letter):
    text = "a b | a | b\nT T | T | T\nT F | T | F\nF T | F | T\nF F | F | F"
    assert read(text, Problem("p", "?", letter, AnswerKind.CHOICE, choices)).answer == letter


def test_cells_that_do_not_hold_are_named():
    wrong = TABLE.replace("T F | T | F | F", "T F | T | T | F")
    assert METHOD.wrong_steps(wrong) == ["kind -> calm = T where kind=T calm=F"]
    assert METHOD.wrong_steps(TABLE) == []


def test_tables_of_the_same_kind_have_the_same_steps():
    renamed = TABLE.replace("kind", "loud").replace("calm", "shy")
    assert METHOD.steps(renamed) == METHOD.steps(TABLE) != METHOD.steps(TABLE.replace("kind -> calm", "calm -> kind"))


def test_a_table_that_puts_its_answer_in_derives_nothing():
    for premises in ("calm", "not not calm", "calm and calm", "calm | calm or not calm"):
        columns = premises.count("|") + 2
        rows = "\n".join(" | ".join([row] * (columns + 1)) for row in "TF")
        assert METHOD.leaks(ASKED, f"calm | {premises} | calm\n{rows}", "A"), premises
    assert not METHOD.leaks(ASKED, TABLE, "A")


def test_no_text_is_too_long_to_be_read():
    assert table_in("| T | F |\n" * 5000) is None
    assert table_in(f"{' '.join('abcdefgh')} | a | b\n" + "T T T T T T T T | T | T\n" * 300) is None
