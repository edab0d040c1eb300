import csv
import re
from pathlib import Path

import pytest

from tests.commands import TINY


def plain(found):
    return {key: value for key, value in found.items() if key not in ("seconds", "ledger", "rounds", "config")}


def test_the_whole_loop_and_what_it_leaves(runs):
    finished = runs.run("train.py", *TINY, "rounds=2", "init_from=previous")
    found = runs.results(finished)
    assert set(found["arms"]) == {"base", "self_both", "multi"}
    for scores in found["arms"].values():
        assert set(scores) == {"text", "code", "either"}
        for cell in scores.values():
            assert 0 <= cell["low"] <= cell["accuracy"] <= cell["high"] <= 1
            assert cell["n"] + cell["unjudged"] == 46
        assert scores["either"]["accuracy"] >= max(scores["text"]["accuracy"], scores["code"]["accuracy"])
    pairs = {(row["a"], row["b"]) for row in found["comparisons"]}
    assert pairs == {("base", "self_both"), ("base", "multi"), ("self_both", "multi")}
    assert set(found["counts"]["multi"]) == {"text -> text", "code -> code", "code -> text", "text -> code"}
    for tally in found["counts"]["multi"].values():
        assert tally["samples"] == 92
        assert tally["examples"] <= (tally["verified"] or tally["pseudo_labels"]) <= tally["samples"] * 4
    assert [(row["arm"], row["round"]) for row in found["rounds"]] == [
        ("base", 0), ("self_both", 1), ("self_both", 2), ("multi", 1), ("multi", 2),
    ]  # fmt: skip
    assert {"sample", "grade", "translate", "train", "examples"} <= set(found["seconds"])
    folder = runs.folder / "runs" / "train" / "chunk-50__debug-tiny__init_from-previous__rounds-2"
    assert (folder / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((folder / "results.csv").open()))
    assert {(row["dataset"], row["arm"], row["method"]) for row in rows} >= {
        ("test", "multi", "text"),
        ("heldout", "base", "code"),
    }
    assert (folder / "curves" / "multi-round1" / "metrics.csv").exists()
    assert not finished.stderr.strip()
    assert "GPU available" not in finished.stdout, "libraries do not speak of themselves"

    again = runs.run("train.py", *TINY, "init_from=previous", "rounds=2")
    assert plain(runs.results(again)) == plain(found)
    assert "sample " not in again.stdout


def test_the_same_command_gives_the_same_numbers_and_the_same_files(runs, more_runs):
    """Each in an interpreter of its own, whose hashes have a seed of their own."""
    other = more_runs()
    words = (*TINY, "arms=[]", "method=code_to_text", "dataset.limit=20")
    first, second = (r.results(r.run("train.py", *words, fresh=r is runs)) for r in (runs, other))
    assert plain(first) == plain(second)
    assert runs.ledger_files() == other.ledger_files()


def test_rounds_on_adapters_kept_alone(runs):
    pytest.importorskip("peft")
    options = ["model.lora=4", "trainer.options.merge=false", "trainer.options.layout=packed", "hydra.run.dir=adapted"]
    rounds = ["arms=[]", "method=self_code", "rounds=2", "init_from=previous", "splits=[test]"]
    found = runs.results(runs.run("train.py", *TINY, *options, *rounds))
    for row in found["rounds"][1:]:
        names = {path.name for path in Path(row["checkpoint"]).iterdir()}
        assert "adapter_model.safetensors" in names
        assert "model.safetensors" not in names
    again = runs.results(runs.run("eval.py", "dataset.limit=46", "chunk=20", "+checkpoints.mine=adapted"))
    assert again["arms"]["mine/self_code"] == found["arms"]["self_code"]


def test_an_arm_can_be_matched_to_another_by_its_recipe(runs):
    found = runs.results(runs.run("train.py", *TINY, "arms=[self_both,multi_matched]", "splits=[test]"))
    sizes = {row["arm"]: row["examples"] for row in found["rounds"]}
    edges = 4
    assert sizes["self_both"] - edges < sizes["multi_matched"] <= sizes["self_both"] < sizes["multi"]


def test_arms_are_measured_on_the_splits_that_are_asked_for(runs):
    """By the base alone, where nothing is trained."""
    found = runs.results(runs.run("train.py", *TINY, "method=none", "arms=[]", "splits=[train,heldout]"))
    assert set(found["arms"]) == {"base"}
    assert found["counts"] == {}
    assert found["dataset"] == "train"
    assert set(found["heldout"]) == {"heldout"}


def test_a_sweep_shares_the_bases_samples(runs):
    finished = runs.run("train.py", "-m", *TINY, "arms=[]", "method=self_text,code_to_text")
    assert finished.returncode == 0, finished.stderr
    stages = [path.name.split("-")[0] for path in (runs.folder / "ledger").iterdir()]
    # by text and code: test and held-out problems of the base and of two arms, and the training problems once
    assert stages.count("sample") == 3 * 4 + 2
    assert stages.count("train") == 2
    names = [path.name for path in (runs.folder / "runs" / "train").iterdir() if path.is_dir()]
    assert {re.search("method-([a-z_]+)", name)[1] for name in names} == {"self_text", "code_to_text"}


def test_translations_withheld_from_half_of_the_problems_leave_two_groups_to_compare(runs):
    found = runs.results(runs.run("train.py", *TINY, "filter.withhold=0.5", "arms=[]"))
    rows = found["flips"]["train"]["near_far"]
    assert {(row["arm"], row["method"]) for row in rows} == {("multi", "text"), ("multi", "code")}
    near, far = (sum(row[f"{where}_n"] for row in rows) for where in ("near", "far"))
    assert near > 0
    assert far > 0
    assert found["heldout"]["train"]["arms"]["multi"]["text"]["n"] * 2 == near + far
    edges = found["counts"]["multi"]
    assert sum(edges[edge]["dropped"].get("withheld", 0) for edge in ("code -> text", "text -> code")) > 0
    assert not any("withheld" in edges[edge]["dropped"] for edge in ("text -> text", "code -> code"))
    assert found["flips"]["test"]["near_far"] == []
