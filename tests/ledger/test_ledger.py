import json
import multiprocessing
import shutil
import threading
import time
from collections import Counter as Counts
from contextlib import contextmanager

import pytest

from mmst.errors import DataError, RunInUseError
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work, run_folder
from mmst.ledger.progress import Silent, SilentTask
from mmst.types import Dropped
from tests.commands import LIMIT


class Counter:
    """Rows for numbers, and a count of the chunks asked for."""

    def __init__(self, fail_at=None):
        self.calls = 0
        self.fail_at = fail_at

    def __call__(self, part, task):
        self.calls += 1
        if self.calls == self.fail_at:
            raise RuntimeError("killed")
        return [Dropped(str(i), "text -> text", "answer_only") for i in part]


class Seen:
    """A tally that keeps what it sees."""

    def __init__(self):
        self.ids = []

    def add(self, rows):
        self.ids += [row.id for row in rows]

    def remark(self):
        return f"{len(self.ids)} seen"

    def facts(self):
        return {"seen": len(self.ids)}


class Recorder(Silent):
    """Progress that remembers what its task was told."""

    @contextmanager
    def task(self, title, total):
        self.told = []
        record = self.told.append

        class Task(SilentTask):
            def advance(self, rows, tokens=0):
                super().advance(rows)
                record(("done", rows))

            def found(self, rows):
                super().found(rows)
                record(("found", rows))

            def note(self, text):
                record(("note", text))

        yield Task()


def chunks(root, compute, settings=None, total=10, most=3):
    return Ledger(root).chain(range(total), [Work("sample", settings or {"a": 1}, compute, Dropped)], Chunking(most), "title")


def chained(root, first, second, progress=None, tally=None, most=3, grades=None, redo=None):
    works = [Work("sample", {"a": 1}, first, Dropped), Work("grade", grades or {"b": 1}, second, Dropped)]
    return Ledger(root, progress).chain(range(10), works, Chunking(most), "title", tally=tally, redo=redo)


def ids(stage):
    return [row.id for row in stage.rows(Dropped)]


def closed(folder):
    """Where the chunks of a stage that is done closed, by what is written."""
    return json.loads((folder / "manifest.json").read_text())["inputs"]


def twice(rows, task):
    return [Dropped(row.id + half, row.edge, row.reason) for row in rows for half in "ab"]


def test_rows_come_back_in_order(tmp_path):
    stage = chunks(tmp_path, Counter())
    assert [row.id for row in stage.rows(Dropped)] == [str(i) for i in range(10)]
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
    assert list(chunks(tmp_path, Counter(), total=0).rows(Dropped)) == []


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{}\n"), lambda path: path.unlink()])
def test_a_damaged_chunk_is_named(tmp_path, damage):
    stage = chunks(tmp_path, Counter())
    damage(stage.folder / "chunk-00001.jsonl")
    with pytest.raises(DataError, match=r"chunk-00001\.jsonl is damaged"):
        list(stage.rows(Dropped))


def test_a_chain_sends_each_chunk_through_every_stage_before_the_next(tmp_path):
    order = []

    def first(part, task):
        order.append("sample")
        return Counter()(part, task)

    def second(rows, task):
        order.append("grade")
        return twice(rows, task)

    stage = chained(tmp_path, first, second)
    assert order == ["sample", "grade"] * 4
    assert [row.id for row in stage.rows(Dropped)] == [f"{i}{half}" for i in range(10) for half in "ab"]


def test_a_chain_that_was_cut_between_two_stages_computes_only_what_is_missing(tmp_path):
    first = Counter()
    with pytest.raises(RuntimeError):
        chained(tmp_path / "a", first, Counter(fail_at=2))
    assert first.calls == 2
    rest = Counter()
    resumed = chained(tmp_path / "a", rest, Counter())
    whole = chained(tmp_path / "b", Counter(), Counter())
    assert rest.calls == 2
    assert list(resumed.rows(Dropped)) == list(whole.rows(Dropped))


def test_a_chain_whose_first_stage_is_done_reads_it(tmp_path):
    chunks(tmp_path, Counter())
    first = Counter()
    stage = chained(tmp_path, first, twice)
    assert first.calls == 0
    assert stage.manifest()["rows"] == 20


def test_a_tally_sees_all_rows_and_its_facts_are_kept(tmp_path):
    with pytest.raises(RuntimeError):
        chained(tmp_path, Counter(fail_at=3), twice, tally=Seen())
    progress, tally = Recorder(), Seen()
    stage = chained(tmp_path, Counter(), twice, progress, tally)
    assert tally.ids == [row.id for row in stage.rows(Dropped)]
    assert stage.manifest()["seen"] == 20
    assert progress.told[:4] == [("note", "6 seen"), ("found", 3), ("note", "12 seen"), ("found", 3)]
    assert progress.told[-2:] == [("note", "20 seen"), ("done", 1)]


def test_a_run_folder_is_held_by_one_process(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready))
    holder.start()
    try:
        assert ready.wait(LIMIT)
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
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    assert sorted(json.loads(line) for line in (tmp_path / "log").read_text().splitlines()) == [0, 4]


def test_chunks_with_rows_to_redo_are_computed_anew_through_all_stages(tmp_path):
    stage = chained(tmp_path, Counter(), twice)
    before = stage.content
    works = [Work("sample", {"a": 1}, first := Counter(), Dropped), Work("grade", {"b": 1}, twice, Dropped)]
    again = Ledger(tmp_path).chain(range(10), works, Chunking(3), "title", redo=lambda row: row.id in ("4a", "9b"))
    assert first.calls == 2
    assert again.content == before  # the same rows came out
    Ledger(tmp_path).chain(range(10), works, Chunking(3), "title", redo=lambda row: row.id == "none")
    assert first.calls == 2


def test_the_content_tells_rows_apart_under_the_same_settings(tmp_path):
    other = chunks(tmp_path / "b", lambda part, task: Counter()(part, task)[:1])
    assert chunks(tmp_path / "a", Counter()).content != other.content
    assert other.key == chunks(tmp_path / "a", Counter()).key


def _hold(path, ready):
    with run_folder(path):
        ready.set()
        time.sleep(600)


def _slow_stage(path):
    counter = Counter()

    def slowly(part, task):
        time.sleep(0.05)
        return counter(part, task)

    chunks(path, slowly)
    with (path / "log").open("a") as file:
        file.write(f"{counter.calls}\n")


def files_of(stage):
    return {path.name: path.read_bytes() for path in stage.folder.glob("chunk-*.jsonl")}


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_text("{}\n"), lambda path: path.unlink(), lambda path: path.write_bytes(b"")]
)
def test_a_chunk_that_was_damaged_is_computed_anew_with_a_warning(tmp_path, caplog, damage):
    expected = files_of(chunks(tmp_path, Counter()))
    stage = chunks(tmp_path, Counter())
    damage(stage.folder / "chunk-00001.jsonl")
    again = Counter()
    assert files_of(chunks(tmp_path, again)) == expected
    assert again.calls == 1
    assert "1 chunks of" in caplog.text


def test_an_edited_chunk_of_an_unfinished_stage_is_not_used(tmp_path, caplog):
    with pytest.raises(RuntimeError):
        chunks(tmp_path, Counter(fail_at=3))
    edited = next(tmp_path.rglob("chunk-00000.jsonl"))
    edited.write_text(edited.read_text().replace('"0"', '"9"'))
    rest = Counter()
    stage = chunks(tmp_path, rest)
    assert [row.id for row in stage.rows(Dropped)] == [str(i) for i in range(10)]
    assert rest.calls == 3
    assert "chunk-00000.jsonl differs" in caplog.text


@pytest.mark.parametrize("content", [b"{}", b"", b"{", b"[]", b"\xff", b'{"key": "of another stage"}'])
def test_a_manifest_that_says_nothing_is_made_anew(tmp_path, caplog, content):
    stage = chunks(tmp_path, Counter())
    before = (stage.folder / "manifest.json").read_bytes()
    (stage.folder / "manifest.json").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        stage.manifest()
    again = Counter()
    chunks(tmp_path, again)
    assert again.calls == 0, "the chunks were whole"
    assert (stage.folder / "manifest.json").read_bytes() == before
    assert "manifest.json is damaged" in caplog.text


def test_seconds_that_are_torn_are_none(tmp_path):
    stage = chunks(tmp_path, Counter())
    for content in ("", "{", "null"):
        (stage.folder / "seconds.json").write_text(content)
        assert stage.seconds == 0


def test_a_damaged_chunk_is_computed_anew_in_later_stages_too(tmp_path):
    chained(tmp_path, Counter(), twice)
    damaged = next(tmp_path.glob("sample-*/chunk-00002.jsonl"))
    damaged.write_text("")
    first, order = Counter(), []
    chained(tmp_path, first, lambda rows, task: order.append(len(rows)) or twice(rows, task))
    assert (first.calls, order) == (1, [3])


def test_a_stage_that_is_not_what_was_written_of_it_loses_its_mark(tmp_path):
    ledger = Ledger(tmp_path)
    with ledger.stage("train", {"a": 1}) as stage:
        stage.finish({"checkpoint": "x"})
    ledger.distrust("train", {"a": 1}, lambda found: found.manifest()["checkpoint"] == "x")
    assert stage.done
    ledger.distrust("train", {"a": 1}, lambda found: False)
    assert not stage.done


def test_a_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    from pathlib import Path

    assert Ledger(Path("~/runs")).root == tmp_path / "runs"


WHOLE = [f"{i}{half}" for i in range(10) for half in "ab"]


def test_rows_and_content_do_not_depend_on_where_chunks_closed(tmp_path):
    made = [chained(tmp_path / str(most), Counter(), twice, most=most) for most in (1, 4, 10)]
    assert [closed(stage.folder) for stage in made] == [[1] * 10, [4, 4, 2], [10]]
    assert [ids(stage) for stage in made] == [WHOLE] * 3
    assert len({stage.content for stage in made}) == len({stage.key for stage in made}) == 1


def test_a_slow_stage_closes_its_chunks_after_about_a_minute(tmp_path):
    now, parts = [0.0], []

    def slow(part, task):
        parts.append(len(part))
        now[0] += 0.9 * len(part)
        return Counter()(part, task)

    def grade(rows, task):
        now[0] += 0.1 * len(rows)
        return rows

    works = [Work("sample", {"a": 1}, slow, Dropped), Work("grade", {"b": 1}, grade, Dropped)]
    stage = Ledger(tmp_path).chain(range(200), works, Chunking(500, 60, lambda: now[0]), "title")
    assert parts == [32, 60, 60, 48]
    assert closed(stage.folder) == closed(next(tmp_path.glob("sample-*"))) == parts
    assert ids(stage) == [str(i) for i in range(200)]


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_a_stage_goes_on_with_other_chunks_and_keeps_those_that_closed(tmp_path, most):
    with pytest.raises(RuntimeError):
        chained(tmp_path / "a", Counter(), Counter(fail_at=3))  # the third chunk is sampled, and not graded
    before = {path: path.read_bytes() for path in (tmp_path / "a").rglob("chunk-*")}
    rest = Counter()
    resumed = chained(tmp_path / "a", rest, twice, most=most)
    assert {path: path.read_bytes() for path in before} == before
    assert closed(resumed.folder) == [3, 3, 3, 1]
    assert rest.calls == 1


def test_what_found_chunks_took_says_nothing_of_the_rate(tmp_path):
    now, parts = [0.0], []

    def slow(part, task):
        parts.append(len(part))
        now[0] += len(part)
        return Counter()(part, task)

    def chain(grade):
        works = [Work("sample", {"a": 1}, slow, Dropped), Work("grade", {"b": 1}, grade, Dropped)]
        return Ledger(tmp_path).chain(range(200), works, Chunking(500, 60, lambda: now[0]), "title")

    with pytest.raises(RuntimeError):
        chain(Counter(fail_at=2))
    chain(lambda rows, task: rows)
    assert parts == [32, 60, 32, 60, 16]


def test_other_grades_of_the_same_samples_close_where_the_samples_did(tmp_path):
    chained(tmp_path, Counter(), twice)
    first = Counter()
    other = chained(tmp_path, first, twice, most=7, grades={"b": 2})
    assert (first.calls, closed(other.folder), ids(other)) == (0, [3, 3, 3, 1], WHOLE)


def test_samples_that_were_removed_are_made_anew_as_the_grades_closed(tmp_path):
    stage = chained(tmp_path, Counter(), twice)
    shutil.rmtree(next(tmp_path.glob("sample-*")))
    chained(tmp_path, Counter(), lambda rows, task: pytest.fail("all grades are there"), most=7)
    assert closed(next(tmp_path.glob("sample-*"))) == closed(stage.folder) == [3, 3, 3, 1]


@pytest.mark.parametrize("whole", [True, False])
def test_grades_of_chunks_that_closed_elsewhere_are_made_anew(tmp_path, whole):
    stage = chained(tmp_path, Counter(), twice, grades={"b": 1})
    shutil.rmtree(next(tmp_path.glob("sample-*")))
    if whole:
        chunks(tmp_path, Counter(), most=4)
    else:
        with pytest.raises(RuntimeError):
            chunks(tmp_path, Counter(fail_at=2), most=4)
    (stage.folder / "chunk-00003.jsonl").write_text("")
    again = chained(tmp_path, Counter(), twice, most=4)
    assert ids(again) == WHOLE
    assert closed(again.folder) == closed(next(tmp_path.glob("sample-*"))) == [4, 4, 2]
    assert sorted(path.name for path in again.folder.glob("*.jsonl")) == [f"chunk-0000{n}.jsonl" for n in range(3)]


def test_chunks_to_redo_are_those_that_closed(tmp_path):
    before = chained(tmp_path, Counter(), twice).content
    parts = []

    def again(part, task):
        parts.append(list(part))
        return Counter()(part, task)

    stage = chained(tmp_path, again, twice, most=2, redo=lambda row: row.id in ("4a", "9b"))
    assert parts == [[3, 4, 5], [9]]
    assert (stage.content, closed(stage.folder)) == (before, [3, 3, 3, 1])


def test_a_stage_that_says_not_where_its_chunks_closed_is_read_and_made_anew_whole(tmp_path):
    stage = chunks(tmp_path, Counter())
    content = stage.content
    manifest = stage.manifest()
    old = {name: fact for name, fact in manifest.items() if name not in ("inputs", "content")}
    (stage.folder / "manifest.json").write_text(json.dumps(old))
    for note in stage.folder.glob("*.sha256"):
        note.write_text(note.read_text().split()[0] + "\n")
    assert (ids(stage), stage.content) == ([str(i) for i in range(10)], content)
    (stage.folder / "chunk-00002.jsonl").unlink()
    again = Counter()
    assert ids(chunks(tmp_path, again, most=5)) == [str(i) for i in range(10)]
    assert (again.calls, closed(stage.folder)) == (2, [5, 5])


@pytest.mark.parametrize("facts", [{}, {"chunks": None}, {"chunks": {}, "rows": "many"}, {"chunks": []}, {"checkpoint": 7}])
def test_a_manifest_that_says_only_whose_it_is_is_made_anew(tmp_path, facts):
    stage = chunks(tmp_path, Counter())
    before = (stage.folder / "manifest.json").read_bytes()
    (stage.folder / "manifest.json").write_text(json.dumps({"key": stage.key, **facts}))
    again = Counter()
    chunks(tmp_path, again)
    assert again.calls == 0
    assert (stage.folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"0" * 64])
def test_a_chunk_whose_hash_is_damaged_is_computed_anew(tmp_path, content):
    with pytest.raises(RuntimeError):
        chunks(tmp_path, Counter(fail_at=3))
    next(tmp_path.rglob("chunk-00001.sha256")).write_bytes(content)
    rest = Counter()
    assert len(list(chunks(tmp_path, rest).rows(Dropped))) == 10
    assert rest.calls == 3


class TestGradesBehind:
    """Grades of a chunk while the next one is sampled; by events, never by a clock."""

    @staticmethod
    def chain(root, sample, grade, behind=True, progress=None, tally=None):
        works = [Work("sample", {"a": 1}, sample, Dropped), Work("grade", {"b": 1}, grade, Dropped, behind)]
        return Ledger(root, progress).chain(range(10), works, Chunking(3), "title", tally=tally)

    @staticmethod
    def lockstep():
        """A sampler and a grader, each of which ends a chunk only once the other is at its own next one."""
        grading, sampled = [threading.Event() for _ in range(4)], [threading.Event() for _ in range(5)]
        order = []

        def sample(part, task):
            number = part[0] // 3
            if number:
                assert grading[number - 1].wait(LIMIT), "nothing was graded meanwhile"
            order.append(f"sampled {number}")
            sampled[number].set()
            task.advance(len(part), 10)
            return Counter()(part, task)

        def grade(rows, task):
            number = int(rows[0].id) // 3
            grading[number].set()
            assert number == 3 or sampled[number + 1].wait(LIMIT), "nothing was sampled meanwhile"
            order.append(f"graded {number}")
            return twice(rows, task)

        return sample, grade, order

    def test_a_chunk_is_graded_while_the_next_is_sampled(self, tmp_path):
        sample, grade, order = self.lockstep()
        stage = self.chain(tmp_path, sample, grade, tally=Seen())
        between = [f"{what} {n}" for n in range(3) for what, n in (("sampled", n + 1), ("graded", n))]
        assert order == ["sampled 0", *between, "graded 3"]
        assert (ids(stage), stage.manifest()["seen"]) == (WHOLE, 20)

    def test_files_are_those_of_one_after_the_other(self, tmp_path):
        sample, grade, _ = self.lockstep()
        self.chain(tmp_path / "behind", sample, grade)
        self.chain(tmp_path / "after", Counter(), twice, behind=False)
        files = [
            {
                path.relative_to(root): path.read_bytes()
                for path in root.rglob("*.*")
                if path.name not in ("seconds.json", ".lock")
            }
            for root in (tmp_path / "behind", tmp_path / "after")
        ]
        assert files[0] == files[1]
        assert len(files[0]) == 18

    def test_the_bar_counts_each_row_once(self, tmp_path):
        sample, grade, _ = self.lockstep()
        progress = Recorder()
        self.chain(tmp_path, sample, grade, progress=progress, tally=Seen())
        assert sum(told[1] for told in progress.told if told[0] == "done") == 10
        assert [told[1] for told in progress.told if told[0] == "note"] == [f"{n} seen" for n in (6, 12, 18, 20)]

    def test_a_grader_that_fails_ends_the_chain_and_what_is_sampled_is_kept(self, tmp_path):
        sample, grade, _ = self.lockstep()

        def fails(rows, task):
            if rows[0].id == "3":
                grade(rows, task)
                raise RuntimeError("the grader failed")
            return grade(rows, task)

        with pytest.raises(RuntimeError, match="the grader failed"):
            self.chain(tmp_path, sample, fails)
        assert sorted(path.name for path in tmp_path.rglob("chunk-*.jsonl")) == [f"chunk-0000{n}.jsonl" for n in (0, 0, 1, 2)]
        rest = Counter()
        assert ids(self.chain(tmp_path, rest, twice)) == WHOLE
        assert rest.calls == 1

    def test_a_sampler_that_fails_lets_the_chunk_before_be_graded_and_kept(self, tmp_path):
        failing, begun = threading.Event(), threading.Event()

        def sample(part, task):
            if part[0]:
                assert begun.wait(LIMIT)
                failing.set()
                raise RuntimeError("the sampler failed")
            return Counter()(part, task)

        def grade(rows, task):
            begun.set()
            assert failing.wait(LIMIT)
            return twice(rows, task)

        with pytest.raises(RuntimeError, match="the sampler failed"):
            self.chain(tmp_path, sample, grade)
        assert len(list(tmp_path.rglob("chunk-*.jsonl"))) == 2
        second = Counter()
        with pytest.raises(RuntimeError):
            self.chain(tmp_path, Counter(fail_at=1), second)
        assert second.calls == 0

    def test_an_interrupt_ends_the_grader_too_and_the_stage_is_free(self, tmp_path):
        begun = threading.Event()

        def sample(part, task):
            if part[0]:
                assert begun.wait(LIMIT)
                raise KeyboardInterrupt
            return Counter()(part, task)

        def grade(rows, task):
            begun.set()
            while True:
                time.sleep(0.001)

        with pytest.raises(KeyboardInterrupt):
            self.chain(tmp_path, sample, grade)
        assert ids(self.chain(tmp_path, Counter(), twice)) == WHOLE

    def test_a_time_limit_counts_both_stages_of_a_chunk_that_is_through(self, tmp_path):
        now, parts = Counts(), []  # seconds of work by thread

        def slow(part, task):
            parts.append(len(part))
            now[threading.current_thread().name] += 0.9 * len(part)
            return Counter()(part, task)

        def grade(rows, task):
            now[threading.current_thread().name] += 0.1 * len(rows)
            return rows

        def clock():
            return now[threading.current_thread().name]

        works = [Work("sample", {"a": 1}, slow, Dropped), Work("grade", {"b": 1}, grade, Dropped, True)]
        stage = Ledger(tmp_path).chain(range(200), works, Chunking(500, 60, clock), "title")
        assert sum(parts) == 200
        assert closed(stage.folder) == closed(next(tmp_path.glob("sample-*"))) == parts
        assert parts[0] == 32
        assert set(parts[1:-1]) <= {32, 60}
        assert ids(stage) == [str(i) for i in range(200)]
