import json
import logging
import shutil
from pathlib import Path

import msgspec
import pytest

from mmst.errors import UserError
from mmst.ledger import remote
from mmst.ledger.chunking import Chunking
from mmst.ledger.copies import BEST, LATEST, STEP, Files
from mmst.ledger.leases import Held, Timing
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.remote import LedgerAtUrl, folder_of, ledger_at
from mmst.ledger.store import open_store
from mmst.training import held_out, saving
from mmst.types import Dropped
from tests.ledger.test_ledger import Counter, ids, twice
from tests.objects import Objects, objects
from tests.waiting import until

SPEC, MOST = {"a": 1}, 3
QUICK = Timing(1e9, 0.0, 0.0, 0.0)
"""Nobody renews, and whoever waits takes over at its second look."""


@pytest.fixture(params=["file", "objects"])
def store(request, tmp_path):
    return open_store(f"file://{tmp_path}/there", tmp_path / "cache", ()) if request.param == "file" else objects()


def at(store, cache):
    return LedgerAtUrl(cache, store, timing=QUICK)


def chunks(ledger, compute, most=MOST):
    return ledger.chain(range(10), [Work("sample", SPEC, compute, Dropped)], Chunking(most), "title")


def chained(ledger, first, second, most=MOST, redo=None):
    works = [Work("sample", SPEC, first, Dropped), Work("grade", SPEC, second, Dropped)]
    return ledger.chain(range(10), works, Chunking(most), "title", redo=redo)


def objects_of(store):
    """Name below the URL -> content."""
    return {name: store.read(name) for name in names_of(store)}


def names_of(store):
    """The same names alone: also while a thread puts and removes."""
    if isinstance(store.fs, Objects):
        paths = list(store.fs.store)
    else:
        paths = [str(path) for path in Path(store.root).rglob("*") if path.is_file()]
    return sorted(path.removeprefix(f"{store.root}/") for path in paths)


def files_of(cache):
    names = ("seconds.json", ".lock", ".cache-id")
    return {str(p.relative_to(cache)): p.read_bytes() for p in cache.rglob("*") if p.is_file() and p.name not in names}


def killed(ledger, at, **options):
    with pytest.raises(RuntimeError, match="killed"):
        chunks(ledger, Counter(fail_at=at), **options)


def through(fail_at=None):
    """Rows as they come, until it is killed."""
    calls = iter(range(1, 100))

    def compute(rows, task):
        if next(calls) == fail_at:
            raise RuntimeError("killed")
        return rows

    return compute


def test_what_one_machine_has_done_another_finds(store, tmp_path):
    first, second = Counter(), Counter()
    one = chunks(at(store, tmp_path / "a"), first)
    two = chunks(at(store, tmp_path / "b"), second)
    assert (first.calls, second.calls) == (4, 0)
    assert ids(one) == ids(two) == [str(i) for i in range(10)]
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert [name for name in names_of(store) if name.endswith("lease.json")] == []


def test_what_a_killed_machine_has_half_done_another_goes_on_with(store, tmp_path):
    killed(at(store, tmp_path / "a"), 3)
    rest = Counter()
    chunks(at(store, tmp_path / "b"), rest)
    chunks(Ledger(tmp_path / "plain"), Counter())
    assert rest.calls == 2
    assert files_of(tmp_path / "b") == files_of(tmp_path / "plain")
    done = Counter()
    chunks(at(store, tmp_path / "a"), done)
    assert done.calls == 0
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_what_a_killed_process_was_writing_is_removed_though_another_machine_ended_its_work(store, tmp_path):
    killed(at(store, tmp_path / "a"), 2)
    (folder,) = (path for path in (tmp_path / "a").iterdir() if path.is_dir())
    (folder / ".chunk-00001.jsonl.4242.tmp").write_text("torn")
    chunks(at(store, tmp_path / "b"), Counter())
    chunks(at(store, tmp_path / "a"), Counter())
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_a_folder_in_the_store_is_a_ledger_as_well(store, tmp_path):
    chunks(at(store, tmp_path / "a"), Counter())
    for name, content in objects_of(store).items():
        (tmp_path / "down" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "down" / name).write_bytes(content)
    again = Counter()
    chunks(Ledger(tmp_path / "down"), again)
    assert again.calls == 0


@pytest.mark.parametrize("fail_at", [None, 3])
def test_a_plain_ledger_moves_into_a_store(store, tmp_path, fail_at):
    if fail_at:
        killed(Ledger(tmp_path / "a"), fail_at)
    else:
        chunks(Ledger(tmp_path / "a"), Counter())
    moved, found = Counter(), Counter()
    chunks(at(store, tmp_path / "a"), moved)
    chunks(at(store, tmp_path / "b"), found)
    assert (moved.calls, found.calls) == (2 if fail_at else 0, 0)


def test_what_another_holds_is_not_put_over_it(store, tmp_path):
    chunks(Ledger(tmp_path / "a"), Counter())
    (folder,) = (path.name for path in (tmp_path / "a").iterdir())
    numbers = iter(range(100))
    read = type(store).read

    class Alive(type(store)):
        def read(self, name):
            if name.endswith("lease.json"):
                self.write(name, msgspec.json.encode(Held("there", "theirs", "t", next(numbers))))
            return read(self, name)

    alive = Alive(store.fs, store.root, store.url, store.kept, ())
    ledger = LedgerAtUrl(tmp_path / "a", alive, timing=Timing(1e9, 1e9, 0.0, 0.0))
    chunks(ledger, Counter())
    assert names_of(store) == [f"{folder}/lease.json"]


DAMAGES = {
    "a chunk": ("chunk-00001.jsonl", b"{}\n", 1),
    "a chunk that is gone": ("chunk-00001.jsonl", None, 1),
    "the manifest": ("manifest.json", b"torn", 0),
    "a manifest that names other files": (
        "manifest.json",
        b'{"key": "KEY", "rows": 1, "chunks": {"../x": ""}, "inputs": [1]}',
        0,
    ),
    "a manifest of other types": ("manifest.json", b'{"key": "KEY", "rows": "1", "chunks": 3}', 0),
    "the list": ("files.json", b"[]", 4),
    "a list that is gone": ("files.json", None, 4),
}


@pytest.mark.parametrize(("name", "content", "calls"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_in_the_store_is_computed_anew_and_whole_again(store, tmp_path, name, content, calls, caplog):
    stage = chunks(at(store, tmp_path / "a"), Counter())
    before = objects_of(store)
    path = f"{stage.folder.name}/{name}"
    if content is None:
        store.remove(path)
    else:
        store.write(path, content.replace(b"KEY", stage.key.encode()))
    anew = Counter()
    assert ids(chunks(at(store, tmp_path / "b"), anew)) == [str(i) for i in range(10)]
    assert anew.calls == calls
    assert caplog.records
    assert without_seconds(objects_of(store)) == without_seconds(before)


def without_seconds(found):
    """What two machines put alike."""
    lists = {name: json.loads(content) for name, content in found.items() if name.endswith("files.json")}
    return {
        **{name: content for name, content in found.items() if not name.endswith(("seconds.json", "files.json"))},
        **{name: {file: told for file, told in files.items() if file != "seconds.json"} for name, files in lists.items()},
    }


@pytest.mark.parametrize(
    "name",
    [
        "../../outside",
        "/etc/outside",
        "checkpoint/../../outside",
        "checkpoint/.hidden",
        "work/../../outside",
        "work/step-0000001.ckpt/x",
        "manifest.json",
        ".lock",
        "chunk-00000.sha256",
        "checkpoint/a\nb",
        "checkpoint\\..\\x",
        "",
    ],
)
def test_a_list_that_names_what_no_stage_has_is_not_followed(tmp_path, name, caplog):
    store = objects()
    with pytest.raises(RuntimeError, match="killed"):
        chunks(at(store, tmp_path / "a"), Counter(fail_at=2))
    (folder,) = store.folders()
    found = msgspec.json.decode(store.read(f"{folder}/files.json"), type=Files)
    (known,) = found.values()
    store.write(f"{folder}/files.json", msgspec.json.encode({**found, name: known}))
    before = set(tmp_path.rglob("*"))
    anew = Counter()
    chunks(at(store, tmp_path / "b"), anew)
    assert anew.calls == 4
    assert "nothing is taken from it" in caplog.text
    assert {path.relative_to(tmp_path).parts[0] for path in set(tmp_path.rglob("*")) - before} == {"b"}


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{}\n"), lambda path: path.unlink()])
def test_what_is_damaged_in_the_cache_is_had_from_the_store(store, tmp_path, damage):
    stage = chunks(at(store, tmp_path / "a"), Counter())
    damage(stage.folder / "chunk-00001.jsonl")
    again = Counter()
    assert ids(chunks(at(store, tmp_path / "a"), again)) == [str(i) for i in range(10)]
    assert again.calls == 0


def test_a_stage_goes_on_where_the_stores_chunks_closed_whatever_the_cache_has(store, tmp_path):
    """Two machines that both worked on it, as where one was suspended: rows of other inputs are never mixed."""
    with pytest.raises(RuntimeError, match="killed"):
        chained(Ledger(tmp_path / "b"), Counter(), through(3), most=2)
    with pytest.raises(RuntimeError, match="killed"):
        chained(at(store, tmp_path / "a"), Counter(), through(2))
    stage = chained(at(store, tmp_path / "b"), Counter(), through(), most=4)
    assert ids(stage) == [str(i) for i in range(10)]
    assert stage.manifest()["inputs"] == [3, 3, 4], "of the store's two, the second sampled alone; the rest by our own size"


@pytest.mark.parametrize("most", [MOST, 4])
def test_where_both_are_done_and_differ_the_store_is_right(store, tmp_path, most):
    def other(part, task):
        return [Dropped(f"other {i}", "text -> text", "answer_only") for i in part]

    chained(Ledger(tmp_path / "b"), other, twice, most=most)
    chunks(at(store, tmp_path / "a"), Counter())
    found = Counter()
    stage = chained(at(store, tmp_path / "b"), found, twice)
    assert found.calls == 0
    assert ids(stage) == [f"{i}{half}" for i in range(10) for half in "ab"], "made of the store's rows, not of those that went"


def test_a_chunk_that_is_tried_again_is_no_more_in_the_store(store, tmp_path):
    chained(at(store, tmp_path / "a"), Counter(), twice)
    with pytest.raises(RuntimeError, match="killed"):
        chained(at(store, tmp_path / "a"), Counter(fail_at=1), twice, redo=lambda row: row.id == "4a")
    assert not any(name.endswith("manifest.json") for name in names_of(store))
    samples, grades = Counter(), Counter()
    stage = chained(at(store, tmp_path / "b"), samples, grades)
    assert (samples.calls, grades.calls) == (1, 1)
    assert len(ids(stage)) == 2 * 10 - 3, "the chunk of 3, 4 and 5 was graded by another, which makes one row of each"


@pytest.mark.parametrize("writes", range(16))
def test_a_network_that_fails_at_any_write_leaves_a_store_that_holds_all_that_it_says(tmp_path, writes):
    store, left = objects(), iter(range(writes))

    def fails(call, path):
        if call == "write" and next(left, None) is None:
            raise OSError("away")

    store.fs.fails = fails
    failed = Counter()
    try:
        chunks(at(store, tmp_path / "a"), failed)
    except UserError as error:
        assert "cannot be reached (away); what is done is kept in /cache, and the same command goes on." in str(error)  # noqa: PT017
    else:
        assert writes > 9
    store.fs.fails = lambda *_: None
    found = objects_of(store)
    for name in [name for name in found if name.endswith("manifest.json")]:
        assert {f"{name.rpartition('/')[0]}/{chunk}" for chunk in json.loads(found[name])["chunks"]} <= set(found)
    again, other = Counter(), Counter()
    chunks(at(store, tmp_path / "a"), again)
    assert failed.calls + again.calls == 4, "nothing is computed twice"
    chunks(at(store, tmp_path / "b"), other)
    assert other.calls == 0


def test_who_was_taken_over_says_so_and_writes_no_more(store, tmp_path):
    class Suspended(Counter):
        def __call__(self, part, task):
            if self.calls == 1:
                (folder,) = store.folders()
                store.write(f"{folder}/lease.json", msgspec.json.encode(Held("there", "theirs", "t")))
                lease = ledger._copies[folder]._lease
                until(lambda: lease._lost)
            return super().__call__(part, task)

    ledger = LedgerAtUrl(tmp_path / "a", store, timing=Timing(0.001, 90.0, 0.0, 0.0))
    with pytest.raises(UserError, match="was taken over by another machine, since this one did not renew its lease for 90 s"):
        chunks(ledger, Suspended())
    assert sum(name.endswith(".jsonl") for name in names_of(store)) == 1


TRAIN = {"examples": "e"}


def training(ledger, work):
    """A training: what it does in its folder, then its checkpoint."""
    ledger.distrust("train", TRAIN, lambda stage: (stage.folder / "checkpoint" / "model.safetensors").exists())
    with ledger.stage("train", TRAIN) as stage:
        if not stage.done:
            with stage.followed():
                work(stage.folder / "work")
            for name in ("model.safetensors", "additional/x.jinja"):
                (stage.folder / "checkpoint" / name).parent.mkdir(parents=True, exist_ok=True)
                (stage.folder / "checkpoint" / name).write_text(name)
            (stage.folder / "record.json").write_text("{}")
            stage.finish({"checkpoint": "c"})
    return stage


def save(work, step, best=None):
    work.mkdir(exist_ok=True)
    (work / f"step-{step:07d}.ckpt").write_text(f"step {step}")
    if best is not None:
        (work / BEST).write_text(f"best {best}")
    (work / LATEST).write_text(f"step-{step:07d}.ckpt")


def dies_at(step, best=None):
    def work(folder):
        save(folder, step, best)
        raise RuntimeError("killed")

    return work


def untouched(work):
    raise AssertionError("trained again")


def test_a_training_goes_on_where_another_machine_saved_it(store, tmp_path):
    with pytest.raises(RuntimeError, match="killed"):
        training(at(store, tmp_path / "a"), dies_at(5, 3))
    seen = {}

    def work(folder):
        seen.update({path.name: path.read_text() for path in folder.iterdir()})

    training(at(store, tmp_path / "b"), work)
    assert seen == {"step-0000005.ckpt": "step 5", "best.ckpt": "best 3", "latest": "step-0000005.ckpt"}
    stage = training(at(store, tmp_path / "c"), untouched)
    assert (stage.folder / "checkpoint" / "additional" / "x.jinja").read_text() == "additional/x.jinja"
    assert not [name for name in names_of(store) if "/work/" in name]


@pytest.mark.parametrize(("here", "there", "goes_on"), [(8, 5, 8), (5, 8, 8), (9999999, 10000000, 10000000)])
def test_the_newest_step_counts_be_it_in_the_cache_or_in_the_store(store, tmp_path, here, there, goes_on):
    with pytest.raises(RuntimeError, match="killed"):
        training(at(store, tmp_path / "a"), dies_at(there))
    with pytest.raises(RuntimeError, match="killed"):
        training(Ledger(tmp_path / "b"), dies_at(here))
    seen = []
    training(at(store, tmp_path / "b"), lambda folder: seen.append((folder / LATEST).read_text()))
    assert seen == [f"step-{goes_on:07d}.ckpt"]


def test_steps_are_put_while_a_training_runs_and_the_newest_alone_is_kept(store, tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "LOOK_SECONDS", 0.001)

    def work(folder):
        for step in (5, 10):
            save(folder, step)
            until(lambda step=step: [name for name in names_of(store) if name.endswith(f"step-{step:07d}.ckpt")])
        until(lambda: sum("step-" in name for name in names_of(store)) == 1)
        assert not [name for name in names_of(store) if name.endswith("step-0000005.ckpt")]

    training(at(store, tmp_path / "a"), work)


def test_a_sharded_step_is_not_put_since_it_would_have_to_be_unpickled(store, tmp_path):
    def work(folder):
        (folder / "step-0000005.ckpt").mkdir(parents=True)
        (folder / "step-0000005.ckpt" / "shard").write_text("pickled")
        (folder / LATEST).write_text("step-0000005.ckpt")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        training(at(store, tmp_path / "a"), work)
    assert not [name for name in names_of(store) if "/work/" in name]


def test_a_store_that_is_away_stops_no_training(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(remote, "LOOK_SECONDS", 0.001)
    store, tries = objects(), []

    def fails(call, path):
        tries.append(path)
        raise OSError("away")

    def work(folder):
        store.fs.fails = fails
        save(folder, 5)
        until(lambda: len(tries) > 3)
        store.fs.fails = lambda *_: None

    with caplog.at_level(logging.WARNING):
        training(at(store, tmp_path / "a"), work)
    assert caplog.text.count("cannot be reached (away)") == 1
    training(at(store, tmp_path / "b"), untouched)


def test_a_damaged_checkpoint_is_had_from_the_store(store, tmp_path):
    stage = training(at(store, tmp_path / "a"), lambda folder: None)
    shutil.rmtree(stage.folder / "checkpoint")
    again = training(at(store, tmp_path / "a"), untouched)
    assert (again.folder / "checkpoint" / "model.safetensors").exists()


def test_names_of_what_a_training_saves_are_the_trainings_own():
    assert (LATEST, BEST, STEP.pattern) == (saving.LATEST, held_out.BEST, saving.NAMED.pattern)


def test_a_place_that_is_no_url_is_a_folder(tmp_path):
    assert type(ledger_at(str(tmp_path / "x"), "cache")) is Ledger
    assert folder_of(str(tmp_path / "x"), "cache") == tmp_path / "x"
    assert type(ledger_at(f"file://{tmp_path}/x", str(tmp_path / "cache"))) is LedgerAtUrl
    assert folder_of("s3://bucket/x", str(tmp_path / "cache")) == tmp_path / "cache"
