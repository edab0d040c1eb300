import json
import multiprocessing
import time

import pytest

from mmst.errors import DataError, RunInUseError
from mmst.ledger.ledger import Ledger, key_of, run_folder
from mmst.types import Dropped, DropReason


class Counter:
    """Rows for slices, and a count of the slices asked for."""

    def __init__(self, fail_at=None):
        self.calls = 0
        self.fail_at = fail_at

    def __call__(self, part):
        self.calls += 1
        if self.calls == self.fail_at:
            raise RuntimeError("killed")
        return [Dropped(str(i), "text -> text", DropReason.LEAK) for i in range(part.start, part.stop)]


def chunks(root, compute, settings=None, total=10):
    return Ledger(root).chunks("sample", settings or {"a": 1}, total, 3, compute, "title")


def test_rows_come_back_in_order(tmp_path):
    stage = chunks(tmp_path, Counter())
    assert [row.id for row in stage.read(Dropped)] == [str(i) for i in range(10)]
    assert stage.manifest()["rows"] == 10
    assert stage.seconds >= 0


def test_a_done_stage_is_not_done_again(tmp_path):
    first, second = Counter(), Counter()
    chunks(tmp_path, first)
    chunks(tmp_path, second)
    assert (first.calls, second.calls) == (4, 0)


def test_an_interrupted_stage_goes_on_at_its_chunk_and_ends_alike(tmp_path):
    with pytest.raises(RuntimeError):
        chunks(tmp_path / "a", Counter(fail_at=3))
    rest = Counter()
    resumed = chunks(tmp_path / "a", rest)
    whole = chunks(tmp_path / "b", Counter())
    assert rest.calls == 2
    files = {p.name: p.read_bytes() for p in resumed.folder.iterdir() if p.name != "seconds.json"}
    assert files == {p.name: p.read_bytes() for p in whole.folder.iterdir() if p.name != "seconds.json"}


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    with pytest.raises(RuntimeError):
        chunks(tmp_path, Counter(fail_at=2))
    folder = next(tmp_path.iterdir())
    (folder / ".chunk-00001.jsonl.4242.tmp").write_text("torn")
    (folder / ".checkpoint.4242.tmp").mkdir()
    (folder / ".checkpoint.4242.tmp" / "weights").write_text("torn")
    chunks(tmp_path, Counter())
    assert not list(folder.glob("*.tmp"))


def test_other_settings_are_another_stage(tmp_path):
    chunks(tmp_path, Counter())
    other = Counter()
    chunks(tmp_path, other, {"a": 2})
    assert other.calls == 4


def test_a_stage_without_inputs_is_done_with_no_rows(tmp_path):
    assert chunks(tmp_path, Counter(), total=0).read(Dropped) == []


def test_a_damaged_chunk_is_named(tmp_path):
    stage = chunks(tmp_path, Counter())
    (stage.folder / "chunk-00001.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match=r"chunk-00001\.jsonl is damaged"):
        stage.read(Dropped)


def test_keys_do_not_depend_on_the_order_of_settings():
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}) != key_of({"a": 1, "b": [3]})


def test_a_run_folder_is_held_by_one_process(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready))
    holder.start()
    try:
        assert ready.wait(60)
        with pytest.raises(RunInUseError, match="in use by another process"), run_folder(tmp_path):
            pass
    finally:
        holder.kill()
        holder.join()
    with run_folder(tmp_path) as folder:  # a killed holder holds nothing
        assert folder == tmp_path


def test_two_processes_take_turns_at_a_stage(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_slow_stage, args=(tmp_path,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert json.loads((tmp_path / "log").read_text().splitlines()[0]) == 4
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    assert sorted(json.loads(line) for line in (tmp_path / "log").read_text().splitlines()) == [0, 4]


def _hold(path, ready):
    with run_folder(path):
        ready.set()
        time.sleep(600)


def _slow_stage(path):
    counter = Counter()

    def slowly(part):
        time.sleep(0.05)
        return counter(part)

    chunks(path, slowly)
    with (path / "log").open("a") as file:
        file.write(f"{counter.calls}\n")
