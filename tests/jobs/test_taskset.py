import asyncio
import importlib
import json
import shutil
import sys
from types import ModuleType, SimpleNamespace
from typing import Generic, TypeVar

import pytest

from mmst.cli.main import main
from tests.jobs.test_grader import CODE, FORMAT, SANDBOX, TEXT
from tests.reporting.made import made_run

T, C = TypeVar("T"), TypeVar("C")
SAYS = "Solve it."


def formed(node, cue, **more):
    return {**node, "format": {**FORMAT, "cue": cue, "lead": " ", **more}}


CONFIG = {
    "solvers": {"text": formed(TEXT, "Answer:", stop=["\nQuestion:"]), "code": formed(CODE, "Answer:"), "plan": TEXT},
    "sandbox": SANDBOX,
    "sampler": {},
}


class Data:
    def __init__(self, **values):
        self.__dict__.update(values)


class Task(Generic[T]):
    def __init__(self, data, config=None):
        self.data, self.config = data, config


class Config:
    task = None


class Taskset(Generic[T, C]):
    def __init__(self, config):
        self.config = config


class Trace:
    """What a rollout leaves of its reply, and where its score goes."""

    def __init__(self, reply):
        self.last_reply, self.info, self.metrics = reply, {}, {}

    def record_metric(self, name, value):
        self.metrics[name] = value


@pytest.fixture
def stand_in(monkeypatch):
    """What a taskset uses of verifiers, in the place of it."""
    v1 = ModuleType("verifiers.v1")
    v1.__dict__.update(Task=Task, TaskData=Data, Taskset=Taskset, TasksetConfig=Config, Trace=Trace, Runtime=object)
    v1.reward = lambda weight: lambda function: function
    package = ModuleType("verifiers")
    package.v1 = v1
    monkeypatch.setitem(sys.modules, "verifiers", package)
    monkeypatch.setitem(sys.modules, "verifiers.v1", v1)


@pytest.fixture
def made(tmp_path):
    """Makes a finished run with these settings."""
    return lambda **more: made_run(tmp_path / "run", tmp_path / "ledger", problems=4, config={**CONFIG, **more})


def exported(tmp_path, monkeypatch, *words, name="sums"):
    """The module that a run's problems were written to."""
    main(["export", str(tmp_path / "run"), *words, str(tmp_path / f"{name}.py"), "--taskset"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def refused(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(["export", *map(str, words)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_module_holds_each_splits_problems_and_grades_replies(made, stand_in, tmp_path, monkeypatch, capsys):
    made()
    module = exported(tmp_path, monkeypatch, "code")
    assert "(4 of train, 4 of test)" in " ".join(capsys.readouterr().out.split())
    assert module.__all__ == ["SumsTaskset"]
    tasks = module.SumsTaskset(SimpleNamespace(split="test", task=None)).load()
    assert [task.data.id for task in tasks] == [f"test0-{i}" for i in range(4)]
    assert tasks[3].data.prompt == [{"role": "user", "content": "Question: How many of 3?\nAnswer:"}]
    assert tasks[3].data.system_prompt is None
    right, wrong = Trace("def solution():\n    return 3"), Trace("def solution():\n    return 4")
    assert [asyncio.run(tasks[3].right(trace)) for trace in (right, wrong)] == [1.0, 0.0]
    assert wrong.info["mmst"]["answer"] == "4"
    assert wrong.metrics == {"unjudged": 0.0}
    assert asyncio.run(tasks[3].validate(None)) is True


def test_chats_are_messages_and_what_all_begin_with_is_written_once(made, stand_in, tmp_path, monkeypatch):
    solver = formed(TEXT, "Answer:", instruction=SAYS, shots=1, exemplars="default", key="text")
    made(solvers={"text": solver}, sampler={"api": "chat"}, model={"name": "served", "chat": True, "system": None})
    module = exported(tmp_path, monkeypatch, "text", "--split", "train", name="talk")
    (task, *others) = module.TalkTaskset(SimpleNamespace(split="train", task=None)).load()
    assert (task.data.system_prompt, len(others), len(module.HEADS)) == (SAYS, 3, 1)
    assert [message["role"] for message in task.data.prompt] == ["user", "assistant", "user"]
    assert task.data.prompt[-1]["content"] == "How many of 0?"
    assert list(module.ROWS) == ["train"]
    assert "shots': 0" in str(module.METHOD)


def test_problems_without_a_gold_answer_are_left_out(made, tmp_path, monkeypatch, capsys):
    made()
    for chunk in (tmp_path / "ledger").glob("problems-*/chunk-00000.jsonl"):
        rows = [{**json.loads(line), "answer": ""} for line in chunk.read_text().splitlines()]
        rewrite(chunk, rows)
    said = refused(capsys, tmp_path / "run", "text", tmp_path / "sums.py", "--taskset")
    assert "has a gold answer" in said


def rewrite(chunk, rows):
    """Put other rows into a stage's only chunk."""
    from mmst.ledger.stage import digest_of

    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    manifest = json.loads((chunk.parent / "manifest.json").read_text())
    manifest["chunks"] = {name: digest_of(content) for name in manifest["chunks"]}
    chunk.write_bytes(content)
    (chunk.parent / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("prose", "sums.py"), "has no method 'prose'; it has text, code, plan"),
        (("plan", "sums.py"), "holds no prompts by plan"),
        (("text", "sums.py", "--split", "heldout"), "of the split 'heldout'; it asked of train, test"),
        (("text", "Sums.py"), "is no name for a module of verifiers"),
        (("text", "sums"), "is no name for a module of verifiers"),
        (("text", "json.py"), "json.py would hide the module json, of Python or of a library"),
        *(
            (("text", f"{name}.py"), f"would hide the module {name}")
            for name in ("verifiers", "mmst", "datasets", "hydra", "yaml")
        ),
        (("text", "class.py"), "is no name for a module of verifiers"),
        (("text", "there.py"), "is there already"),
        (("text", "none/sums.py"), "there is no folder"),
        (("text", "sums.py", "--push", "me/it"), "are of a model"),
    ],
)
def test_what_cannot_be_written_is_said(made, tmp_path, capsys, words, sentence):
    made()
    (tmp_path / "there.py").touch()
    method, name, *options = words
    assert sentence in refused(capsys, tmp_path / "run", method, tmp_path / name, "--taskset", *options)
    assert not (tmp_path / "sums.py").exists()


def test_a_ledger_that_is_gone_and_a_folder_that_is_no_run_are_said(made, tmp_path, capsys):
    made()
    shutil.rmtree(tmp_path / "ledger")
    assert "run its command again" in refused(capsys, tmp_path / "run", "text", tmp_path / "sums.py", "--taskset")
    assert "is no finished run" in refused(capsys, tmp_path, "text", tmp_path / "sums.py", "--taskset")
    assert "is of a taskset" in refused(capsys, tmp_path / "run", "multi", tmp_path / "out", "--split", "test")


def test_verifiers_itself_loads_and_scores_it(made, tmp_path, monkeypatch):
    vf = pytest.importorskip("verifiers.v1")
    from verifiers.v1.trace import Trace as RealTrace
    from verifiers.v1.trace import TraceTask
    from verifiers.v1.utils.loaders import load_taskset

    made()
    module = exported(tmp_path, monkeypatch, "code", name="real_sums")
    tasks = list(load_taskset(module.RealSumsConfig(id="real_sums", split="test")))
    assert [task.data.idx for task in tasks] == [0, 1, 2, 3]
    found = []
    for reply in ("def solution():\n    return 2", "def solution():\n    return 3", "nothing"):
        asked = TraceTask(type="RealSumsTask", data=tasks[2].data, key=tasks[2].key, hash=tasks[2].hash)
        trace = RealTrace(task=asked, agent=vf.AgentInfo(config=vf.AgentConfig(), name="scripted", trainable=False))
        trace.root_reply = reply
        asyncio.run(tasks[2].score(trace))
        found.append((trace.reward, trace.info["mmst"]["verdict"]))
    assert found == [(1.0, "right"), (0.0, "wrong"), (0.0, "no_answer")]
