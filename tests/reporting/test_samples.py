import base64
import gzip
import json
import shutil

import pytest

from mmst.ledger.ledger import Ledger
from mmst.ledger.spec import RowsSpec
from mmst.reporting.browser import embedded
from mmst.reporting.runs import read_sweep
from mmst.reporting.samples import sample_table
from mmst.types import Dropped
from tests.reporting.made import made_run, stage


def decoded(table):
    """What a page holds of all of these samples, texts beside the numbers."""
    index = json.loads(gzip.decompress(base64.b64decode(embedded(table, 10**9).data)))
    texts = index.pop("texts")
    return {**index, "prompts": texts["prompts"], "columns": {**index["columns"], **texts}}


def test_all_samples_are_there_with_what_their_stages_tell(sweep):
    table = sample_table(sweep, 10**6)
    assert table.share == 1
    # a seed: 2 methods x (30 x 2 samples + 30 translations), and 2 x 30 answers of the base and of each run's two arms
    assert len(table) == table.total == 3 * (2 * 90 + 60 * (1 + 2 * 2))
    page = decoded(table)
    assert {tuple(page["problems"][0])} <= {
        (f"{s}{i}-{n}", f"How many of {n}?", str(n)) for s in ("train", "test") for i in (0, 1, 2) for n in range(30)
    }
    assert sorted(page["names"]["edge"]) == ["", "code -> text", "text -> code"]
    assert {"base", "multi (temperature=0.5)", "self_both (temperature=1.0)"} <= set(page["names"]["model"])
    assert sorted(page["names"]["verdict"]) == ["right", "unjudged", "wrong"]


def test_a_translation_stands_beside_the_sample_that_it_was_made_from(sweep):
    page = decoded(sample_table(sweep, 10**6))
    columns, edges = page["columns"], page["names"]["edge"]
    translated = [i for i, edge in enumerate(columns["edge"]) if edges[edge]]
    assert len(translated) == 3 * 2 * 30
    for i in translated:
        source = columns["source"][i]
        method = edges[columns["edge"][i]].split(" -> ")[0]
        assert page["names"]["method"][columns["method"][source]] == method
        assert columns["problem"][source] == columns["problem"][i]
        assert "&0<" in columns["completion"][source], "the first sample was translated"
    assert all(columns["source"][i] == -1 for i in set(range(len(columns["edge"]))) - set(translated))


def test_a_sample_has_the_prompt_that_it_answers(sweep):
    page = decoded(sample_table(sweep, 10**6))
    columns = page["columns"]
    assert all(
        page["problems"][problem][1] in page["prompts"][prompt]
        for problem, prompt in zip(columns["problem"], columns["prompt"], strict=True)
    )


def test_fewer_are_whole_problems_and_the_same_ones_for_all(sweep):
    table = sample_table(sweep, 400)
    assert 100 < len(table) < 800
    assert len(table) < table.total
    page = decoded(table)
    whole = decoded(sample_table(sweep, 10**6))

    def rows(table):
        ids = [problem[0] for problem in table["problems"]]
        counts = {}
        for place in table["columns"]["problem"]:
            counts[ids[place]] = counts.get(ids[place], 0) + 1
        return counts

    everything = rows(whole)
    assert all(everything[id] == count for id, count in rows(page).items())


def test_each_checkpoint_of_an_evaluation_has_its_own_name(tmp_path):
    """Nothing was trained in such a run: names come from the results."""
    folder = made_run(tmp_path / "run", tmp_path / "ledger", evaluation=True)
    assert sorted(decoded(sample_table(read_sweep(folder), 10**6))["names"]["model"]) == ["base", "multi", "self_both"]


@pytest.mark.parametrize("most", [0, 10])
def test_a_ledger_that_is_gone_leaves_a_report_without_samples(tmp_path, most):
    made_run(tmp_path / "run", tmp_path / "ledger")
    shutil.rmtree(tmp_path / "ledger")
    assert len(sample_table(read_sweep(tmp_path / "run"), most)) == 0


def test_a_sample_that_was_left_out_says_why(tmp_path):
    """What an arm left out stands in the ledger behind what it was trained on."""
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    found = json.loads((folder / "results.json").read_text())
    ledger = Ledger(tmp_path / "ledger")
    dropped = [Dropped("train0-0/text/0", "text -> text", "not_right"), Dropped("train0-0/text/0", "text -> code", "duplicate")]
    for name, rows in (("examples", [1]), ("dropped", dropped)):
        key = stage(ledger, name, RowsSpec(f"{name} of multi"), rows, object)
        found["ledger"]["stages"].append(f"{name}-{key}")
    (folder / "results.json").write_text(json.dumps(found))
    table = sample_table(read_sweep(folder), 10**6)
    reasons = list(table.names["drop"])
    shown = [
        (table.problems[problem][0], reasons[number])
        for problem, number in zip(table.columns["problem"], table.columns["drop"], strict=True)
        if reasons[number]
    ]
    assert shown == [("How many of 0?", "duplicate, not_right")]


def test_a_sample_that_one_arm_left_out_names_it(tmp_path):
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    found = json.loads((folder / "results.json").read_text())
    ledger = Ledger(tmp_path / "ledger")
    left = {"multi": [], "small": [Dropped("train0-0/text/0", "text -> text", "subsampled")]}
    for arm, rows in left.items():
        for name, made in (("examples", [arm]), ("dropped", rows)):
            key = stage(ledger, name, RowsSpec(f"{name} of {arm}"), made, object)
            found["ledger"]["stages"].append(f"{name}-{key}")
        folder_of_training = tmp_path / "ledger" / f"train-{arm}"
        folder_of_training.mkdir()
        settings = {"examples": f"examples of {arm}"}
        manifest = {"stage": "train", "key": arm, "settings": settings, "title": f"train   {arm}, round 1"}
        manifest["checkpoint"] = "as the training left it"
        (folder_of_training / "manifest.json").write_text(json.dumps(manifest))
        found["ledger"]["stages"].append(f"train-{arm}")
    (folder / "results.json").write_text(json.dumps(found))
    assert "subsampled by small" in sample_table(read_sweep(folder), 10**6).names["drop"]
