from pathlib import Path

import pytest

from mmst.config.push import PushSettings
from mmst.config.schema import TrainSettings, checked
from mmst.errors import ConfigError, NotPushedError
from mmst.jobs.push import checked_push, repository_of
from mmst.reporting.progress import among
from tests.composing import composed
from tests.publishing.hub import TOKEN


@pytest.fixture
def settings(monkeypatch):
    """Makes the settings of a training of some overrides."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    def made(*words):
        values = {**plain_of("train", *words), "folder": Path("runs/train/seed-1__method-multi")}
        return checked({**values, "others": {}, "recipes": []}, TrainSettings)

    return made


def plain_of(job, *words):
    from mmst.config.read import plain

    return plain(composed(job, "name=x", *words))


def test_nothing_is_pushed_unless_it_is_asked_for(settings, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    for words in ([], ["push=false"], ["push=true", "plan=true"], ["push.private=false"]):
        assert checked_push(settings(*words)) is None


def test_a_repository_has_the_name_that_is_given_or_one_of_the_run(settings):
    named = settings("push.repo=me/mine", "push.private=false", "push.parts=[page]")
    assert checked_push(named) == PushSettings("me/mine", False, ["page"])
    assert repository_of(named, checked_push(named)) == "me/mine"
    unnamed = settings("push=true")
    assert checked_push(unnamed) == PushSettings()
    assert repository_of(unnamed, checked_push(unnamed)) == "mmst-arithmetic-nano-seed-1__method-multi"


def test_what_cannot_be_pushed_is_refused_before_any_work(settings, monkeypatch, tmp_path):
    with pytest.raises(ConfigError, match="is no name of a repository"):
        checked_push(settings("push.repo=me/my/mine"))
    with pytest.raises(ConfigError, match=r"push.parts\[0\]=modle is not usable: it must be one of data, model, page"):
        settings("push.parts=[modle]")
    among(lambda: "")
    try:
        with pytest.raises(ConfigError, match="jobs of a sweep would go to the same repository"):
            checked_push(settings("push=true"))
    finally:
        among(None)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(NotPushedError, match="there is no token"):
        checked_push(settings("push=true"))
