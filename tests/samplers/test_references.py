import pytest

from mmst.errors import ConfigError
from mmst.samplers.references import References
from mmst.samplers.sampler import SamplingParams
from mmst.types import AnswerKind, Problem, Prompt

GREEDY = SamplingParams(0.0)


def test_a_problem_is_answered_by_its_own_solution():
    known = [
        Problem("a/1", "?", "12", rationale="3 * 4 = 12"),
        Problem("b", "?", "", AnswerKind.TESTS, tests=("assert f()",), rationale="def f(): ..."),
        Problem("c", "?", "7"),
    ]
    engine = References(known)
    prompts = [Prompt(f"{id}/text", "Question: ?", (0,)) for id in ("a/1", "b", "c", "d")]
    made = [completion for (completion,) in engine.complete(prompts, GREEDY)]
    assert [completion.text for completion in made] == ["3 * 4 = 12\nThe answer is 12.", "def f(): ...", "", ""]
    assert [completion.error for completion in made] == ["", "", "no reference", "no reference"]


def test_other_solutions_are_another_engine():
    engines = {References([Problem("a", "?", "1", rationale=text)]).engine for text in ("x", "y", "x")}
    assert len(engines) == 2


def test_a_set_without_solutions_is_refused():
    with pytest.raises(ConfigError, match="no problem of the split test has a written solution"):
        References([Problem("a", "?", "1")])
