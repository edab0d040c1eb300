import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.errors import ConfigError
from mmst.training.schedule import bucketed_steps, check_parts, like_lengths, pack, packed_steps, parts_of_step

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=60)


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 30), st.integers(0, 99))
def test_bucketed_steps_are_fair_and_seeded(examples, batch_size, steps, seed):
    schedule = bucketed_steps(examples, batch_size, steps, seed)
    assert [len(step) for step in schedule] == [batch_size] * steps
    counts = Counter(number for step in schedule for (number,) in step)
    seen = [counts.get(number, 0) for number in range(examples)]
    assert max(seen) - min(seen) <= 1
    assert schedule == bucketed_steps(examples, batch_size, steps, seed)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=7), st.integers(1, 4))
def test_groups_of_like_length_have_the_least_padding(lengths, groups):
    found = like_lengths(lengths, groups)
    assert sorted(place for group in found for place in group) == list(range(len(lengths)))
    assert len(found) == min(groups, len(lengths)), "on every process as many"
    assert places(lengths, found) == min(places(lengths, cut) for cut in all_cuts(lengths, len(found)))


def places(lengths, groups):
    return sum(len(group) * max(lengths[place] for place in group) for group in groups)


def all_cuts(lengths, groups):
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for ends in itertools.combinations(range(1, len(order)), groups - 1):
        bounds = [0, *ends, len(order)]
        yield [order[a:b] for a, b in itertools.pairwise(bounds)]


@given(LENGTHS, st.integers(50, 200), st.integers(0, 99))
def test_a_packing_holds_every_example_once_in_rows_that_are_not_too_long(lengths, row, seed):
    rows = pack(lengths, row, random.Random(seed))
    assert sorted(number for packed in rows for number in packed) == list(range(len(lengths)))
    assert all(sum(lengths[number] for number in packed) <= row for packed in rows)
    assert sum(sum(lengths[n] for n in packed) * 2 <= row for packed in rows) <= 1  # else two of them would be one


def test_an_example_goes_into_the_fullest_row_that_has_room_for_it():
    assert sorted(sorted(row) for row in pack([60, 70, 25, 40], 100, random.Random(0))) == [[0, 3], [1, 2]]


def test_packing_refuses_an_example_that_is_longer_than_a_row():
    with pytest.raises(ValueError, match="11 tokens does not fit a row of 10"):
        pack([3, 11], 10, random.Random(0))


@given(LENGTHS, st.integers(1, 8), st.integers(1, 9), st.integers(0, 99))
def test_packed_steps_are_equally_large_fair_and_seeded(lengths, batch_size, steps, seed):
    schedule = packed_steps(lengths, 64, batch_size, steps, seed)
    assert len(schedule) == steps
    assert len({len(step) for step in schedule}) == 1
    assert schedule == packed_steps(lengths, 64, batch_size, steps, seed)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 2)), min_size=1, max_size=60), st.integers(0, 99))
def test_only_examples_with_the_same_prefix_share_a_row(examples, seed):
    known = [(), (1,) * 10, (2,) * 30]
    prefixes = [known[kind] for _, kind in examples]
    lengths = [length + len(prefix) for (length, _), prefix in zip(examples, prefixes, strict=True)]
    rows = [row for step in packed_steps(lengths, 64, 4, 30, seed, prefixes) for row in step]
    for row in rows:
        (prefix,) = {prefixes[number] for number in row}
        assert len(prefix) + sum(lengths[number] - len(prefix) for number in row) <= 64
    counts = Counter(number for row in rows for number in row)
    assert max(counts.values()) - min(counts.get(number, 0) for number in range(len(examples))) <= 1


def test_a_packed_step_holds_about_as_many_examples_as_were_asked_for():
    lengths = [10 + number % 30 for number in range(600)]
    schedule = packed_steps(lengths, 128, 32, 40, 0)
    assert sum(len(row) for step in schedule for row in step) / 40 == pytest.approx(32, rel=0.1)


@given(st.integers(1, 4), st.integers(1, 24))
def test_the_parts_of_a_step_are_the_step(parts, count):
    rows = [(number,) for number in range(count)]
    dealt = parts_of_step(rows, parts)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert sorted(row for part in dealt for row in part) == rows


def test_a_step_that_cannot_be_dealt_out_evenly_is_refused_with_a_size_that_can():
    check_parts(12, processes=3, accumulated=2)
    with pytest.raises(ConfigError, match=r"must be a multiple of 3 .* x 2 .*; 18 is one"):
        check_parts(16, processes=3, accumulated=2)
    with pytest.raises(ConfigError, match=r"trainer\.accumulate=0 must be at least 1"):
        check_parts(16, processes=1, accumulated=0)
