import csv
import json

import pytest

from mmst.reporting.making import (
    CURVE_POINTS,
    audit_part,
    correlation_part,
    curves_part,
    labels_part,
    paper_part,
    reasons_part,
    without_places,
    work_part,
    yield_part,
)
from mmst.reporting.paper import SECOND_HAND
from mmst.reporting.runs import read_sweep
from tests.reporting.made import made_run


def rows_of(part):
    return [dict(zip(part.tables[0].header, row, strict=True)) for row in part.tables[0].rows]


def test_yields_are_sums_over_the_seeds(sweep):
    rows = [row for row in rows_of(yield_part(sweep)) if row["arm"] == "multi (temperature=1.0)"]
    by_edge = {row["edge"]: row for row in rows}
    crossing, own = by_edge["code -> text"], by_edge["text -> text"]
    assert (crossing["translations"], crossing["verified"], crossing["yield"], crossing["examples"]) == (
        "90",
        "60",
        "67%",
        "60",
    )
    assert (own["samples"], own["translations"], own["yield"], own["dropped, by reason"]) == ("180", "", "", "answer_only 3")


def test_a_long_curve_is_thinned(tmp_path):
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    with (folder / "curves" / "multi" / "metrics.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerows([["step", "loss"], *([step, 1.0] for step in range(5000)), [5000, ""]])
    (chart,) = curves_part(read_sweep(folder)).charts
    assert chart.count("\nL ") < 3 * CURVE_POINTS


def test_the_audit_counts_what_should_make_one_doubt(sweep):
    rows = rows_of(audit_part(sweep))
    multi = next(row for row in rows if row["arm"].startswith("multi"))
    assert (multi["examples"], multi["answer-only dropped"], multi["unjudged answers"]) == ("40", "1", "1")
    assert multi["contamination"].startswith("not looked for")


def test_reasons_stand_before_and_after_training(tmp_path):
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    assert reasons_part(read_sweep(folder)) is None
    found = json.loads((folder / "results.json").read_text())
    row = {"arm": "multi", "round": 1, "dataset": "test", "method": "text", "way": "steps", "wrong": 2, "n": 40}
    empty = {**row, "method": "code", "wrong": 0, "n": 0, "rate": None, "low": 0.0, "high": 1.0}
    found["reasons"] = [{**row, "rate": 0.05, "low": 0.014, "high": 0.165}, empty]
    (folder / "results.json").write_text(json.dumps(found))
    (shown,) = rows_of(reasons_part(read_sweep(folder)))
    assert (shown["% wrong reasons [95%]"], shown["n"]) == ("5.0 [1.4, 16.5]", "2 of 40")


def test_labels_show_how_many_are_right(sweep):
    row = rows_of(labels_part(sweep))[0]
    assert (row["labelled"], row["right labels"], row["right samples"]) == ("20 of 30", "95.0% of 20", "50.0%")


def test_runs_without_correlations_have_no_such_part(sweep):
    assert correlation_part(sweep, "test") is None


def test_correlations_stand_beside_the_gain(tmp_path):
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    found = json.loads((folder / "results.json").read_text())
    table = {"both": 5, "only_a": 3, "only_b": 2, "neither": 0, "phi": -0.2, "low": -0.4, "high": 0.1, "n": 10}
    row = {"arm": "multi", "round": 1, "a": "text", "b": "code", **table}
    found["correlations"] = [{**row, "where": "all"}, {**row, "where": "examples", "phi": None}]
    (folder / "results.json").write_text(json.dumps(found))
    part = correlation_part(read_sweep(folder), "test")
    assert [row["phi [95%]"] for row in rows_of(part)] == ["-0.20 [-0.40, +0.10]", ""]
    assert list(part.charts) == [], "no phi, no point"


def test_the_papers_numbers_are_marked_as_second_hand():
    assert SECOND_HAND in paper_part().tables[0].note


def test_what_was_run_names_commit_versions_and_failures(sweep):
    about = dict(work_part(sweep).tables[0].rows)
    assert about["failed: seed=3"] == "no <memory>"
    assert about["varied"] == "sampling.params.temperature"
    assert "torch" in about["versions"]
    assert len(work_part(sweep).tables[1].rows) == 6
    assert ["sweep.question", '"Does it help?"'] in work_part(sweep).tables[2].rows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"/home/ann/data/svamp"', '"…/svamp"'),
        ("/data/runs/ledger and /data/runs/models", "…/ledger and …/models"),
        ("key:/home/ann/x and {folder}/curves/x or ~/x/y", "key:…/x and {folder}/curves/x or ~/x/y"),
        ("runs/train/default", "runs/train/default"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("3 / 4, text/0, /dev", "3 / 4, text/0, /dev"),
    ],
)
def test_a_page_names_no_place_of_the_machine_that_made_it(text, shown):
    assert without_places(text) == shown
