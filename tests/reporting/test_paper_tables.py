import random
from pathlib import Path

import pytest

from mmst.reporting.paper import SECOND_HAND as WARNING
from mmst.reporting.paper_tables import HEADER, SECOND_HAND, paper_gain, paper_tables
from mmst.reporting.runs import Run, Sweep

RIGHT = {
    "base": 0.3,
    "self_text": 0.4,
    "self_code": 0.4,
    "self_both": 0.4,
    "unverified": 0.6,
    "multi": 0.7,
    "multi_matched": 0.5,
}


def run_of(dataset, seed, arms=RIGHT, phi=-0.4):
    draw = random.Random(f"{dataset} {seed}")
    row = {"round": 1, "where": "labelled", "a": "text", "b": "code", "phi": phi - seed / 10}
    found = {
        "config": {"dataset": {"name": dataset}},
        "dataset": "test",
        "heldout": {"strategyqa": {}},
        "correlations": [{"arm": arm, **row} for arm in arms if arm != "base"],
    }
    run = Run(Path(f"{dataset}-{seed}"), found, {"dataset": dataset, "seed": str(seed)})
    run.__dict__["outcomes"] = {
        (arm, int(arm != "base"), name, method): {str(n): draw.random() < share for n in range(60)}
        for arm, share in arms.items()
        for name in ("test", "strategyqa")
        for method in ("text", "code", "either")
    }
    return run


def sweep_of(*names, arms=RIGHT):
    return Sweep("paper", [run_of(name, seed, arms) for name in names for seed in (0, 1)], axes=("dataset",))


def test_each_of_the_papers_data_sets_is_a_row_beside_its_own_numbers():
    parts = {part.title: part for part in paper_tables(sweep_of("svamp", "gsm8k", "mawps"))}
    assert len(parts) == 5
    (text,) = parts["The paper's data sets: text"].tables
    assert list(text.header) == [*HEADER, SECOND_HAND]
    assert WARNING in text.note
    rows = {row[0]: row for row in text.rows}
    assert set(rows) == {"SVAMP", "GSM8K", "MAWPS"}
    assert rows["GSM8K"][-1] == "12.9, 25.3, 39.3"
    assert all(rows["SVAMP"][2:7]), "every arm has a cell"
    assert rows["SVAMP"][-2] == "2"
    assert rows["SVAMP"][6].startswith("+")
    assert {row[0] for row in parts["The paper's data sets: code"].tables[0].rows} == {"SVAMP", "GSM8K"}
    matched = parts["The paper's data sets, the quantity of data matched"].tables[0].rows
    assert {(row[0], row[1]): row[-1] for row in matched}["SVAMP", "code"] == "53.4, 80.2, 81.1"


def test_tasks_out_of_domain_say_what_was_trained_on():
    (part,) = [part for part in paper_tables(sweep_of("svamp", "gsm8k")) if "out of domain" in part.title]
    rows = {row[0]: row[-1] for row in part.tables[0].rows}
    assert rows == dict.fromkeys(("StrategyQA, trained on SVAMP", "StrategyQA, trained on GSM8K"), "61.3, -, 68.2")


def test_correlations_stand_against_gains_as_a_plot():
    (part,) = [part for part in paper_tables(sweep_of("svamp", "mathqa")) if "Correlation" in part.title]
    assert part.charts
    rows = {row[0]: row for row in part.tables[0].rows}
    assert rows["SVAMP"][2] == "-0.450"
    assert rows["SVAMP"][4:] == ["-0.437", "+27.9"]
    assert rows["MathQA"][4:] == ["", "+0.8"]
    assert paper_gain("MAWPS") == pytest.approx(30.0)
    assert paper_gain("StrategyQA") is None


def test_arms_that_did_not_run_leave_cells_empty():
    (part, *_) = paper_tables(sweep_of("svamp", arms={"base": 0.3, "self_both": 0.4, "multi": 0.6}))
    (row,) = part.tables[0].rows
    assert row[4] == ""
    assert row[5] != ""
    assert row[6] != ""


def test_other_data_sets_have_none_of_it():
    assert paper_tables(sweep_of("arithmetic")) == []
