"""What stands beside what."""

from collections import Counter

import pytest

from mmst.methods.edge import Contrast, Edge
from mmst.methods.prompt import PromptWriter
from mmst.stages.assemble import assemble
from mmst.stages.contrast import each_alone, pairs, wrong_solutions
from mmst.types import FinishReason, Problem, Verdict
from tests.stages.conftest import graded_sample

PROBLEMS = {name: Problem(name, f"{name}: 3 bags of 4?", "12") for name in ("p0", "p1", "p2")}
RIGHT = " So it is 12. The answer is 12."


def text(said, problem="p0", verdict=Verdict.RIGHT, **more):
    return graded_sample(said, "12" if verdict is Verdict.RIGHT else "7", verdict, problem=problem, **more)


@pytest.fixture
def examples(methods):
    own = [text(RIGHT, "p0"), text(RIGHT, "p1")]
    translated = [text(" 3 * 4 = 12. The answer is 12.", "p0"), text(" By 3 * 4 it is 12. The answer is 12.", "p2")]
    kept = {Edge("text", "text"): own, Edge("code", "text"): translated}
    return assemble(kept, PROBLEMS, methods, PromptWriter())[0]


@pytest.fixture
def wrong(methods):
    said = [" It is 7. The answer is 7.", " 3 + 4 = 7. The answer is 7.", " It is 7. The answer is 7."]
    rows = [text(each, "p0", Verdict.WRONG) for each in said] + [text(said[0], "p2", Verdict.WRONG)]
    rows += [text(" cut", "p1", Verdict.WRONG, finish=FinishReason.LENGTH), text(RIGHT, "p1")]
    is_wrong = lambda row: row.verdict is Verdict.WRONG  # noqa: E731
    return wrong_solutions({"text": rows}, is_wrong, PROBLEMS, methods, PromptWriter(), 4)


def seen(found):
    return Counter((row.example.edge, row.example.problem_id) for row in found)


def test_wrong_solutions_are_distinct_and_whole(wrong):
    assert {place: len(solutions) for place, solutions in wrong.items()} == {("text", "p0"): 2, ("text", "p2"): 1}


def test_right_stands_beside_wrong_within_a_method_and_across_two(examples, wrong):
    assert seen(pairs(examples, wrong, Contrast.WITHIN, 4)) == {("text -> text", "p0"): 2}
    assert seen(pairs(examples, wrong, Contrast.ACROSS, 4)) == {("code -> text", "p0"): 2, ("code -> text", "p2"): 1}
    both = pairs(examples, wrong, Contrast.BOTH, 4)
    assert seen(both) == {("text -> text", "p0"): 1, ("code -> text", "p0"): 1, ("code -> text", "p2"): 1}
    assert all(row.right and "7" in row.beside and "12" in row.example.completion for row in both)


def test_no_more_pairs_of_a_problem_than_asked_for(examples, wrong):
    assert len(pairs(examples, wrong, Contrast.ACROSS, 1)) == 2


def test_each_alone_stands_beside_another_problems_solution(examples, wrong):
    found = each_alone(examples, wrong, 4)
    assert Counter(row.right for row in found) == {True: 4, False: 3}
    problem_of = {example.id: example.problem_id for example in examples}
    problem_of |= {made.id: made.problem_id for solutions in wrong.values() for made in solutions.values()}
    assert all(problem_of[row.beside_id] != row.example.problem_id for row in found)
    assert each_alone(examples, {}, 4)
    assert each_alone(examples[:1], {}, 4) == []  # no other problem
