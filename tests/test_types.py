import msgspec
import pytest

from mmst.types import AnswerKind, Example, FinishReason, GradedSample, Problem, Sample, Step, Verdict

SAMPLE = Sample("p/text/0", "p", "text", 0, 2**63 - 1, "é\n\0", FinishReason.STOP, 1, 2, -0.25, 0.7, 1.0, 96, "e", None)
ROWS = [
    Problem("p", "?", "1", AnswerKind.CHOICE, ("a", "b"), derivation=(Step("x", "1", "+", "2", "3"),), tags=("t",)),
    SAMPLE,
    GradedSample(SAMPLE, None, Verdict.UNJUDGED, "lost"),
    Example("e", "text -> text", "p", "Question:", " x"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_rows_survive_a_file(row):
    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row
