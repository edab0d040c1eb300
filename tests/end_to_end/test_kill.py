"""`kill -9`, the same command again: the same numbers, the same files, and nothing finished is done twice."""

import signal

from mmst.ledger.ledger import run_folder
from tests.waiting import until

ARGUMENTS = ("debug=tiny", "arms=[]", "trainer.options.steps=12", "trainer.options.save_every=3")
MOMENTS = {
    "while sampling": "sample-*/chunk-00001.jsonl",
    "while translating": "translate-*/chunk-00000.jsonl",
    "while training": "train-*/work/latest",
}


def killed_when(runs, pattern):
    process = runs.start("train.py", *ARGUMENTS)
    until(lambda: list((runs.folder / "ledger").glob(pattern)), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_run_killed_again_and_again_goes_on_and_ends_alike(runs, more_runs):
    done = {}
    for moment, pattern in MOMENTS.items():
        killed_when(runs, pattern)
        files = runs.ledger_files()
        assert all(files[name] == content for name, content in done.items()), moment
        done = {name: content for name, content in files.items() if name.split("/")[-1].startswith("chunk")}
        assert done, moment
    found = runs.results(runs.run("train.py", *ARGUMENTS))
    undisturbed = more_runs()
    expected = undisturbed.results(undisturbed.run("train.py", *ARGUMENTS))
    for key in ("arms", "comparisons", "counts"):
        assert found[key] == expected[key]
    after = runs.ledger_files()
    assert after == undisturbed.ledger_files()
    assert all(after[name] == content for name, content in done.items())


def test_a_run_folder_in_use_is_refused(runs):
    with run_folder(runs.folder / "runs" / "train" / "debug-tiny"):
        refused = runs.run("train.py", "debug=tiny")
    assert refused.returncode == 2
    assert "in use by another process" in refused.stderr
