from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.datasets.arithmetic.world import draw_problems
from mmst.nano.__main__ import bare_methods
from mmst.sandbox.result import Result, Status
from mmst.types import AnswerKind, Problem, Step

CODE = bare_methods()["code"]
ANY = Problem("p", "?", "1")
ADD = Problem(
    "t", "Write add.", "", AnswerKind.TESTS, tests=("assert add(1, 2) == 3", "assert add(0, 0) == 0"), entry_point="add"
)


class Lost:
    """An executor whose sandbox is gone."""

    def __init__(self):
        self.programs = []

    def execute(self, programs):
        self.programs += programs
        return [Result(program.name, Status.LOST) for program in programs]

    settings: ClassVar = {}

    def close(self):
        pass


@pytest.mark.parametrize(
    "completion",
    [
        " def solution():\n    return 6",
        " import math\n def solution():\n     return math.floor(6.5)",
        " import math\n\ndef solution():\n    return math.floor(6.5)",
        " \n    def solution():\n        return 6\n",
        "\tdef solution():\n\t\treturn 6",
        "So:\n ```python\n def solution():\n     return 6\n ```",
        ' def solution():\n    """Says\nsix."""\n    return 6',
        'def solution():\n    """\nQuestion: how many?\n    """\n    return 6\nQuestion: and then?\nProgram:',
    ],
)
def test_a_program_that_begins_beside_the_margin_is_moved_there(sandbox, completion):
    assert CODE.read_all([completion], [ANY], sandbox)[0].answer == "6"
    assert CODE.clean(completion)[0] not in " \t\n"


def test_a_derivation_is_rendered_as_assignments(sandbox):
    steps = (Step("total", "3", "*", "4", "12"), Step("left", "total", "-", "5", "7"))
    code = CODE.render(steps)
    assert code == "def solution():\n    total = 3 * 4\n    left = total - 5\n    return left"
    assert CODE.read_all([code], [ANY], sandbox)[0].answer == "7"


def test_every_gold_derivation_runs_to_its_answer(sandbox):
    problems = draw_problems("validation", 230, 1)
    readings = CODE.read_all([CODE.render(p.derivation) for p in problems], problems, sandbox)
    assert [r.answer for r in readings] == [p.answer for p in problems]


@pytest.mark.parametrize(
    ("completion", "answer", "reason"),
    [
        ("answer = 3 / 4", "0.75", "value"),
        ("```python\nanswer = 5\n```\nThat is it.", "5", "value"),
        ("def solution():\n    return 6\n\nQuestion: what?\nProgram:\nanswer = 7", "6", "value"),
        ("def solution():\n    return 1 / 0", None, "ZeroDivisionError"),
        ("def solution(:", None, "SyntaxError"),
        ("x = 3", None, "NoSolution"),
        ("x = 3\nprint('x is')\nprint(x * 2)", "6", "printed"),
        ("print('nothing to read')", None, "NoSolution"),
        ("print(7)\n1 / 0", None, "ZeroDivisionError"),
        ("answer = [1, 2]", None, "value of type list"),
        ("answer = None", None, "value of type NoneType"),
        ("answer = 0.1 + 0.2", "0.3", "value"),
        ("from fractions import Fraction\nanswer = Fraction(1, 4)", "0.25", "value"),
        ("while True: pass", None, "timeout"),
    ],
)
def test_reading(sandbox, completion, answer, reason):
    reading = CODE.read_all([completion], [ANY], sandbox)[0]
    assert (reading.answer, reading.reason, reading.judged) == (answer, reason, True)


@pytest.mark.parametrize(
    ("completion", "output"),
    [
        ("def solution():\n    return 6", ""),
        ("print('five', 5)\ndef solution():\n    return 6", "five 5"),
        ("def solution():\n    return apples", "NameError (line 2)"),
        ("print('x' * 600)\nanswer = 6", "[...]" + "x" * 500),
        ("print(object())\nanswer = 6", "<object object at 0x...>"),
    ],
)
def test_what_a_program_said_is_kept_to_be_looked_at(sandbox, completion, output):
    assert CODE.read_all([completion], [ANY], sandbox)[0].output == output


def test_a_lost_sandbox_is_unjudged_not_wrong():
    assert CODE.read_all(["answer = 1"], [ANY], Lost())[0].judged is False


def test_equal_programs_run_once():
    executor = Lost()
    readings = CODE.read_all(["answer = 1", "answer = 2", "answer = 1\n"], [ANY] * 3, executor)
    assert len(readings) == 3
    assert len(executor.programs) == 2


@pytest.mark.parametrize(
    ("code", "leak"),
    [
        ("def solution():\n    return 12", True),
        ("answer = 12", True),
        ("def solution():\n    total = 3 * 4\n    return total", False),
        ("def solution():\n    return 12 + 0", True),
        ("def solution():\n    return int('12')", True),
        ("def solution():\n    return 0 + 3", True),
        ("def solution():\n    each = 4\n    return round(float(each)) * 1", True),
        ("def solution():\n    return 12 / 1\nprint(solution())", True),
        ("def bags():\n    return 3 * 4\nprint(int(bags()))", False),
        ("def solution(n=3):\n    return int(n) - 0 + 4", False),
        ("def solution():\n    '3 bags of 4'\n    return 24 / 2", True),
        ("def solution():\n    bags = 3\n    each = 4\n    return 24 / 2", True),
        ("def solution():\n    bags = 3\n    each = 4\n    return bags * each", False),
        ("bags = 3\nanswer = 24 / 2", False),
        ("def solution():\n    return eval('3 * 4')", False),
        ("def solution():\n    return 400 * 0.03", False),
        ("def solution(:", False),
    ],
)
def test_a_constant_is_a_leak(problem, code, leak):
    assert CODE.leaks(problem, code, "12") is leak


@pytest.mark.parametrize(
    ("question", "code", "leak"),
    [
        ("Eggs come a dozen a box. How many are in five boxes?", "return 12 * 5", False),
        ("Ann has twice as many as Bob, who has six.", "return 14 - 2", False),
        ("Ann has twice as many as Bob, who has six.", "return 24 - 12", True),
        ("He eats half of the 24 cakes.", "return int('12')", True),
        ("He eats half of the cakes, all that there were today.", "return 0.5 * n", False),
        ("The town has 3 million people and the next one million.", "return 3000000 + 10", False),
        ("Twenty-five and then some.", "return 20 + 5", True),
        ("Twenty-five and then some.", "return 25 + 5", False),
        ("How many days has the week?", "return 14 / 2", False),
        ("She has 7 and gets nothing.", "return 7 + 0", True),
    ],
)
def test_numbers_in_words_are_numbers_of_the_question(question, code, leak):
    assert CODE.leaks(Problem("q", question, "12"), f"def solution():\n    {code}", "12") is leak


@given(st.text(max_size=200))
def test_cleaning_never_fails(text):
    assert isinstance(CODE.clean(text), str)


@pytest.mark.parametrize(
    ("program", "answer", "reason"),
    [
        ("def add(a, b):\n    return a + b", "passed", "tests"),
        ("def add(a, b):\n    return a - b", None, "AssertionError"),
        ("def plus(a, b):\n    return a + b", None, "NameError"),
    ],
)
def test_a_program_is_judged_by_its_tests(sandbox, program, answer, reason):
    text = f"We add both.\n```python\n{program}\n```"
    readings = CODE.read_all([program], [ADD], sandbox) + bare_methods()["text"].read_all([text], [ADD], sandbox)
    assert [(reading.answer, reading.reason) for reading in readings] == [(answer, reason)] * 2
    assert not CODE.leaks(ADD, program, "passed")


@pytest.mark.parametrize(("code", "answer"), [("answer = 'b'", "B"), ("answer = 'a dog'", "B"), ("answer = 'a cow'", "a cow")])
def test_a_choice_may_be_returned_by_its_letter_or_its_text(sandbox, code, answer):
    problem = Problem("c", "?", "B", AnswerKind.CHOICE, ("a cat", "a dog"))
    assert CODE.read_all([code], [problem], sandbox)[0].answer == answer
