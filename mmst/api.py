"""mmst as a library: grade answers, run a job as the command does, and read a run back as data frames.

    import mmst
    mmst.grade(["She has 3 * 4 = 12 nuts. The answer is 12."], ["12"])
    run = mmst.run("train", ["method=multi", "seed=1"])
    run = mmst.load("runs/train/default")
    run.results["arms"]["multi"]; run.outcomes; run.samples; run.models["multi"]

`import mmst` alone imports none of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import pandas

from mmst.errors import ConfigError, DataError, UserError
from mmst.reporting.models import MODELS
from mmst.reporting.results import OUTCOMES, RESULTS
from mmst.reporting.runs import Sweep, read_sweep
from mmst.reporting.samples import NAMED, sample_table
from mmst.types import AnswerKind

JOBS = ("train", "eval")
"""Jobs that leave results."""
SWEEPS = ("-m", "--multirun", "sweep=", "+sweep=")
ALL = sys.maxsize
RESULTS_LINE, ERROR_LINE = "results: ", "mmst: "
"""What the last line that a job prints begins with, and the one that says why it ended."""
SCREENS = ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE")
"""What tells programs, as a notebook does, that a pipe is a screen; its lines are read here, so they must stay whole."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    results: Mapping[str, Any]
    """What `results.json` holds."""

    @cached_property
    def outcomes(self) -> pandas.DataFrame:
        """A row for each arm, round, data set, method and test problem: whether it was right, and what was answered."""
        return pandas.read_parquet(self.folder / OUTCOMES)

    @cached_property
    def samples(self) -> pandas.DataFrame:
        """Every sample and translation, of training and test problems, with question, gold answer and prompt.

        `source` is the row of the sample that a translation was made from, -1 for none. Empty where the ledger is gone.
        """
        sweep = read_sweep(self.folder)
        table = sample_table(Sweep(sweep.name, sweep.runs), ALL)
        columns: dict[str, Any] = dict(table.columns)
        for name in NAMED:
            names = list(table.names[name])
            columns[name] = [names[number] for number in columns[name]]
        prompts = list(table.prompts)
        columns["prompt"] = [None if number < 0 else prompts[number] for number in columns["prompt"]]
        for place, name in enumerate(("question", "gold")):
            columns[name] = [table.problems[problem][place] for problem in columns["problem"]]
        return pandas.DataFrame(columns)

    @property
    def models(self) -> dict[str, Path]:
        """Arm -> the folder of its trained model, which `AutoModelForCausalLM.from_pretrained` loads."""
        return {path.parent.name: path.parent for path in sorted((self.folder / MODELS).glob("*/config.json"))}


def load(folder: str | Path) -> Run:
    """A finished run of `mmst train` or `mmst eval`, by its folder.

    Raises:
        DataError: there is none, or another version of mmst wrote it.
    """
    path = Path(folder).expanduser()
    if not (path / RESULTS).is_file():
        raise DataError(f"load: {path} holds no {RESULTS}; give the folder of a finished run, as `mmst runs` lists them.")
    return Run(path, read_sweep(path).runs[0].found)


def run(job: str, overrides: Sequence[str] = ()) -> Run:
    """What `mmst JOB OVERRIDES` does, in a process of its own, whose lines are printed; returns the run.

    Args:
        job: `train` or `eval`.
        overrides: as on the command line, such as `["method=multi", "seed=1"]`; no sweep.

    Raises:
        UserError: the sentence that the command ends with.
        RuntimeError: the command failed by a fault of mmst; holds its traceback.
    """
    if job not in JOBS:
        raise ConfigError(f"run: there is no job '{job}' that leaves results; choose one of {', '.join(JOBS)}.")
    if isinstance(overrides, str) or any(word.startswith(SWEEPS) for word in overrides):
        raise ConfigError('run: overrides must be a list of one job\'s, such as ["method=multi"]; sweeps are for the command.')
    command = [sys.executable, "-m", "mmst", job, *overrides]
    with tempfile.TemporaryFile("w+") as errors:
        place, code = _watched(command, errors)
        errors.seek(0)
        said = errors.read()
    if code:
        raise _failure(said)
    sys.stderr.write(said)
    if place is None:
        raise ConfigError(f"run: {job} with these overrides leaves no results to load; use the command.")
    return load(place)


def grade(
    completions: Sequence[str],
    golds: Sequence[str],
    kind: str = "number",
    method: str = "text",
    choices: Sequence[Sequence[str]] | None = None,
) -> list[dict[str, str | int | None]]:
    """Read an answer out of each completion and judge it, as `mmst answers` does; programs run in the sandbox.

    Args:
        completions: what a model wrote.
        golds: the right answer of each.
        kind: `number`, `choice`, `yes_no` or `text`.
        method: how each was written: `text`, `code` or `equation`.
        choices: of kind `choice`: the texts of the choices for each completion.

    Returns:
        For each completion `answer`, `verdict` (right, wrong, no answer, unjudged), `reason` and `checker`, its version.

    Raises:
        DataError: the arguments do not fit one another.
    """
    from mmst.stages.grade_file import METHODS, Row, graded

    kinds = [each.value for each in AnswerKind if each is not AnswerKind.TESTS]
    if kind not in kinds or method not in METHODS:
        raise DataError(f"grade: kind must be one of {', '.join(kinds)}, and method one of {', '.join(METHODS)}.")
    lists = [list(each) for each in (choices if choices is not None else [[]] * len(completions))]
    if isinstance(completions, str) or not len(completions) == len(golds) == len(lists):
        raise DataError("grade: completions, golds and choices must be lists of one length.")
    if wrong := [n for n, pair in enumerate(zip(completions, golds, strict=True)) if not _texts(*pair)]:
        raise DataError(f"grade: completion and gold number {wrong[0]} must be texts, and the gold not empty.")
    rows = zip(completions, golds, lists, strict=True)
    return list(graded([Row(text, gold, AnswerKind(kind), own, method) for text, gold, own in rows]))


def _texts(completion: object, gold: object) -> bool:
    return isinstance(completion, str) and isinstance(gold, str) and bool(gold)


def _watched(command: Sequence[str], errors: IO[str]) -> tuple[Path | None, int]:
    """Run a command and hand on what it prints; returns the folder of its results, and its exit code."""
    place = None
    plain = {key: value for key, value in os.environ.items() if key not in SCREENS}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=plain) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            if line.startswith(RESULTS_LINE):
                place = Path(line.removeprefix(RESULTS_LINE).strip()).parent
    return place, process.returncode


def _failure(said: str) -> Exception:
    """The error for what a failed command wrote."""
    lines = said.strip().splitlines()
    if lines and lines[-1].startswith(ERROR_LINE):
        return UserError(lines[-1].removeprefix(ERROR_LINE))
    return RuntimeError(said)
