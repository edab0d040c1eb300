import numpy as np
import pytest
from scipy import stats

from mmst.planning.power import Known, assumed, counted, power_row
from mmst.statistics.paired import mcnemar_p

TABLES = 4000
ONE_POINT = 0.01


def found_by_mcnemar(difference, discordant, n, alpha):
    """In how many of many simulated tables the test finds a difference."""
    chances = [(discordant - difference) / 2, (discordant + difference) / 2, 1 - discordant]
    a, b, _ = np.random.default_rng(5).multinomial(n, chances, size=TABLES).T
    p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(a, b), a + b, 0.5))  # mcnemar_p of all tables at once
    assert p[:5] == pytest.approx([mcnemar_p(*map(int, table)) for table in zip(a[:5], b[:5], strict=True)])
    return np.mean(p <= alpha)


def found_by_t(difference, spread, seeds):
    draws = np.random.default_rng(3).normal(difference, spread, size=(TABLES, seeds))
    return np.mean(stats.ttest_1samp(draws, 0.0, axis=1).pvalue <= 0.05)


@pytest.mark.parametrize(("discordant", "judged"), [(57, 1150), (150, 1150), (9, 400)])
def test_one_point_is_found_in_four_of_five_simulated_tables_of_the_planned_size(discordant, judged):
    known = counted("multi - base", "text", [(discordant, judged)])
    row = power_row(known, ONE_POINT, judged, comparisons=9)
    assert 0.77 <= found_by_mcnemar(ONE_POINT, known.discordant, row.problems, 0.05) <= 0.83
    assert 0.77 <= found_by_mcnemar(ONE_POINT, known.discordant, row.problems_in_table, 0.05 / 9) <= 0.83
    assert row.problems < row.problems_in_table
    assert row.problems < row.problems_high


@pytest.mark.parametrize("discordant", [57, 150])
def test_no_difference_is_found_in_at_most_one_of_twenty(discordant):
    row = power_row(counted("multi - base", "text", [(discordant, 1150)]), ONE_POINT, 1150, comparisons=1)
    assert 0.03 <= found_by_mcnemar(0.0, discordant / 1150, row.problems, 0.05) <= 0.055


def test_one_point_is_found_over_as_many_simulated_seeds_as_planned():
    known = Known("multi - base", "text", 0.1, 0.12, spread=0.02, seeds=5)
    row = power_row(known, ONE_POINT, 1150, comparisons=1)
    assert 0.77 <= found_by_t(ONE_POINT, 0.02, row.seeds) <= 0.83
    assert 0.04 <= found_by_t(0.0, 0.02, row.seeds) <= 0.06
    assert not row.at_least


def test_the_problems_make_a_spread_where_seeds_have_not_run():
    """Each simulated seed draws problems of its own, and trainings add nothing."""
    known = counted("multi - base", "text", [(115, 1150)])
    row = power_row(known, ONE_POINT, 1150, comparisons=1)
    assert row.at_least
    chances = [(0.1 - ONE_POINT) / 2, (0.1 + ONE_POINT) / 2, 0.9]
    tables = np.random.default_rng(2).multinomial(1150, chances, size=(TABLES, row.seeds))
    differences = (tables[:, :, 1] - tables[:, :, 0]) / 1150
    assert 0.77 <= np.mean(stats.ttest_1samp(differences, 0.0, axis=1).pvalue <= 0.05) <= 0.84


def test_with_the_problems_that_there_are_the_chance_is_told():
    row = power_row(counted("a", "text", [(115, 1150)]), 0.03, 1150, comparisons=1)
    assert row.power == pytest.approx(found_by_mcnemar(0.03, 0.1, 1150, 0.05), abs=0.02)
    assert row.power > 0.8
    assert row.visible < 0.03


def test_a_mean_over_methods_has_seeds_alone():
    row = power_row(Known("a", "mean of methods", None, None, spread=0.01, seeds=3), ONE_POINT, 100, comparisons=1)
    assert row.seeds > 2
    assert row.problems is row.power is row.visible is None


def test_what_is_assumed_needs_most_where_the_base_is_half_right():
    shares = [assumed("a", "text", base, ONE_POINT).discordant for base in (0.02, 0.2, None, 0.9)]
    assert max(shares) == shares[2] == pytest.approx(0.125, abs=0.001)
    assert assumed("a", "text", 0.0, 0.05).discordant == 0.05, "at least as many as differ"


def test_several_runs_count_together():
    assert counted("a", "text", [(5, 100), (15, 100)]).discordant == 0.1
    with pytest.raises(ValueError, match="no problem was judged"):
        counted("a", "text", [(0, 0)])
