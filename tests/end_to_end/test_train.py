import csv
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import datasets
import pytest

from mmst.datasets.arithmetic.world import draw_problems
from tests.commands import TINY
from tests.publishing.hub import environment, hub_at_work


def plain(found):
    return {key: value for key, value in found.items() if key not in ("seconds", "ledger", "rounds", "config")}


WHOLE = (*TINY, "dataset.limit=24", "init_from=previous", "rounds=2")


def test_the_whole_loop_and_what_it_leaves(runs):
    finished = runs.run("train.py", *WHOLE)
    found = runs.results(finished)
    assert set(found["arms"]) == {"base", "self_both", "multi"}
    for scores in found["arms"].values():
        assert set(scores) == {"text", "code", "either"}
        for cell in scores.values():
            assert 0 <= cell["low"] <= cell["accuracy"] <= cell["high"] <= 1
            assert cell["n"] + cell["unjudged"] == 24
        assert scores["either"]["accuracy"] >= max(scores["text"]["accuracy"], scores["code"]["accuracy"])
    pairs = {(row["a"], row["b"]) for row in found["comparisons"]}
    assert pairs == {("base", "self_both"), ("base", "multi"), ("self_both", "multi")}
    assert set(found["counts"]["multi"]) == {"text -> text", "code -> code", "code -> text", "text -> code"}
    for tally in found["counts"]["multi"].values():
        assert tally["samples"] == 48
        assert tally["examples"] <= (tally["verified"] or tally["pseudo_labels"]) <= tally["samples"] * 4
    assert [(row["arm"], row["round"]) for row in found["rounds"]] == [
        ("base", 0), ("self_both", 1), ("self_both", 2), ("multi", 1), ("multi", 2),
    ]  # fmt: skip
    assert {(row["arm"], row["round"]) for row in found["reasons"]} == {(row["arm"], row["round"]) for row in found["rounds"]}
    assert {row["way"] for row in found["reasons"]} == {"steps"}
    assert all(row["low"] <= row["rate"] <= row["high"] for row in found["reasons"] if row["n"])
    assert {"sample", "grade", "translate", "train", "examples"} <= set(found["seconds"])
    folder = runs.folder / "runs" / "train" / "chunk-50__dataset.limit-24__debug-tiny__init_from-previous__rounds-2"
    assert (folder / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((folder / "results.csv").open()))
    assert {(row["dataset"], row["arm"], row["method"]) for row in rows} >= {
        ("test", "multi", "text"),
        ("heldout", "base", "code"),
    }
    assert (folder / "curves" / "multi-round1" / "metrics.csv").exists()
    assert not finished.stderr.strip()
    assert "GPU available" not in finished.stdout, "libraries do not speak of themselves"

    with hub_at_work() as hub:
        again = runs.run("train.py", *WHOLE, "push.repo=me/tiny", env=environment(hub), fresh=True)
        pushed_is_what_was_computed(again, hub, found, runs.folder / "pushed")
    assert plain(json.loads((folder / "results.json").read_text())) == plain(found)
    assert "sample " not in again.stdout


def pushed_is_what_was_computed(finished, hub, found, place):
    """A run goes to the Hub as its last step, and its data are read from there with the rows that its card counts."""
    assert finished.returncode == 0, finished.stderr
    assert not finished.stderr.strip()
    places = ("me/tiny", "datasets/me/tiny", "spaces/me/tiny")
    said = [f"pushed {part}: {hub.url}/{name}" for part, name in zip(("model", "data", "page"), places, strict=True)]
    assert finished.stdout.splitlines()[-3:] == said
    for name, content in hub.files("dataset", "me/tiny").items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    rows = datasets.load_dataset(str(place), split="train", cache_dir=str(place / "cache"))
    assert sorted(set(rows["round"])) == [1, 2]
    last = [edge for edge, number in zip(rows["edge"], rows["round"], strict=True) if number == 2]
    long = {edge: tally["dropped"].get("too_long", 0) for edge, tally in found["counts"]["multi"].items()}
    counts = {edge: tally["examples"] + long[edge] for edge, tally in found["counts"]["multi"].items()}
    assert Counter(last) == Counter({edge: count for edge, count in counts.items() if count})
    card = (place / "README.md").read_text()
    assert "mmst train debug=tiny chunk=50 dataset.limit=24 init_from=previous rounds=2 paths.ledger=ledger\n" in card


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
    again = runs.results(runs.run("eval.py", "dataset.limit=46", "+checkpoints.mine=adapted"))
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
    assert {re.search("method-([a-z_]+?)__", f"{name}__")[1] for name in names} == {"self_text", "code_to_text"}


@pytest.fixture
def unlabelled(runs):
    """A folder whose training problems have no answers, and half of whose test problems have none."""
    folder = runs.folder / "unlabelled"
    folder.mkdir()
    for split in ("train", "test"):
        rows = [{"question": p.question, "answer": p.answer} for p in draw_problems(split, 40, 0)]
        for row in rows if split == "train" else rows[::2]:
            row["answer"] = None
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize("rule", ["majority", "agreement"])
def test_labels_without_gold_answers(runs, unlabelled, rule):
    words = (*TINY, "dataset=jsonl", f"dataset.path={unlabelled}", "arms=[]", f"filter={rule}")
    finished = runs.run("train.py", *words, "filter.least_share=0.5")
    found = runs.results(finished)
    assert not finished.stderr.strip()
    assert "40 of 40 training problems have no gold answer: labels do not need it" in finished.stdout
    assert "test: 20 of 40 problems have no gold answer" in finished.stdout
    assert "unjudged; redo" not in finished.stdout
    assert found["gold"] == {"problems": 40, "known": 20}
    assert {(cell["n"], cell["unjudged"]) for scores in found["arms"].values() for cell in scores.values()} == {(20, 0)}
    assert found["verdicts"]["base"]["text"]["no_gold"] == 20
    labels = {row["method"]: row for row in found["labels"]}
    assert all(row["labelled"] and (row["known"], row["samples_right"]) == (0, None) for row in labels.values())
    assert found["rounds"][-1]["examples"]


def test_a_run_that_knows_no_gold_at_all_says_so(runs, unlabelled):
    shutil.copy(unlabelled / "train.jsonl", unlabelled / "test.jsonl")
    words = (*TINY, "dataset=jsonl", f"dataset.path={unlabelled}", "decontaminate=null", "filter=majority", "arms=[self_both]")
    finished = runs.run("train.py", *words, "evaluation.samples=2", "name=unknown")
    found = runs.results(finished)
    assert "test: 40 of 40 problems have no gold answer, so nothing here says how often a model is right." in " ".join(
        finished.stdout.split()
    )
    assert {cell["accuracy"] for scores in found["arms"].values() for cell in scores.values()} == {None}
    assert found["comparisons"] == found["sampled"] == []
    page = runs.run("report.py", "runs/train/unknown")
    assert page.returncode == 0, page.stderr
    assert "none judged" in (runs.folder / "runs/train/unknown/report.html").read_text()


def test_a_filter_that_needs_gold_is_refused_before_anything_is_sampled(runs, unlabelled):
    finished = runs.run("train.py", *TINY, "dataset=jsonl", f"dataset.path={unlabelled}")
    assert finished.returncode == 2
    assert "filter.labels=gold needs right answers, and none of the 40 training problems has one" in finished.stderr
    assert "sample" not in finished.stdout


def test_a_collapse_is_told_and_stops_the_run_if_asked(runs):
    """A learning rate that breaks every weight."""
    words = (*TINY, "splits=[test]", "arms=[self_both]", "trainer.options.optimizer.lr=1", "policy=[one]")
    told = runs.run("train.py", *words)
    found = runs.results(told)
    assert {(row["arm"], row["sign"]) for row in found["collapse"]} == {("self_both", "accuracy"), ("multi", "accuracy")}
    assert "arm multi collapses after round 1: accuracy by code on test fell" in told.stdout
    stopped = runs.run("train.py", *words, "on_collapse=stop", "name=stopped")
    assert stopped.returncode == 2
    assert "on_collapse=stop: no further training, since arm self_both collapses after round 1" in stopped.stderr
    left = json.loads((runs.folder / "runs/train/stopped/results.json").read_text())
    assert {row["arm"] for row in left["collapse"]} == {"self_both"} == {row["arm"] for row in left["rounds"]} - {"base"}


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
