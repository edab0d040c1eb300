import json

import pytest

from mmst.errors import ConfigError
from mmst.jobs.problems import problem_set, train_set
from mmst.jobs.problems import test_sets as sets_measured_on
from tests.composing import settings


@pytest.fixture
def read(tmp_path):
    """Settings of train.yaml on data sets of a folder."""
    return lambda *overrides: settings("train", *overrides, f"dataset.root={tmp_path}")


def write(folder, **splits):
    folder.mkdir()
    for split, questions in splits.items():
        rows = [{"question": f"How many are {question}?", "answer": 1} for question in questions]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))


def test_training_problems_are_in_no_other_split(read, tmp_path):
    write(tmp_path / "svamp", train=["a", "b", "c", "tested", "held"], test=["tested", "t"])
    write(tmp_path / "mawps", train=["d", "b", "checked", "t"], dev=["checked", "v"], test=["m"])
    found = read("dataset=svamp_mawps", "dataset.svamp=4")
    sets = {
        split: [p.question.split()[-1][:-1] for p in problem_set(found.dataset, split, found.solvers).problems]
        for split in ("validation", "test")
    }
    assert sets == {"validation": ["held", "checked", "v"], "test": ["tested", "t", "m"]}
    for how in ([], ["splits=[validation]"]):
        train = train_set(read("dataset=svamp_mawps", "dataset.svamp=4", *how)).problems
        assert [p.question.split()[-1] for p in train] == ["a?", "b?", "c?", "d?"]
    assert [tests.name for tests in sets_measured_on(found)] == ["test"]


def test_a_split_that_nothing_is_measured_on_need_not_be_there(read, tmp_path):
    write(tmp_path / "mawps", train=["a", "b"], test=["b"])
    assert len(train_set(read("dataset=mawps")).problems) == 1
    with pytest.raises(ConfigError, match=r"dev\.jsonl"):
        train_set(read("dataset=mawps", "splits=[validation]"))


def test_data_to_learn_from_is_made_without_what_other_splits_hold(tmp_path):
    """generate.py measures on nothing, and leaves the test problems out all the same."""
    write(tmp_path / "mawps", train=["a", "b"], dev=["c"], test=["b"])
    found = settings("generate", "dataset=mawps", f"dataset.root={tmp_path}")
    assert [p.question.split()[-1] for p in train_set(found).problems] == ["a?"]


def test_what_an_entry_of_datasets_says_stands_and_the_rest_is_the_main_ones(read, tmp_path):
    write(tmp_path / "mawps", train=["a"], test=["a", "b", "c", "d"])
    write(tmp_path / "svamp", train=["a"], test=["a", "b", "c", "d"])
    entries = '"svamp dataset.limit=3 dataset.name=three","svamp dataset.limit=null dataset.name=all",svamp'
    sets = sets_measured_on(read("dataset=mawps", "dataset.limit=2", f"datasets=[{entries}]"))
    assert {tests.name: len(tests.problems) for tests in sets} == {"test": 2, "three": 3, "all": 4, "svamp": 2}


def test_a_method_that_a_data_sets_kind_of_answers_does_not_fit_is_refused(read, tmp_path):
    (tmp_path / "strategyqa").mkdir()
    (tmp_path / "strategyqa" / "train.jsonl").write_text('{"question": "Is it?", "answer": "yes"}\n')
    with pytest.raises(ConfigError, match="equation"):
        train_set(read("dataset=strategyqa", "solvers=[text,equation]", "decontaminate=null", "model.shots=2"))
