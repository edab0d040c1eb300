"""What the documentation tells a user to write, runs."""

import ast
import importlib
import json
import os
import re
import shlex

import pytest
import yaml

from tests.conftest import ROOT

EXTENDING = (ROOT / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r"```\w+ (\S+)\n(.*?)```", EXTENDING, re.DOTALL))
COMMANDS = [line for line in EXTENDING.splitlines() if line.startswith("PYTHONPATH=. mmst ")]
DATA = re.findall(r"^mmst (.*)$", (ROOT / "docs" / "data.md").read_text(), re.MULTILINE)
SHORT = 30
"""Lines of an example, its config left out."""


@pytest.fixture
def written(runs):
    for name, text in FILES.items():
        path = runs.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return runs


def run(runs, command, *more):
    job, *arguments = shlex.split(command.removeprefix("PYTHONPATH=. mmst "))
    env = {**os.environ, "PYTHONPATH": f"{runs.folder}:{ROOT}"}
    finished = runs.run(f"{job}.py", *arguments, *more, env=env)
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout


def test_the_examples_are_short():
    assert len([name for name in FILES if name.endswith(".py")]) >= 5
    for name, text in FILES.items():
        assert len(text.splitlines()) < SHORT, name


def test_a_method_a_data_set_and_an_engine_of_ones_own_take_part(written):
    said = run(written, COMMANDS[0], "name=own")
    assert "sample test by polish" in said
    found = json.loads((written.folder / "runs" / "eval" / "own" / "results.json").read_text())
    assert found["arms"]["nano"]["text"] == {**found["arms"]["nano"]["text"], "n": 40, "accuracy": 2 / 40}


def test_a_rule_of_ones_own_counts_its_reason(written):
    run(written, COMMANDS[1], "name=own", "splits=[test]", "chunk=50")
    (tables,) = written.folder.glob("runs/*/own/tables.txt")
    assert "wordy" in tables.read_text()


def test_a_section_of_ones_own_is_on_the_page(written, monkeypatch):
    from mmst.reporting import page
    from mmst.reporting.runs import read_sweep
    from tests.reporting.made import made_run

    made_run(written.folder / "sweep" / "a", written.folder / "ledger")
    monkeypatch.syspath_prepend(written.folder)
    section = importlib.import_module("lengths").lengths
    monkeypatch.setattr(page, "sections", lambda: [section])
    assert "Rounds of each run" in page.page(read_sweep(written.folder / "sweep"), 0)


def test_the_method_of_the_documentation_reads_notation(written, monkeypatch):
    from mmst.methods.prompt import PromptFormat
    from mmst.types import Problem

    monkeypatch.syspath_prepend(written.folder)
    method = importlib.import_module("polish").Polish(PromptFormat(cue="Notation:", lead=" "))
    problem = Problem("p", "How many are 3 bags of 4 nuts, less 5?", "7")
    readings = method.read_all(["3 4 * 5 -", "5 3 4 * -", "3 +", "three", "1 0 /"], [problem] * 5, None)
    assert [reading.answer for reading in readings] == ["7", "-7", None, None, None]


def test_the_file_that_comes_with_the_package_is_measured_on(runs):
    command = next(command for command in DATA if command.startswith("eval "))
    run(runs, command.replace("mmst/", f"{ROOT}/mmst/"), "name=own", "dataset.limit=12")
    found = json.loads((runs.folder / "runs" / "eval" / "own" / "results.json").read_text())
    assert found["arms"]["nano"]["text"]["n"] == 12


def test_the_file_that_comes_with_the_package_is_trained_on(runs):
    command = next(command for command in DATA if command.startswith("train "))
    run(runs, command.replace("mmst/", f"{ROOT}/mmst/"), "name=own", "arms=[]", "chunk=50")
    assert (runs.folder / "runs" / "train" / "own" / "results.json").is_file()


def test_every_key_of_a_file_is_documented():
    said = (ROOT / "docs" / "data.md").read_text()
    keys = yaml.safe_load((ROOT / "configs" / "dataset" / "file.yaml").read_text())
    assert [
        key for key in keys if key not in ("name", "train", "test", "heldout") and not re.search(rf"`(dataset\.)?{key}`", said)
    ] == []


def test_troubleshooting_is_of_sentences_that_there_are():
    sources = "".join(path.read_text() for path in sorted((ROOT / "mmst").rglob("*.py")))
    said = re.sub(r'"\s*\n\s*f?"', "", sources)
    parts = re.findall(r"^\| `([^`]+)`", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
    assert len(parts) > 15
    assert [part for part in parts if part not in said] == []


def test_what_the_page_of_clusters_names_is_composed():
    text = (ROOT / "docs" / "cluster.md").read_text()
    for group, names in (("trainer", ROOT / "configs" / "trainer"), ("sampler", ROOT / "configs" / "sampler")):
        for name in re.findall(rf"`{group}=(\w+)", text):
            assert (names / f"{name}.yaml").is_file(), name


def documentable():
    for path in sorted((ROOT / "mmst").rglob("*.py")):
        tree = ast.parse(path.read_text())
        if tree.body:
            yield f"{path.relative_to(ROOT)}", tree
        yield from ((f"{path.relative_to(ROOT)}: {name}", node) for name, node in public(tree))


def public(outer, prefix=""):
    for node in outer.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{node.name}.")


def test_every_public_name_has_a_docstring():
    found = dict(documentable())
    assert len(found) > 1000
    assert [name for name, node in found.items() if not ast.get_docstring(node)] == []


def test_the_reference_is_built_from_docstrings(tmp_path):
    import pdoc

    names = re.search(r"DOCUMENTED := ((?:[^\n]|\\\n)*)", (ROOT / "Makefile").read_text()).group(1).replace("\\", "").split()
    assert all(importlib.util.find_spec(name) for name in names)
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("mmst.api", "mmst.errors", output_directory=tmp_path)
    assert "Read an answer out of each completion and judge it" in (tmp_path / "mmst" / "api.html").read_text()
