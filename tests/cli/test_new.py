"""A skeleton is a class, a config and a test that passes; names that cannot be are refused."""

import runpy
import sys
from dataclasses import replace

import pytest
import yaml

from mmst.api import grade
from mmst.cli.new import GROUPS, kinds, main, write, write_exemplars
from mmst.errors import ConfigError
from mmst.methods.prompt import check_pairs, exemplar_rows
from mmst.types import AnswerKind


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


def test_exemplars_are_shown_and_pair_one_question_with_every_solution(tmp_path, methods, capsys):
    main(["exemplars", "mine", "--folder", str(tmp_path)])
    said = capsys.readouterr().out.replace("\n", "")
    folder = tmp_path / "mine"
    assert f"solvers.text.format.exemplars={folder} solvers.code.format.exemplars={folder}" in said
    rows = exemplar_rows(str(folder), AnswerKind.NUMBER)
    assert all({"question", "text", "code", "equation"} == row.keys() for row in rows)
    forms = {name: replace(method.format, exemplars=str(folder), shots=2) for name, method in methods.items()}
    check_pairs(forms, AnswerKind.NUMBER)
    with pytest.raises(ConfigError, match="there already"):
        main(["exemplars", "mine", "--folder", str(tmp_path)])


def test_the_solutions_of_the_skeleton_are_right(tmp_path):
    rows = exemplar_rows(str(write_exemplars(tmp_path / "mine").parent), AnswerKind.NUMBER)
    for method in ("text", "code", "equation"):
        graded = grade([row[method] for row in rows], ["19", "7"], method=method)
        assert [row["verdict"] for row in graded] == ["right", "right"], method
