from __future__ import annotations

import pytest

from mmst.types import FinishReason, GradedSample, Problem, Sample, Verdict


@pytest.fixture
def made():
    """Builds graded samples of one problem: (completion, answer, verdict, ...) -> row."""

    def make(completion, answer="12", verdict=Verdict.RIGHT, index=0, problem="p1", method="text", finish="stop", source=None):
        sample = Sample(
            f"{problem}/{method}/{index}", problem, method, index, 0, completion, FinishReason(finish), 1, 1, None,
            0.7, 1.0, 96, "e", source,
        )  # fmt: skip
        return GradedSample(sample, answer, verdict, "")

    return make


@pytest.fixture
def problems():
    rows = [Problem("p1", "3 bags of 4?", "12"), Problem("p2", "2 bags of 5?", "10")]
    return {row.id: row for row in rows}
