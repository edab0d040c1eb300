import shutil
from dataclasses import replace

import pytest
import yaml

from mmst.cli import report, runs
from mmst.cli.places import SWEEPS
from mmst.errors import DataError
from mmst.reporting.index import facts_of
from mmst.reporting.runs import read_sweep
from tests.reporting.made import made_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two finished runs in a folder of runs."""
    root = tmp_path_factory.mktemp("finished")
    for name in ("a", "b"):
        made_run(root / "runs" / "train" / name, root / "runs" / "ledger", problems=6, config={"title": f"Is {name} so?"})
    return root / "runs"


def test_a_page_lies_beside_all_its_samples_or_alone(finished, tmp_path):
    folder = str(finished / "train" / "a")
    report.main([folder, "--out", str(tmp_path / "page.html"), "--samples", "20"])
    first = {path.name for path in (tmp_path / "page.samples").iterdir()}
    assert len(first) == 2
    report.main([folder, "--out", str(tmp_path / "page.html"), "--samples", "20"])
    assert {path.name for path in (tmp_path / "page.samples").iterdir()} == first, "what is old is gone, what is equal stays"
    assert facts_of(tmp_path / "page.html")[0] == "Is a so?"
    report.main([folder, "--out", str(tmp_path / "alone.html"), "--samples", "20", "--alone"])
    assert not (tmp_path / "alone.samples").exists()
    assert "are in the runs' ledger, not here" in (tmp_path / "alone.html").read_text().replace("&#39;", "'")


def test_a_page_for_each_folder_and_an_index_of_them(finished, tmp_path):
    report.main([*(str(finished / "train" / name) for name in ("a", "b")), "--each", str(tmp_path / "pages")])
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["a.html", "b.html", "index.html"]
    index = (tmp_path / "pages" / "index.html").read_text()
    assert "Is a so?" in index
    assert "Is b so?" in index


def test_runs_have_an_index_that_links_to_their_pages(finished, tmp_path):
    shutil.copytree(finished / "train", tmp_path / "runs" / "train")
    report.main([str(tmp_path / "runs" / "train" / "a"), "--alone"])
    runs.main([str(tmp_path / "runs"), "--page"])
    index = (tmp_path / "runs" / "index.html").read_text()
    assert '<a href="train/a/report.html">train/a</a>' in index
    assert "base text" in index, "one without a page says what it found"


def test_runs_that_are_older_than_the_answer_are_answered_as_their_sweep_is_now(finished):
    sweep = read_sweep(finished / "train" / "a")
    now = yaml.safe_load((SWEEPS / "methods.yaml").read_text())["sweep"]
    before = {"name": "methods", "question": now["question"], "contrast": ["self_both", "multi"]}
    assert report.asked_as_now(replace(sweep, settings=before)).settings == now
    other = {**before, "question": "Another one?"}
    assert report.asked_as_now(replace(sweep, settings=other)).settings == other


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        report.main([str(tmp_path / "none"), "--watch"])
