import pytest

from mmst.statistics.flips import Had, flip_contrasts, flips, near_and_far
from mmst.statistics.intervals import accuracy_interval

#        both   only this  only other  neither
THIS = [True] * 4 + [True] * 2 + [False] * 10 + [False] * 4
OTHER = [True] * 4 + [False] * 2 + [True] * 10 + [False] * 4
AFTER = [True] * 3 + [False] + [True, False] + [True] * 7 + [False] * 3 + [False] * 4


def test_gains_where_the_base_was_wrong_and_losses_where_it_was_right():
    found = {row.had: row for row in flips(THIS, OTHER, AFTER)}
    assert {had: (row.flipped, row.n) for had, row in found.items()} == {
        Had.BOTH: (1, 4),
        Had.ONLY_THIS: (1, 2),
        Had.ONLY_OTHER: (7, 10),
        Had.NEITHER: (0, 4),
    }
    assert found[Had.ONLY_OTHER].share == 0.7
    assert (found[Had.ONLY_OTHER].low, found[Had.ONLY_OTHER].high) == accuracy_interval(7, 10)


def test_gains_less_losses_are_the_difference_of_the_accuracies():
    signed = sum(-row.flipped if row.had.was_right else row.flipped for row in flips(THIS, OTHER, AFTER))
    assert signed == sum(AFTER) - sum(THIS)


def test_an_arm_that_is_the_base_flips_nothing_and_empty_cells_say_so():
    assert {row.flipped for row in flips(THIS, OTHER, THIS)} == {0}
    empty = flips([], [], [])
    assert [(row.n, row.share, row.low, row.high) for row in empty] == [(0, 0.0, 0.0, 1.0)] * 4


def test_the_contrast_of_two_arms_is_within_cells():
    found = {row.had: row for row in flip_contrasts(THIS, OTHER, THIS, AFTER)}
    assert found[Had.ONLY_OTHER].difference == pytest.approx(0.7)
    assert found[Had.ONLY_OTHER].p == pytest.approx(2 / 2**7)
    assert found[Had.NEITHER].difference == 0
    assert found[Had.BOTH].difference == pytest.approx(0.25)  # more losses, not fewer right answers
    assert [row.n for row in found.values()] == [4, 2, 10, 4]


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="argument"):
        flips([True], [True], [])


def test_near_and_far_problems_are_two_groups_of_each_cell():
    far = [n % 2 == 1 for n in range(20)]
    found = {row.had: row for row in near_and_far(THIS, OTHER, AFTER, far)}
    row = found[Had.ONLY_OTHER]
    assert (row.near_flipped, row.near_n, row.far_flipped, row.far_n) == (4, 5, 3, 5)
    assert row.difference == pytest.approx(0.2)
    assert row.low < 0 < row.high
    assert row.p == 1
    with pytest.raises(ValueError, match="shorter"):
        near_and_far(THIS, OTHER, AFTER, far[:-1])
