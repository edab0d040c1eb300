"""Where chunks close, by what the work took."""

import math

import pytest

from mmst.ledger.chunking import FIRST, Chunking, Pace


def sizes(most, seconds, takes, total, units=1):
    """Inputs of each chunk, where `takes(n)` is how long n of them take."""
    pace = Pace(Chunking(most, seconds), units)
    found = []
    while sum(found) < total:
        found.append(min(pace.size, total - sum(found)))
        pace.took(found[-1], takes(found[-1]))
    return found


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        (lambda n: 0.001 * n, [32, 500, 468]),
        (lambda n: 0, [32, 500, 468]),
        (lambda n: 0.5 * n, [32, *[120] * 8, 8]),
        (lambda n: 10 + 0.1 * n, [32, 145, 355, 468]),
        (lambda n: 100 * n, [32] * 31 + [8]),
    ],
    ids=["faster than the limit", "no time at all", "half a second each", "larger is faster", "slower than the first"],
)
def test_a_chunk_is_what_the_rate_fits_into_a_minute(takes, expected):
    assert sizes(500, 60, takes, 1000) == expected


@pytest.mark.parametrize(
    ("units", "most", "expected"), [(1, 500, FIRST), (8, 500, FIRST // 8), (20, 500, 2), (99, 500, 1), (1, 5, 5)]
)
def test_the_first_chunk_has_a_few_rows(units, most, expected):
    assert Pace(Chunking(most, 60), units).size == expected


def test_without_a_time_all_chunks_have_the_same_size():
    assert sizes(300, math.inf, lambda n: 1000, 1000) == [300, 300, 300, 100]
