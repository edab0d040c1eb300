import pytest

from mmst.crossing import Weights
from mmst.errors import ConfigError
from mmst.jobs.generate import run as generate
from mmst.jobs.labels import selection_options
from tests.composing import settings


def test_draws_end_with_right_samples_where_that_is_asked_for():
    assert selection_options(settings("train")).until is None
    found = selection_options(settings("train", "sampling.until=2", "sampling.at_most=16", "sampling.weights=rarity"))
    assert (found.until, found.most_samples, found.weights) == (2, 16, Weights.RARITY)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["sampling.until=3", "sampling.at_most=2"], "sampling.at_most=2 is below sampling.until=3"),
        (["sampling.until=1", "filter=majority"], "sampling.until=1 counts right samples, which filter.labels=majority"),
        (["sampling.weights=rarity", "filter=agreement"], "sampling.weights=rarity counts right samples"),
        (["sampling.until=1", "arms=[self_both_compute]"], "the arm self_both_compute draws as many tokens of every problem"),
        (["sampling.until=1", "sampling.params.temperature=0"], "greedy"),
    ],
)
def test_numbers_that_do_not_go_together_are_refused(overrides, words):
    with pytest.raises(ConfigError, match=words):
        selection_options(settings("train", *overrides))


def test_a_folder_of_examples_carries_no_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="and this job writes a folder; use train"):
        generate(settings("generate", "sampling.weights=rarity"))
