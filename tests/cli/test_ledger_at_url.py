import shutil

import pytest

from mmst.cli.ledger import main
from mmst.errors import DataError
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Work
from mmst.ledger.remote import ledger_at
from mmst.training.checkpoint import content_hash
from mmst.types import Dropped


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A ledger at a URL with a stage that is done, one that is half done, and a training."""
    monkeypatch.setenv("COLUMNS", "200")
    url = f"file://{tmp_path}/there"
    ledger = ledger_at(url, str(tmp_path / "cache"))

    def rows(part, task):
        if 9 in part:
            raise RuntimeError("killed")
        return [Dropped(str(i), "text -> text", "answer_only") for i in part]

    ledger.chain(range(6), [Work("sample", {"a": 1}, rows, Dropped)], Chunking(3), "title")
    with pytest.raises(RuntimeError):
        ledger.chain(range(10), [Work("grade", {"a": 1}, rows, Dropped)], Chunking(3), "title")
    with ledger.stage("train", {"a": 1}) as stage:
        (stage.folder / "checkpoint").mkdir()
        (stage.folder / "checkpoint" / "model.safetensors").write_text("weights")
        stage.finish({"checkpoint": content_hash(stage.folder / "checkpoint")})
    return url


def stage_at(tmp_path, name):
    (folder,) = (tmp_path / "there").glob(f"{name}-*")
    return folder


def test_the_stages_at_a_url_are_listed(url, capsys):
    main([url])
    rows = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines() if "done" in line]
    assert [(row[0].partition("-")[0], row[1:]) for row in rows] == [
        ("grade", ["0.00", "half", "done"]),
        ("sample", ["6", "0.00", "done"]),
        ("train", ["0.00", "done"]),
    ]


@pytest.mark.parametrize("words", [["verify", "--ledger"], ["verify"]])
def test_what_is_as_it_was_written_is_verified(url, words, capsys):
    main([*words, url] if len(words) > 1 else [*words, f"--ledger={url}"])
    assert "3 stages are as they were written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stage", "file"),
    [("sample", "chunk-00001.jsonl"), ("grade", "chunk-00000.jsonl"), ("train", "checkpoint/model.safetensors")],
)
@pytest.mark.parametrize("damage", [lambda path: path.write_text("{}"), lambda path: path.unlink()], ids=["changed", "gone"])
def test_files_that_are_damaged_are_named(url, tmp_path, capsys, stage, file, damage):
    damage(stage_at(tmp_path, stage) / file)
    with pytest.raises(DataError, match="there differ from what was written of them, or are gone"):
        main(["verify", "--ledger", url])
    assert f"{stage_at(tmp_path, stage).name}/{file}: damaged" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(
    "words", [["show", "train-1"], ["rows", "grade"], ["prune", "--yes"], ["--prompt", "ab"], ["--by", "age"]]
)
def test_what_needs_a_folder_says_so_and_removes_nothing(url, tmp_path, words):
    before = sorted((tmp_path / "there").rglob("*"))
    with pytest.raises(DataError, match=r"all else reads a folder: take that of a run's paths\.cache"):
        main([*words, "--ledger", url])
    assert sorted((tmp_path / "there").rglob("*")) == before


def test_nothing_lies_at_a_url_where_nothing_was_put(url, tmp_path, capsys):
    shutil.rmtree(tmp_path / "there")
    main([url])
    assert "0 stages" in capsys.readouterr().out
