import json
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hypothesis import example, given
from hypothesis import strategies as st

from mmst.entry import problem_set, register_resolvers, run_name, train_set
from mmst.entry import test_sets as sets_measured_on
from mmst.errors import ConfigError
from tests.conftest import ROOT


def test_names_are_readable_and_do_not_depend_on_the_order():
    assert run_name([]) == "default"
    assert (
        run_name(["seed=1", "method=code_to_text"])
        == run_name(["method=code_to_text", "seed=1"])
        == "method=code_to_text,seed=1"
    )
    assert run_name(["name=x", "hydra.job.chdir=false", "paths.ledger=/tmp", "tracker=none"]) == "default"


@example(["."])
@given(st.lists(st.text(min_size=1, max_size=60), max_size=6))
def test_names_are_file_names_and_differ_where_overrides_do(overrides):
    name = run_name(overrides)
    assert 0 < len(name) < 100
    assert "/" not in name
    assert name not in (".", "..")
    if overrides:
        assert run_name([*overrides, "seed=12345"]) != name


@pytest.fixture
def composed(tmp_path):
    """Composes train.yaml on data sets of a folder."""
    register_resolvers()

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        yield lambda *overrides: compose("train", [*overrides, f"dataset.root={tmp_path}"])


def write(folder, **splits):
    folder.mkdir()
    for split, questions in splits.items():
        rows = [{"question": f"How many are {question}?", "answer": 1} for question in questions]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))


def test_training_problems_are_in_no_other_split(composed, tmp_path):
    write(tmp_path / "svamp", train=["a", "b", "c", "tested", "held"], test=["tested", "t"])
    write(tmp_path / "mawps", train=["d", "b", "checked", "t"], dev=["checked", "v"], test=["m"])
    config = composed("dataset=svamp_mawps", "dataset.svamp=4")
    sets = {
        split: [p.question.split()[-1][:-1] for p in problem_set(config, split).problems] for split in ("validation", "test")
    }
    assert sets == {"validation": ["held", "checked", "v"], "test": ["tested", "t", "m"]}
    for how in ([], ["splits=[validation]"]):
        train = train_set(composed("dataset=svamp_mawps", "dataset.svamp=4", *how)).problems
        assert [p.question.split()[-1] for p in train] == ["a?", "b?", "c?", "d?"]
    assert [tests.name for tests in sets_measured_on(config)] == ["test"]


def test_a_split_that_nothing_is_measured_on_need_not_be_there(composed, tmp_path):
    write(tmp_path / "mawps", train=["a", "b"], test=["b"])
    assert len(train_set(composed("dataset=mawps")).problems) == 1
    with pytest.raises(ConfigError, match=r"dev\.jsonl"):
        train_set(composed("dataset=mawps", "splits=[validation]"))


def test_what_an_entry_of_datasets_says_stands_and_the_rest_is_the_main_ones(composed, tmp_path):
    write(tmp_path / "mawps", train=["a"], test=["a", "b", "c", "d"])
    write(tmp_path / "svamp", train=["a"], test=["a", "b", "c", "d"])
    entries = '"svamp dataset.limit=3 dataset.name=three","svamp dataset.limit=null dataset.name=all",svamp'
    sets = sets_measured_on(composed("dataset=mawps", "dataset.limit=2", f"datasets=[{entries}]"))
    assert {tests.name: len(tests.problems) for tests in sets} == {"test": 2, "three": 3, "all": 4, "svamp": 2}


def test_commands_that_train_nothing_import_no_lightning():
    """It takes as long as all the rest together."""
    asked = "import sys, mmst.entry, mmst.forecast; mmst.entry.quiet_libraries(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "'transformers'" in done.stdout
    assert "'lightning'" not in done.stdout
