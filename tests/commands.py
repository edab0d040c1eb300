"""Commands as a user starts them, without each one's seconds of imports: a server that has done them forks each.

What a command prints goes into files: nothing is a terminal. `fresh=True` starts an interpreter of its own, with other hashes.
"""

from __future__ import annotations

import atexit
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LIMIT = 1200
"""Seconds that only a hang takes, on any machine."""
TINY = ("debug=tiny", "chunk=50")
"""The whole loop in seconds. A chunk a stage: a model answers 50 prompts nearly as soon as 20."""
PRELOADED = [
    "mmst.cli.main",
    "mmst.cli.report",
    "mmst.jobs.train",
    "mmst.jobs.evaluate",
    "mmst.jobs.generate",
    "mmst.training.building",
    "mmst.training.fit",
    "mmst.training.watch",
    "mmst.samplers.hf",
    "mmst.methods.code",
    "mmst.methods.text",
    "mmst.datasets.arithmetic.world",
    "mmst.reporting.plot",
    "mmst.reporting.page",
    "mmst.reporting.logger_tracker",
    "mmst.policies.router",
    "mmst.sandbox.pool",
    "mmst.executors.local",
    "mmst.jobs.push",
    "sklearn.linear_model",
    "sklearn.feature_extraction.text",
    "pandas",
    "pyarrow.parquet",
    "matplotlib.backends.backend_svg",
    "lightning.pytorch.loggers",
    "transformers.models.llama.modeling_llama",
    "hydra._internal.hydra",
    "hydra._internal.core_plugins.basic_launcher",
    "hydra._internal.core_plugins.basic_sweeper",
    "hydra._internal.core_plugins.file_config_source",
    "hydra._internal.core_plugins.structured_config_source",
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher",
    "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher",
]
"""What commands import, in the server. No thread may run there: it forks."""


class Finished(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


class Started:
    """A command that runs, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, process, out, err):
        self.process, self.out, self.err = process, out, err

    @property
    def returncode(self):
        return self.process.exitcode

    def poll(self):
        return self.process.exitcode

    def send_signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        self.process.kill()

    def wait(self):
        self.process.join(LIMIT)
        assert self.process.exitcode is not None, f"hangs; so far: {self.out.read_text()} {self.err.read_text()}"
        return self.process.exitcode

    def communicate(self):
        self.wait()
        return self.out.read_text(), self.err.read_text()


def fork_server():
    """The server of this process, started when first asked for."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def enter(script, words, folder, environment, out, err, first):
    """In the forked process: become the command, after `first()`, if any."""
    os.chdir(folder)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = [script, *words]
    if first:
        first()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out


class Runs:
    """Runs the entry points as a user does, each test in folders of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._numbers = count()

    def words(self, script, *overrides):
        """What stands behind the script's name: options first, and the ledger of this folder last."""
        own = script == "report.py" or any(word.startswith(("--cfg", "--help", "paths.ledger=")) for word in overrides)
        if own:
            return list(overrides)
        return [*overrides, f"paths.ledger={self.folder / 'ledger'}"]

    def command(self, script, *overrides):
        return [sys.executable, str(ROOT / script), *self.words(script, *overrides)]

    def start(self, script, *overrides, env=None, first=None):
        number = next(self._numbers)
        out, err = (self.folder.parent / f"{self.folder.name}.{number}.{name}" for name in ("out", "err"))
        words = self.words(script, *overrides)
        arguments = (str(ROOT / script), words, self.folder, env or dict(os.environ), out, err, first)
        for path in (out, err):
            path.touch()
        process = fork_server().Process(target=enter, args=arguments)
        process.start()
        return Started(process, out, err)

    def run(self, script, *overrides, env=None, fresh=False, first=None):
        if fresh:
            command = self.command(script, *overrides)
            done = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, check=False, env=env, timeout=LIMIT)
            return Finished(done.returncode, done.stdout, done.stderr)
        started = self.start(script, *overrides, env=env, first=first)
        printed = started.communicate()
        return Finished(started.returncode, *printed)

    def results(self, finished):
        assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
        last = finished.stdout.strip().splitlines()[-1]
        assert last.startswith("results: ")
        return json.loads((self.folder / last.removeprefix("results: ")).read_text())

    def ledger_files(self):
        root = self.folder / "ledger"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.name not in ("seconds.json", "record.json", ".lock", ".runs")
        }
