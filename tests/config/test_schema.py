import msgspec
import pytest

from mmst.config.groups import DataSettings, Paths
from mmst.config.read import plain
from mmst.config.schema import JOBS, EvalSettings, TrainSettings, checked, refusal
from mmst.errors import ConfigError
from tests.composing import composed


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=-1", "seed=-1"),
        ("chunk=null", "chunk=null"),
        ("chunk=0", "chunk=0"),
        ("chunk_seconds=0", "chunk_seconds=0"),
        ("rounds=true", "rounds=True"),
        ("arms=multi", "arms=multi"),
        ("name=..", "name=.."),
        ("name=a/b", "name=a/b"),
        ("init_from=nowhere", "init_from=nowhere"),
        ("evaluation=null", "evaluation is not set"),
        ("trainer.options=null", "trainer.options is not set"),
        ("dataset.limit=0", "dataset.limit=0"),
        ("model.chat=7", "model.chat=7"),
        ("paths.ledger=null", "paths.ledger=null"),
        ("method.edges=null", "method.edges=null"),
    ],
)
def test_every_plain_key_is_checked(override, words):
    config = composed("train", override)
    with pytest.raises(ConfigError) as raised:
        checked(plain(config), TrainSettings)
    assert words in str(raised.value)


@pytest.mark.parametrize("job", JOBS)
def test_what_every_job_composes_to_is_of_its_types(job):
    assert checked(plain(composed(job)), JOBS[job]).job == job


def test_a_missing_part_is_named():
    values = plain(composed("eval"))
    del values["paths"]
    with pytest.raises(ConfigError, match="paths is not set"):
        checked(values, EvalSettings)


def test_a_refusal_names_the_key_below_what_it_stands_under():
    values = {"ledger": "", "models": "x"}
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(values, Paths)
    assert refusal(raised.value, values, "paths.").startswith("paths.ledger= is not usable: expected `str` of length >= 1")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("init_from", "bse", "init_from=bse is not usable: it must be one of base, previous."),
        ("model.chat", "maybe", "model.chat=maybe is not usable: it must be one of true, false, auto."),
        (
            "evaluation.reasons",
            ["stps"],
            r"evaluation.reasons[0]=stps is not usable: it must be one of execution, judge, steps.",
        ),
    ],
)
def test_a_value_that_is_none_of_those_listed_is_refused_with_them(key, value, said):
    values = plain(composed("train"))
    place = values
    for part in key.split(".")[:-1]:
        place = place[part]
    place[key.split(".")[-1]] = value
    with pytest.raises(ConfigError) as raised:
        checked(values, TrainSettings)
    assert str(raised.value) == said


def test_a_split_that_is_not_there_is_named_with_those_that_are():
    dataset = checked({"name": "mine", "train": {}, "test": {}}, DataSettings)
    assert dataset.splits == ["train", "test"]
    assert dataset.split("test") == {}
    for name in ("validation", "tset"):
        with pytest.raises(ConfigError, match=f"dataset=mine has no split '{name}'; it has train, test"):
            dataset.split(name)
