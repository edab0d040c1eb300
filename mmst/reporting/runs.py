"""Finished jobs, read back from their folders: one run, or all jobs of a sweep.

    RUN/results.json, outcomes.parquet     what the job found
        job.json                           what became of it; written by Hydra's callback
    SWEEP/JOB/...                          the same for each job

Jobs of a sweep differ by their overrides. Those of the seed are repetitions; the others are what is varied.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.ledger.files import natural_order
from mmst.methods.edge import BASE_ARM
from mmst.reporting.arm_style import page_colours
from mmst.reporting.results import FORMAT, OUTCOMES, RESULTS

JOB = "job.json"
STARTED = ".hydra/config.yaml"
"""What Hydra leaves in the folder of a job that has begun."""
KEYS = ("config", "versions", "commit", "dataset", "arms", "heldout", "rounds", "counts", "labels", "correlations", "ledger")
"""What a page reads of a job's results."""
SEEDS = ("seed", "dataset.seed")
"""Overrides that repeat a job instead of varying it."""
SILENT = ("sweep", "size", "name", "title", "tracker", "experiment", "debug", "sampler.batch_size", "paths.", "push", "hydra")
"""Overrides that change nothing of what is compared, or are the same for all jobs of a sweep."""
NAMELESS = "What became of {}?"
"""The question of runs that say none."""
ARM_KEY = "method"
"""The override that names an arm itself."""

Solved = dict[str, bool | None]
"""Problem id -> right, wrong, or None for unjudged."""


@dataclass(frozen=True)
class Run:
    """One finished job."""

    folder: Path
    found: Mapping[str, Any]
    overrides: Mapping[str, str]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def seed(self) -> str:
        """What tells repetitions apart: the seed; where data were drawn by another one, that as well."""
        seeds = {key: self.overrides[key] for key in SEEDS if key in self.overrides}
        if len(seeds) < 2:
            return next(iter(seeds.values()), str(self.found["config"].get("seed", 0)))
        return ", ".join(f"{key} {value}" for key, value in seeds.items())

    @cached_property
    def outcomes(self) -> dict[tuple[str, int, str, str], Solved]:
        """(arm, round, data set, method) -> who was solved."""
        import pyarrow
        import pyarrow.parquet

        names = ("arm", "round", "dataset", "method", "problem", "right")
        try:
            columns = pyarrow.parquet.read_table(self.folder / OUTCOMES, columns=list(names)).to_pydict()
            rows = list(zip(*(columns[name] for name in names), strict=True))
        except (pyarrow.ArrowException, KeyError, OSError) as error:
            raise damaged(self.folder / OUTCOMES) from error
        found: dict[tuple[str, int, str, str], Solved] = defaultdict(dict)
        for arm, number, dataset, method, problem, right in rows:
            found[arm, number, dataset, method][problem] = right
        return dict(found)


@dataclass(frozen=True)
class Failure:
    """A job that did not end."""

    name: str
    why: str


@dataclass(frozen=True)
class Sweep:
    """The jobs to report on; a single run is a sweep of one."""

    name: str
    runs: Sequence[Run]
    failures: Sequence[Failure] = ()
    axes: tuple[str, ...] = ()
    """The overrides that are varied, without those of the seed and of the arm."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the sweep's file says of itself: question, contrast, split."""

    @property
    def question(self) -> str:
        """What it asks."""
        if self.settings.get("question"):
            return str(self.settings["question"])
        titles = {run.found["config"].get("title") for run in self.runs}
        return str(titles.pop() or NAMELESS.format(self.name)) if len(titles) == 1 else NAMELESS.format(self.name)

    @cached_property
    def colours(self) -> Mapping[str, int]:
        """Arm -> the number of its colour on the page."""
        return page_colours({arm for run in self.runs for arm, *_ in run.outcomes})

    def variant(self, run: Run) -> str:
        """What sets a run's arms apart from those of the same names in other runs."""
        return ", ".join(f"{axis.rsplit('.', 1)[-1]}={run.overrides.get(axis, 'default')}" for axis in self.axes)


def read_runs(paths: Sequence[Path]) -> Sweep:
    """Several folders of runs and of sweeps as one sweep; a single one as `read_sweep` does.

    Raises:
        DataError: as `read_sweep`; or two runs have one name.
    """
    found = [read_sweep(path) for path in paths]
    if len(found) == 1:
        return found[0]
    runs = [run for sweep in found for run in sweep.runs]
    if twice := [name for name, count in Counter(run.name for run in runs).items() if count > 1]:
        raise DataError(f"report: two of the runs are called {twice[0]}; give one folder of each name.")
    settings = next((sweep.settings for sweep in found if sweep.settings), {})
    name = f"{len(runs)} runs of {paths[0].resolve().parent.name}"
    return Sweep(name, runs, [failure for sweep in found for failure in sweep.failures], _axes(runs), settings)


def read_sweep(path: Path) -> Sweep:
    """A run's folder, or a folder of runs.

    Raises:
        DataError: there is no finished run, or one was written by another version.
    """
    if not path.is_dir():
        raise DataError(f"report: there is no folder {path}; give that of a run (runs/train/...) or a sweep (runs/sweep/...).")
    folders = (
        [path]
        if (path / RESULTS).is_file()
        else [child.parent for child in sorted(path.glob(f"*/{RESULTS}"), key=natural_order)]
    )
    if not folders:
        raise DataError(f"report: {path} holds no {RESULTS}, nor do its folders; is a run finished?")
    runs = [_run(folder) for folder in folders]
    jobs = [loaded(place, ("name", "failed", "why")) for place in sorted(path.glob(f"*/{JOB}"))]
    failures = [Failure(job["name"], str(job["why"])) for job in jobs if job["failed"]]
    begun = {place.parents[1].name for place in path.glob(f"*/{STARTED}")}
    ended = {job["name"] for job in jobs} | {folder.name for folder in folders}
    failures += [Failure(name, "it has not ended: it was stopped, or is at work") for name in sorted(begun - ended)]
    failed = {failure.name for failure in failures}
    runs = [run for run in runs if run.name not in failed] or runs
    return Sweep(path.resolve().name, runs, failures, _axes(runs), runs[0].found["config"].get("sweep") or {})


def shared_arms(sweep: Sweep, dataset: str) -> frozenset[str]:
    """The arms that are the same in all settings on a data set, so that each is one arm and not several.

    The arms that the question looks at are never among them: that a setting changes nothing of these is an answer.
    """
    variants = {sweep.variant(run) for run in sweep.runs}
    looked_at = set((sweep.settings.get("contrast") or ())[1:])
    found = set()
    for arm in {arm for run in sweep.runs for arm, *_ in run.outcomes} | {BASE_ARM}:
        by_seed: dict[str, dict[str, Any]] = defaultdict(dict)
        for run in sweep.runs:
            key = {place: solved for place, solved in run.outcomes.items() if (place[0], place[2]) == (arm, dataset)}
            by_seed[run.seed][sweep.variant(run)] = key
        equal = all(solved == other for of_seed in by_seed.values() for solved, other in pairwise(of_seed.values()))
        beside = {variant for of_seed in by_seed.values() if len(of_seed) > 1 for variant in of_seed}
        if equal and (arm == BASE_ARM or (arm not in looked_at and beside == variants)):
            found.add(arm)
    return frozenset(found)


def _run(folder: Path) -> Run:
    found = loaded(folder / RESULTS, ("format",))
    if found.get("format") != FORMAT or not (folder / OUTCOMES).is_file():
        raise DataError(f"report: {folder} was written by another version of mmst; run its command again (stages are kept).")
    if missing := [key for key in KEYS if key not in found]:
        raise damaged(folder / RESULTS, f": it has no {missing[0]}")
    job = loaded(folder / JOB, ("overrides",)) if (folder / JOB).is_file() else {"overrides": []}
    return Run(folder, found, dict(_parts(override) for override in job["overrides"]))


def loaded(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """What a JSON file of a job holds.

    Raises:
        DataError: it is no object with these keys.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise damaged(path) from error
    if not isinstance(content, dict) or not all(key in content for key in keys):
        raise damaged(path)
    return content


def damaged(path: Path, how: str = "") -> DataError:
    """The error for a file that does not hold what was once written there."""
    return DataError(f"report: {path} is damaged{how}; delete it and run the job's command again (stages are kept).")


def _parts(override: str) -> tuple[str, str]:
    key, _, value = override.lstrip("+~").partition("=")
    return key, value


def _axes(runs: Sequence[Run]) -> tuple[str, ...]:
    keys = dict.fromkeys(key for run in runs for key in run.overrides)
    varied = [key for key in keys if len({run.overrides.get(key) for run in runs}) > 1]
    return tuple(key for key in varied if key not in (*SEEDS, ARM_KEY) and not key.startswith(SILENT))
