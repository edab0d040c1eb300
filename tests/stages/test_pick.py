from collections import Counter

import pytest

from mmst.samplers.lengths import TOO_LONG
from mmst.stages.pick import Line, as_pick, is_lost, lines
from mmst.types import FinishReason, GradedSample, Sample, Verdict


def solution(method, problem="p"):
    row = Sample(f"{problem}/{method}/0", problem, method, 0, 1, "x", FinishReason.STOP, 9, 9, -0.1, 0, 1, 9, "e")
    return GradedSample(row, "12", Verdict.RIGHT, "marked")


def reply(text, finish=FinishReason.STOP, error=""):
    return Sample("p/select.0/0", "p", "select", 0, 1, text, finish, 90, 2, -0.1, 0, 1, 16, "e", error=error)


def shown(answers, orders=2, seed=0):
    return [(line.problem_id, [row.sample.method for row in line.rows]) for line in lines(answers, orders, seed)]


def test_a_problem_is_asked_in_an_order_and_in_the_reverse():
    answers = {"p": [solution("text"), solution("code"), solution("plan")]}
    (_, first), (_, second) = shown(answers)
    assert second == first[::-1]
    assert sorted(first) == ["code", "plan", "text"]
    assert shown(answers) == shown(answers)


def test_one_order_is_drawn_for_each_problem_by_the_seed_and_nothing_else():
    answers = {f"p{n}": [solution("text", f"p{n}"), solution("code", f"p{n}")] for n in range(200)}
    drawn = dict(shown(answers, orders=1))
    firsts = Counter(order[0] for order in drawn.values())
    assert min(firsts.values()) > 70
    assert dict(shown(dict(reversed(answers.items())), orders=1)) == drawn
    assert dict(shown(answers, orders=1, seed=1)) != drawn


@pytest.mark.parametrize(("text", "method"), [(" A", "code"), (" B", "text"), ("neither", None)])
def test_a_letter_stands_for_the_method_that_was_shown_there(text, method):
    found = as_pick(Line("p", 0, (solution("code"), solution("text"))), reply(text))
    assert (found.method, found.tokens, found.prompt_tokens, found.lost) == (method, 2, 90, False)


def test_an_engine_that_failed_lost_the_pick_and_a_prompt_that_is_too_long_names_none():
    assert is_lost(reply("", FinishReason.ERROR, "timeout"))
    assert not is_lost(reply("", FinishReason.ERROR, TOO_LONG))
