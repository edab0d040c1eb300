"""Plans: the program after one is run, and a translation is shown the plan alone."""

from dataclasses import replace

import pytest

from mmst.answers.equality import PASSED
from mmst.methods.code import CodeMethod
from mmst.methods.plan import PlanFormat, PlanMethod, plan_in
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.methods.text import TextMethod
from mmst.types import AnswerKind, Problem

STEPS = "1. Start with the first number.\n2. Add the second one."
PROGRAM = "def add(a, b):\n    return a + b"
SOLUTION = f"{STEPS}\n```python\n{PROGRAM}\n```"
TESTS = ("assert add(1, 2) == 3", "assert add(0, 0) == 0")
PROBLEM = Problem("t", "Add two numbers.", "", AnswerKind.TESTS, tests=TESTS, entry_point="add", public_tests=1)
SUM = Problem("n", "A crate holds 9 melons. How many melons do 4 crates hold?", "36")
PLANS = PlanFormat("Plan and answer:", " ", shots=2, exemplars="plan", key="text", solution_name="plan")
CODES = PromptFormat("Program:", "\n", shots=2, key="code", solution_name="Python program")

PLAN, TEXT, CODE = PlanMethod(PLANS), TextMethod(PromptFormat("Answer:", " ", key="text")), CodeMethod(CODES)


def read(text, sandbox, problem=PROBLEM):
    return PLAN.read_all([text], [problem], sandbox)[0].answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (SOLUTION, PASSED),
        (f"{SOLUTION}\nIt adds both.", PASSED),
        (f"{STEPS}\n\n{PROGRAM}", PASSED),
        (SOLUTION.replace("a + b", "a - b"), None),
        (STEPS, None),
    ],
)
def test_the_program_after_a_plan_is_run(text, answer, sandbox):
    assert read(text, sandbox) == answer


def test_a_function_that_the_question_begins_is_completed(sandbox):
    """As HumanEval asks; the program after a plan may be its body alone, or all of it."""
    begun = replace(PROBLEM, question='def add(a, b):\n    """Add two numbers."""\n', public_tests=0)
    assert read(f"{STEPS}\n```python\n    return a + b\n```", sandbox, begun) == PASSED
    assert read(SOLUTION, sandbox, begun) == PASSED


def test_remarks_of_a_program_do_not_end_it(sandbox):
    remark = '    """Add.\n\n    Example: add(1, 2)\n    """\n'
    text = SOLUTION.replace("    return", f"{remark}    return")
    assert read(text, sandbox) == PASSED
    assert PLAN.clean(f"{text}\n\nQuestion: Another one?") == text


def test_a_plan_of_a_number_is_read_as_a_text_is(sandbox):
    text = "Plan: multiply. There are 9 * 4 = 36 melons. The answer is 36."
    assert read(text, sandbox, SUM) == "36"
    for asked in ("clean", "steps", "wrong_steps"):
        assert getattr(PLAN, asked)(text) == getattr(TEXT, asked)(text)
    assert plan_in(text) == text


@pytest.mark.parametrize(("text", "leaks"), [(SOLUTION, False), (f"```python\n{PROGRAM}\n```", True), (PROGRAM, True)])
def test_a_program_without_a_plan_is_none_to_learn_from(text, leaks):
    assert PLAN.leaks(PROBLEM, text, PASSED) is leaks


def test_plans_of_the_same_program_are_the_same_in_kind():
    other = SOLUTION.replace("Start with", "Take").replace("(a, b)", "(x, y)").replace("a + b", "x + y")
    assert PLAN.steps(SOLUTION) == PLAN.steps(other) == CODE.steps(PROGRAM)
    assert PLAN.steps(SOLUTION) != PLAN.steps(SOLUTION.replace("a + b", "a - b"))


def test_statements_are_looked_for_in_the_plan_alone():
    wrong = "1. Use 2 + 2 = 5 here."
    assert PLAN.wrong_steps(SOLUTION.replace(STEPS, wrong)) == ["2 + 2 = 5"]
    assert not PLAN.wrong_steps(SOLUTION.replace("    return", "    # 2 + 2 = 5\n    return"))


def test_a_translation_of_a_plan_is_shown_no_program():
    """Neither its own nor an exemplar's: the target is written from the plan."""
    asked = PromptWriter().translate(PROBLEM, SOLUTION, PLANS, CODES)
    assert asked.endswith(f"Plan and answer: {STEPS}\nProgram:")
    assert "```" not in asked
    assert asked.count("def ") == CODES.shots, "the targets of exemplars"


def test_a_translation_into_a_plan_is_shown_the_whole_program_and_whole_exemplars():
    asked = PromptWriter().translate(PROBLEM, PROGRAM, CODES, PLANS)
    assert asked.endswith(f"Program:\n{PROGRAM}\nPlan and answer:")
    assert asked.count("```python") == PLANS.shots


def test_a_plan_that_failed_is_shown_whole():
    asked = PromptWriter().translation(PROBLEM, PROGRAM, CODES, PLANS, (SOLUTION, "no answer (error)")).text
    assert f"Plan and answer: {SOLUTION}\nThis plan gives no answer (error)" in asked
