"""A rule of the user's refuses rows with a reason of its own, in its place among the others."""

from dataclasses import replace

import pytest

from mmst.errors import ConfigError
from mmst.filters.filter import Filter
from mmst.filters.rules import is_withheld
from mmst.stages.select import select, select_translations
from mmst.types import FinishReason, GradedSample, Sample, Verdict


def row(completion, index):
    sample = Sample(
        f"p1/text/{index}", "p1", "text", index, 0, completion, FinishReason.STOP, 1, 1, None, 0.7, 1.0, 9, "engine"
    )
    return GradedSample(sample, "12", Verdict.RIGHT, "marked")


def no_shouting(row, context):
    return "shouts" if context.solution.isupper() else None


def test_a_rule_of_ones_own_refuses_with_its_own_reason(problem, methods):
    rows = [row("THREE TIMES 4 IS 3 * 4 = 12. THE ANSWER IS 12.", 0), row("3 * 4 = 12. The answer is 12.", 1)]
    kept, dropped = select(rows, {"p1": problem}, methods["text"], Filter(rules=(no_shouting,)), "text -> text", {"p1": "12"})
    assert [r.sample.index for r in kept] == [1]
    assert [r.reason for r in dropped] == ["shouts"]


def test_what_is_no_rule_is_refused():
    with pytest.raises(ConfigError, match=r"filter\.rules"):
        Filter(rules=("shouts",))


def of_problem(id, source=None):
    made = row("3 * 4 = 12. The answer is 12.", 0)
    return replace(made, sample=replace(made.sample, id=f"{id}/text/0", problem_id=id, source_id=source))


def test_translations_of_a_share_of_the_problems_are_withheld_whatever_their_order(problem, methods):
    ids = [f"p{n}" for n in range(400)]
    problems = {id: replace(problem, id=id) for id in ids}
    keep = Filter(withhold=0.5)
    kept = {}
    for order in (ids, ids[::-1]):
        sources = [of_problem(id) for id in order]
        translated = [of_problem(id, f"{id}/text/0") for id in order]
        rows, dropped = select_translations(translated, sources, problems, methods["text"], keep, "code -> text")
        assert {r.reason for r in dropped} == {"withheld"}
        kept[order[0]] = {r.sample.problem_id for r in rows}
        own, _ = select(sources, problems, methods["text"], keep, "text -> text", dict.fromkeys(ids, "12"))
        assert len(own) == 400, "what a method finds by itself stays"
    assert kept["p0"] == kept["p399"] == {id for id in ids if not is_withheld(id, 0.5)}
    assert 160 < len(kept["p0"]) < 240
    assert {id for id in ids if is_withheld(id, 0.2)} < {id for id in ids if is_withheld(id, 0.5)}


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(ConfigError, match=r"filter\.withhold"):
        Filter(withhold=share)


def test_a_constant_is_an_answer_alone_whatever_its_text_says(problem, methods):
    rows = [replace(row("3 * 4 = 12. The answer is 12.", 0), reason="constant"), row("4 * 3 = 12. The answer is 12.", 1)]
    kept, dropped = select(rows, {"p1": problem}, methods["text"], Filter(), "text -> text", {"p1": "12"})
    assert [r.sample.index for r in kept] == [1]
    assert [r.reason for r in dropped] == ["answer_only"]
