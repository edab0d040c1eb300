import pytest

from mmst.stages.reasons import ReasonRate, Way, by_execution, by_judge, by_steps, right_ones
from mmst.types import Problem, Verdict
from tests.stages.conftest import graded_sample

PROBLEMS = {"p1": Problem("p1", "3 bags of 4?", "12")}


def test_only_right_answers_are_looked_at():
    rows = [graded_sample(str(n), index=n, verdict=verdict) for n, verdict in enumerate(Verdict)]
    assert [row.verdict for row in right_ones(rows)] == [Verdict.RIGHT]


def test_steps_are_checked_where_there_are_some(methods):
    texts = ["3 * 4 = 12. The answer is 12.", "3 * 4 = 13. The answer is 12.", "It is clear. The answer is 12."]
    rows = [graded_sample(text, index=n) for n, text in enumerate(texts)]
    assert by_steps(rows, methods["text"]) == [False, True]
    assert by_steps([graded_sample("def solution():\n    return 3 * 4")], methods["code"]) == []


def test_a_program_of_a_text_comes_to_its_answer_or_not():
    sources = [graded_sample("x", answer="12", index=n) for n in range(4)]
    given = ["12.0", "13", None, "12"]
    written = [
        graded_sample("y", answer=answer, index=n, source=source.sample.id)
        for n, (source, answer) in enumerate(zip(sources, given, strict=True))
    ]
    assert by_execution(sources, written, PROBLEMS) == [False, True, False]


def test_what_a_judge_did_not_judge_does_not_count():
    rows = [graded_sample("x", index=n, verdict=verdict) for n, verdict in enumerate(Verdict)]
    assert by_judge(rows) == [False, True]


def test_a_rate_has_its_interval():
    rate = ReasonRate.of("text", Way.STEPS, [True] * 5 + [False] * 45)
    assert (rate.wrong, rate.n, rate.rate) == (5, 50, 0.1)
    assert (rate.low, rate.high) == (pytest.approx(0.0435, abs=1e-3), pytest.approx(0.2136, abs=1e-3))
    none = ReasonRate.of("text", Way.STEPS, [])
    assert (none.rate, none.low, none.high) == (None, 0.0, 1.0)
