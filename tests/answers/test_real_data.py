"""Gold answers of real data sets are read back out of their own rationales."""

import random
import re

import pytest

from mmst.answers.audit import wrong_steps
from mmst.answers.equality import gold_of
from mmst.answers.reading import stated_answer
from mmst.datasets.catalog import read_split
from mmst.nano.__main__ import bare_methods

EVERY = [pytest.param(1, marks=pytest.mark.soak), 6]
"""Of how many rows one is taken: each equation is a program, and thousands take half a minute."""
BAD_GOLDS = {("svamp", 1): 1, ("mawps", 1): 17, ("svamp", 6): 0, ("mawps", 6): 3}
"""Rows whose equation disagrees with the answer that is given, such as `( ( 4.0 - 2.0 ) + 3.0 )` with the answer 1."""

CALCULATOR = re.compile(r"<<[^<>]*>>")
RESULT = re.compile(r"<<[^<>]*>>\s*-?\$?(\d[\d,]*)")


def with_a_wrong_result(rationale, rng):
    """A rationale with one result that is not its calculation's; None where it marks none."""
    found = list(RESULT.finditer(rationale))
    if not found:
        return None
    one = rng.choice(found)
    wrong = str(int(one[1].replace(",", "")) + rng.choice([1, 2, 3, 7]))
    return CALCULATOR.sub("", rationale[: one.start(1)] + wrong + rationale[one.end(1) :])


def test_the_audit_finds_wrong_results_and_leaves_gold_rationales_alone(real_data):
    rationales = [p.rationale for p in read_split("gsm8k", "train", str(real_data))]
    flagged = sum(bool(wrong_steps(CALCULATOR.sub("", rationale))) for rationale in rationales)
    rng = random.Random(0)
    wrong = [text for text in (with_a_wrong_result(rationale, rng) for rationale in rationales) if text][:500]
    found = sum(bool(wrong_steps(text)) for text in wrong)
    assert (len(rationales), len(wrong)) == (7473, 500)
    assert flagged <= 55
    assert found >= 460


def test_gsm8k(real_data):
    problems = read_split("gsm8k", "train", str(real_data))
    missed = [p.id for p in problems if stated_answer(f"{p.rationale}\n#### {p.answer}")[0] != gold_of(p)]
    assert missed == []


def test_every_number_of_mathqa(real_data):
    problems = read_split("mathqa_numeric", "test", str(real_data))
    assert [p.id for p in problems if stated_answer(f"The answer is {p.answer}.")[0] != gold_of(p)] == []


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("name", ["svamp", "mawps"])
def test_equations_solve_to_the_gold_answers(name, every, real_data, sandbox):
    equation = bare_methods(["equation"])["equation"]
    splits = ("train", "test") if name == "svamp" else ("train", "validation", "test")
    problems = [p for split in splits for p in read_split(name, split, str(real_data))][::every]
    written = [p.rationale.lower().strip() for p in problems]
    systems = [(text if "=" in text else f"x = {text}") + "\nanswer = x" for text in written]
    readings = equation.read_all(systems, problems, sandbox)
    missed = [p.id for p, reading in zip(problems, readings, strict=True) if reading.answer != gold_of(p)]
    assert len(missed) == BAD_GOLDS[name, every], missed
