"""A rule of the user's refuses rows with a reason of its own, in its place among the others."""

import pytest

from mmst.errors import ConfigError
from mmst.filters.filter import Filter
from mmst.stages.select import select
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
