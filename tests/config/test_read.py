import pytest

from mmst.errors import ConfigError
from tests.composing import composed, settings


def test_settings_hold_the_recipes_that_arms_name_and_the_main_one_last():
    found = settings("train", "arms=[self_both,multi,self_both,none]")
    assert [recipe.name for recipe in found.recipes] == ["self_both", "none", "multi"]
    assert found.whole["method"]["name"] == "multi"


def test_two_recipes_of_one_name_are_refused():
    with pytest.raises(ConfigError, match=r"method\.name=self_both is the name of another arm too"):
        settings("train", "method.name=self_both")


def test_a_job_without_recipes_has_none():
    assert settings("eval").recipes == []


def test_other_sets_take_over_root_and_limit_of_the_main_one():
    entries = '["svamp dataset.limit=3 dataset.name=three",mawps]'
    found = settings("eval", "dataset=gsm8k", "dataset.root=here", "dataset.limit=9", f"datasets={entries}").others
    assert {name: dataset.limit for name, dataset in found.items()} == {"three": 3, "mawps": 9}
    assert {dataset.test["root"] for dataset in found.values()} == {"here"}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("svamp", "datasets=svamp is not usable: it must be a list"),
        ("[svamp,svamp]", "are called 'svamp'"),
        ('["svamp limit=6"]', "'svamp limit=6' must be a name of the group dataset"),
        ('["svamp dataset.limit=abc"]', "dataset.limit=abc is not usable"),
    ],
)
def test_entries_of_datasets_that_cannot_be_read_are_refused(entries, words):
    with pytest.raises(ConfigError, match="datasets") as raised:
        settings("eval", f"datasets={entries}")
    assert words in str(raised.value)


def test_values_are_plain_and_resolved():
    from mmst.config.read import plain

    values = plain(composed("train", "model.max_tokens=77"))
    assert type(values["solvers"]["text"]) is dict
    assert values["sampling"]["params"]["max_tokens"] == 77
