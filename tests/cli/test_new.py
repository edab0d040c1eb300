"""A skeleton is a class, a config and a test that passes; names that cannot be are refused."""

import runpy
import sys

import pytest
import yaml

from mmst.cli.new import GROUPS, kinds, main, write
from mmst.errors import ConfigError


@pytest.mark.parametrize("kind", GROUPS)
def test_a_skeleton_passes_its_own_test(kind, tmp_path, monkeypatch):
    name = f"my_{kind}"
    code, config, test = write(kind, name, tmp_path)
    assert yaml.safe_load(config.read_text())
    assert f"{name}." in config.read_text()
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(name, None)
    ran = [run() for called, run in runpy.run_path(str(test)).items() if called.startswith("test_")]
    assert len(ran) == 1
    assert code.is_file()


def test_there_is_a_skeleton_for_each():
    assert kinds() == list(GROUPS)


@pytest.mark.parametrize(("name", "words"), [("class", "no name"), ("A-b", "no name"), ("text", "there already")])
def test_a_name_that_cannot_be_is_refused(name, words, tmp_path):
    with pytest.raises(ConfigError, match=words):
        main(["method", name, "--folder", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path):
    write("filter", "mine", tmp_path)
    with pytest.raises(ConfigError, match="there already"):
        write("filter", "mine", tmp_path)
