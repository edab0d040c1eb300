"""What a user can get wrong: one clear sentence, exit code 2, no traceback, nothing lost."""

import ctypes
import os
from pathlib import Path

import pytest

from tests.commands import Runs
from tests.conftest import ROOT

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
NO_MOUNT = "no user namespace in which to mount"
CASES = [
    (["method=mutli"], "Did you mean method=multi?"),
    (["method=taught"], "add translator=hf translator.model.name=FOLDER"),
    (["dataset=arithmetics"], "Did you mean dataset=arithmetic?"),
    (["trainr=cpu"], "Did you mean trainer?"),
    (["methods=three"], "methods is now solvers, as a list"),
    (["methods.text.format.shots=1"], "methods.text.format.shots is now solvers"),
    (["+methods/part@methods.plan=plan"], "methods/part is now solvers, as a list"),
    (["solvers=[text,cod]"], "Did you mean solvers=code?"),
    (["splits=[]"], "splits=[] is not usable"),
    (
        ["model.lora=4", "trainer.options.merge=false", "sampler=openai", "sampler.base_url=http://127.0.0.1:9"],
        "trainer.options.merge=false: only sampler=hf",
    ),
    (["sweep=mian"], "Did you mean sweep=main?"),
    (["rounds=0"], "rounds=0 is not usable"),
    (["seed=abc"], "seed=abc is not usable: expected `int`"),
    (["trainer=null"], "a group cannot be null"),
    (["paths.ledger=/etc/passwd"], "/etc/passwd"),
    (["trainer.trainer.accelerator=foo"], "accelerator"),
    (["model.max_tokens=100000"], "leaves no prompt any room in the 512 positions"),
    (["sampling.params.temperature=0"], "greedy"),
    (["filter.per_problem=none"], "per_problem"),
    (
        ["filter=majority", "sampling.per_problem=1"],
        "takes the commonest of several answers",
    ),
    (["trainer=gpu"], "torch sees none here; use trainer=cpu"),
    (["trainer.options.steps=-5"], "steps=-5 must be above 0"),
    (["arms=[nothing]"], "method/nothing"),
    (["dataset=jsonl"], "dataset.path"),
    (["dataset=jsonl", "dataset.path=nowhere"], "there is no file nowhere"),
    (["dataset=jsonl", "dataset.path=."], "line 2: the key 'answer' is missing; it has 'gold'"),
    (["model=hf", "model.name=./empty"], "no config.json"),
    (["dataset.limit=many"], "dataset.limit=many"),
    (["seed=[1"], "seed=[1"),
    (["datasets=[svamp,svamp]", "+dataset.root=."], "are called 'svamp'"),
    (['datasets=["svamp dataset.name=test"]', "+dataset.root=."], "are called 'test'"),
    (['datasets=["svamp dataset.limit=abc"]'], "datasets: 'svamp dataset.limit=abc': dataset.limit=abc is not usable"),
    (["dataset=svamp_mawps", "dataset.svamp=null"], "dataset.svamp=null is not usable"),
    (["dataset=gsm_symbolic", "dataset.by_template=maybe"], "dataset.by_template=maybe is not usable"),
]


@pytest.fixture(scope="module")
def cwd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty").mkdir()
    for name in ("train", "test"):
        (folder / "svamp").mkdir(exist_ok=True)
        (folder / "svamp" / f"{name}.jsonl").write_text('{"question": "1?", "answer": "1"}\n')
        (folder / f"{name}.jsonl").write_text('{"question": "1?", "answer": "1"}\n{"question": "2?", "gold": 2}\n')
    return folder


@pytest.mark.parametrize(("overrides", "words"), CASES, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_one_sentence_and_exit_code_2(cwd, overrides, words):
    finished = Runs(cwd).run("train.py", "debug=tiny", "arms=[]", *overrides)
    assert finished.returncode == 2, finished.stderr
    lines = finished.stderr.strip().splitlines()
    assert len(lines) == 1, finished.stderr
    assert lines[0].startswith("mmst: ")
    assert words in lines[0]
    assert "Traceback" not in finished.stdout


def small():
    """Become one who may mount (user_namespaces(7)), and mount 200 kB as the folder `small`."""
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    done(libc, libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    for name, content in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(content)
    Path("small").mkdir()
    done(libc, libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    done(libc, libc.mount(b"tmpfs", b"small", b"tmpfs", 0, b"size=200k"))


def done(libc, code):
    if code:
        raise OSError(ctypes.get_errno(), NO_MOUNT)


def test_no_space_is_one_sentence(runs):
    finished = runs.run("train.py", "debug=tiny", "hydra.run.dir=small/run", "paths.ledger=small/ledger", first=small)
    if NO_MOUNT in finished.stderr:
        pytest.skip("user namespaces may not mount here")
    assert finished.returncode == 2, finished.stderr
    assert finished.stderr.startswith("mmst: no space is left")
    assert len(finished.stderr.splitlines()) == 1, "the log on the full disk says nothing"
    assert str(ROOT) not in finished.stderr.replace(str(runs.folder), "")
