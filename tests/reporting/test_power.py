from pathlib import Path
from statistics import stdev

import pytest

from mmst.planning.power import power_row
from mmst.reporting.arms import MEAN
from mmst.reporting.power import known_differences, power_notes, power_sentence, power_table
from mmst.reporting.runs import Run, Sweep


@pytest.mark.parametrize(
    ("visible", "words"),
    [
        ([0.0312], "could show: 3.1 points (80% power"),
        ([0.052, 0.0312], "could show: 3.1 to 5.2 points"),
        ([0.1004, 0.0998], "could show: 10.0 points"),
        ([0.2, None], "20.0 points (80% power, p < 0.05 after Holm's correction). In some rows none could"),
        ([None], "No difference could show in this table at 80% power"),
    ],
)
def test_the_sentence_gives_the_range_over_rows(visible, words):
    assert words in power_sentence([{"visible": value} for value in visible])


def test_results_of_earlier_versions_have_no_such_number():
    assert "No difference" in power_sentence([{}])


def run_of(seed, *rows):
    """A finished run whose table holds rows of (method, difference, discordant problems), of 100 each."""
    comparisons = [
        {"a": "base", "b": "multi", "method": method, "difference": difference, "discordant": discordant, "n": 100}
        for method, difference, discordant in rows
    ]
    found = {"config": {}, "dataset": "test", "comparisons": comparisons, "heldout": {}}
    return Run(Path(f"seed-{seed}"), found, {"seed": str(seed)})


SWEEP = Sweep(
    "sweep",
    [
        run_of(0, ("text", 0.02, 10), ("code", 0.04, 20), ("either", 0.0, 2)),
        run_of(1, ("text", 0.04, 12), ("code", 0.08, 22), ("either", 0.0, 2)),
    ],
)


def test_runs_tell_how_many_problems_set_two_arms_apart_and_how_seeds_differ():
    known = {row.method: row for row in known_differences(SWEEP, "test")}
    assert set(known) == {"text", "code", "either", MEAN}
    assert {row.arms for row in known.values()} == {"multi - base"}
    text, mean = known["text"], known[MEAN]
    assert (text.discordant, text.seeds) == (0.11, 2)
    assert text.high > 0.11
    assert text.spread == pytest.approx(stdev([0.02, 0.04]))
    assert (mean.discordant, mean.seeds) == (None, 2)
    assert mean.spread == pytest.approx(stdev([0.03, 0.06])), "without either"
    assert known["either"].spread is None, "equal seeds tell nothing"


def test_one_run_tells_nothing_of_seeds_and_an_old_one_nothing_at_all():
    run = run_of(0, ("text", 0.02, 10))
    (known,) = known_differences(Sweep("one", [run]), "test")
    assert known.spread is None
    del run.found["comparisons"][0]["discordant"]
    assert known_differences(Sweep("one", [run]), "test") == []
    assert known_differences(SWEEP, "elsewhere") == []


def test_a_planned_table_has_a_line_for_each_pair_and_method():
    rows = [power_row(known, 0.01, 100, 9) for known in known_differences(SWEEP, "test")]
    table = power_table(rows, 9)
    assert table.row_count == len(rows) == 4
    assert "of 9" in [column.header for column in table.columns]
    assert any("of 9" in note for note in power_notes(1.0, 9))
