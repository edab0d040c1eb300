from __future__ import annotations

import pytest

from mmst.types import FinishReason, GradedSample, Problem, Sample, Verdict


def graded_sample(
    completion, answer="12", verdict=Verdict.RIGHT, index=0, problem="p1", method="text", finish="stop", source=None
):
    """A graded sample of one problem."""
    sample = Sample(
        f"{problem}/{method}/{index}", problem, method, index, 0, completion, FinishReason(finish), 1, 1, None,
        0.7, 1.0, 96, "e", source,
    )  # fmt: skip
    return GradedSample(sample, answer, verdict, "")


@pytest.fixture
def made():
    return graded_sample


@pytest.fixture
def problems():
    rows = [Problem("p1", "3 bags of 4?", "12"), Problem("p2", "2 bags of 5?", "10")]
    return {row.id: row for row in rows}
