import json
import os

import pytest

from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.locks import turn
from mmst.ledger.stored import end_note, needs, noted, noting, remove_stage, runs_of, stored_stages, unneeded
from mmst.types import Dropped


def made(root, name, run=None, total=6):
    """A stage of the ledger; `run`: that asks for it."""
    ledger = Ledger(root) if run is None else Ledger(root, None, noting(run, root))
    rows = [Dropped(f"{name}{i}", "text -> text", "answer_only") for i in range(total)]
    return ledger.chain(rows, [Work(name, {"name": name}, lambda part, task: part, Dropped)], Chunking(2), name)


def names(stages):
    return [stored.stage.name for stored in stages]


def test_a_run_notes_its_stages_as_it_asks_for_them_and_the_ledger_its_runs(tmp_path):
    run, root = tmp_path / "run", tmp_path / "ledger"
    first, second = (made(root, name, run).folder.name for name in ("sample", "grade"))
    made(root, "grade", run)
    assert noted(run) == [first, second]
    assert runs_of(root) == [run]
    end_note(run, [second])
    assert needs(run) == {second}


def test_a_run_is_known_also_where_a_full_disk_tore_the_line_before(tmp_path):
    run, root = tmp_path / "run", tmp_path / "ledger"
    root.mkdir()
    (root / ".runs").write_text(f"{tmp_path / 'oth'}")
    made(root, "sample", run)
    assert run in runs_of(root)


def test_stages_that_no_run_needs_are_found(tmp_path):
    root = tmp_path / "ledger"
    made(root, "sample", tmp_path / "run")
    made(root, "grade")
    assert names(unneeded(stored_stages(root), runs_of(root))) == ["grade"]
    (tmp_path / "finished").mkdir()
    (tmp_path / "finished" / "results.json").write_text(json.dumps({"ledger": {"stages": [stored_stages(root)[0].name]}}))
    assert names(unneeded(stored_stages(root), [*runs_of(root), tmp_path / "finished"])) == []
    assert names(unneeded(stored_stages(root), [])) == ["grade", "sample"]


def test_of_an_unfinished_run_without_a_note_all_is_kept_that_is_younger(tmp_path):
    root, config = tmp_path / "ledger", tmp_path / "run" / ".hydra" / "config.yaml"
    stage = made(root, "sample")
    config.parent.mkdir(parents=True)
    config.touch()
    for began, left in ((-60, []), (60, ["sample"])):
        time = (stage.folder / "manifest.json").stat().st_mtime + began
        os.utime(config, (time, time))
        assert names(unneeded(stored_stages(root), [tmp_path / "run"])) == left


def test_a_stage_is_removed_but_not_from_under_a_process_nor_from_a_run_that_asked_for_it_meanwhile(tmp_path):
    root, run = tmp_path / "ledger", tmp_path / "run"
    made(root, "sample")
    (stored,) = stored_stages(root)
    with turn(stored.folder / ".lock"):
        assert not remove_stage(stored, [])
    made(root, "sample", run)
    assert not remove_stage(stored, [run])
    assert stored.stage.done
    assert remove_stage(stored, [])
    assert stored_stages(root) == []
    assert [path.name for path in root.iterdir()] == [".runs"]


@pytest.mark.parametrize("unfinished", [False, True])
@pytest.mark.parametrize("damage", [lambda path: path.write_text("{}\n"), lambda path: path.write_bytes(b"")])
def test_files_that_differ_from_what_was_written_are_named(tmp_path, damage, unfinished):
    stage = made(tmp_path, "sample")
    (stored,) = stored_stages(tmp_path)
    assert stored.damaged() == []
    if unfinished:
        (stage.folder / "manifest.json").unlink()
        assert stored.damaged() == []
    damage(stage.folder / "chunk-00001.jsonl")
    assert [path.name for path in stored.damaged()] == ["chunk-00001.jsonl"]


def test_a_chunk_that_is_gone_and_a_manifest_that_says_nothing_are_named(tmp_path):
    stage = made(tmp_path, "sample")
    (stored,) = stored_stages(tmp_path)
    (stage.folder / "chunk-00002.jsonl").unlink()
    assert [path.name for path in stored.damaged()] == ["chunk-00002.jsonl"]
    (stage.folder / "manifest.json").write_text("{}")
    assert [path.name for path in stored.damaged()] == ["manifest.json"]
