import re
from statistics import fmean

import pytest

from mmst.reporting.runs import read_sweep
from mmst.reporting.scores import accuracy_parts, axis_part, families_part, pairs_part, rounds_part
from tests.reporting.made import made_run


@pytest.fixture
def single(tmp_path):
    return read_sweep(made_run(tmp_path / "run", tmp_path / "ledger"))


def rows_of(part):
    (table,) = part.tables
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_accuracies_are_means_over_the_seeds(sweep):
    part, _ = accuracy_parts(sweep, "test")
    (base,) = [row for row in rows_of(part) if row["arm"] == "base"]
    by_seed = {run.seed: run.found["arms"]["base"]["text"]["accuracy"] for run in sweep.runs}
    assert base["text"].split()[0] == f"{100 * fmean(by_seed.values()):.1f}"
    assert (base["n"], base["seeds"]) == ("90", "3")
    assert "6 answers unjudged" in part.tables[0].note


def test_differences_name_both_arms_and_every_seed(sweep):
    _, part = accuracy_parts(sweep, "test")
    rows = rows_of(part)
    assert rows[0]["arms"] == "multi - self_both (temperature=0.5)"
    assert all(len(row["by seed"].split(", ")) == 3 for row in rows)
    assert {row["arms"] for row in rows} >= {"multi (temperature=1.0) - base", "self_both (temperature=0.5) - base"}


def test_one_run_is_compared_over_problems(single):
    accuracies, found = accuracy_parts(single, "test")
    assert "over problems (Wilson)" in accuracies.tables[0].note
    assert "McNemar" in found.tables[0].note
    shown = {(row["arms"], row["method"]): row["difference"] for row in rows_of(found)}
    for row in single.runs[0].found["comparisons"]:
        if row["a"] == "base":
            text = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
            assert shown[f"{row['b']} - base", row["method"]] == text


def test_an_axis_of_numbers_is_drawn_and_no_axis_is_not(sweep, single):
    part = axis_part(sweep, "test")
    assert part.title == "Along sampling.params.temperature"
    assert "<svg" in part.charts[0]
    assert axis_part(single, "test") is None


def test_an_arm_that_an_axis_does_not_change_is_a_line_all_along_it(sweep):
    lines = re.findall(r'd="(M[^"z]*)"[^>]*stroke: var\(--s0\)', axis_part(sweep, "test").charts[0])
    assert any(line.count("L") == 1 for line in lines), "the base"


def test_one_round_is_no_course(single):
    assert rounds_part(single, "test") is None


def test_pairs_of_methods_add_up(single):
    rows = rows_of(pairs_part(single, "test"))
    assert [row["arm"] for row in rows] == ["base", "self_both", "multi"]
    counts = [sum(int(row[key]) for key in ("both right", "first", "second", "neither")) for row in rows]
    assert counts == [30, 30, 29], "one of multi's answers is unjudged"


def test_families_are_coloured_by_what_was_gained(single):
    part = families_part(single, "test")
    (table,) = part.tables
    assert sorted(table.header[2:]) == ["groups", "rates", "shares"]
    found = single.runs[0].found["families"]
    for (row, column), shade in table.shades.items():
        arm, method = table.rows[row][:2]
        family = table.header[column]
        gain = found[arm][method][family]["accuracy"] - found["base"][method][family]["accuracy"]
        assert shade == pytest.approx(100 * gain / 60)
        score = found[arm][method][family]
        low, high = (f"{100 * score[key]:.0f}" for key in ("low", "high"))
        assert table.rows[row][column] == f"{100 * score['accuracy']:.0f} [{low}, {high}] of {score['n']}"
    assert len(table.rows) == 6
