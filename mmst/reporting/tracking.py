"""What a job tells an experiment tracker, beside the curves that Lightning's loggers keep: its results, samples and page.

A tracker's run stands for one job; the jobs of a sweep are one group. What was told once is not told again: a job that is
resumed, or run again with the same results, leaves the tracker's run as it is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mmst.errors import ConfigError, MissingExtraError
from mmst.ledger.files import atomic_write
from mmst.reporting.page import page
from mmst.reporting.results import RESULTS, mean_accuracy, tables_of
from mmst.reporting.runs import read_sweep
from mmst.reporting.samples import NAMED, SampleTable, sample_table

log = logging.getLogger(__name__)

SAMPLES = 2_000
"""About so many samples of a job are told as a table."""
TOLD = "tracked.json"
MOST_TAG = 64
"""Characters of a tag that W&B takes."""


@dataclass(frozen=True, slots=True)
class TrackedJob:
    """What a tracker's run is named after."""

    name: str
    kind: str
    """`train` or `eval`."""
    folder: Path
    group: str | None
    """The sweep that the job is of."""
    config: Mapping[str, Any]

    @property
    def notes(self) -> str:
        """What it is about: its title, or the question of its sweep."""
        return str(self.config.get("title") or (self.config.get("sweep") or {}).get("question") or "")

    @property
    def tags(self) -> list[str]:
        """Words to find it by: what kind of job it is, its model, data set and recipe, and its sweep."""
        named = [(self.config.get(key) or {}).get("name") for key in ("model", "dataset", "method")]
        return [str(word)[:MOST_TAG] for word in dict.fromkeys([self.kind, *named, self.group]) if word]

    @property
    def id(self) -> str:
        """The same for the same folder, so that a job that is resumed goes on in its run."""
        return hashlib.sha256(str(self.folder.absolute()).encode()).hexdigest()[:16]


class Tracker(Protocol):
    """One run at an experiment tracker. `configs/tracker` says how it is made."""

    def summary(self, values: Mapping[str, float | int | str]) -> None:
        """Numbers that stand for the whole job."""

    def history(self, step: str, rows: Sequence[Mapping[str, float]]) -> None:
        """Numbers along a step, which each row holds under its name."""

    def table(self, name: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table."""

    def progress(self, values: Mapping[str, float]) -> None:
        """Numbers of a stage that is at work, while the job goes on."""

    def page(self, name: str, html: str) -> None:
        """A page to look at beside the run."""

    def files(self, name: str, kind: str, paths: Sequence[Path]) -> None:
        """Files to keep with the run."""

    def close(self, failed: bool) -> None:
        """End the run."""


def track_results(tracker: Tracker, found: Mapping[str, Any], folder: Path) -> None:
    """Tell a tracker what a job found; `folder` holds its results. Nothing where the same was told before."""
    digest = hashlib.sha256(json.dumps({**found, "seconds": None}, sort_keys=True).encode()).hexdigest()
    told = folder / TOLD
    if told.is_file() and json.loads(told.read_text()) == digest:
        log.info("tracker: these results were told before, so there is nothing new to tell; without %s all is told again", told)
        return
    tracker.summary(summary_of(found))
    tracker.history("round", round_rows(found))
    tracker.table("differences", *difference_rows(found))
    sweep = read_sweep(folder)
    samples = sample_table(sweep, SAMPLES)
    if len(samples):
        tracker.table("samples", *sample_rows(samples))
    report = folder / "report.html"
    text = page(sweep, SAMPLES)
    atomic_write(report, text.encode())
    tracker.page("report", text)
    tracker.files("results", "results", [folder / RESULTS, folder / "results.csv", folder / "results.parquet"])
    tracker.files("report", "report", [report])
    atomic_write(told, json.dumps(digest).encode())


def summary_of(found: Mapping[str, Any]) -> dict[str, float | int | str]:
    """Accuracies and differences with intervals by data set, arm and method, counts of examples, and seconds by stage."""
    values: dict[str, float | int | str | None] = {"commit": str(found["commit"])}
    for name, table in tables_of(found).items():
        for arm, scores in table["arms"].items():
            for method, score in scores.items():
                for key in ("accuracy", "low", "high", "n", "unjudged"):
                    values[f"{name}/{arm}/{method}/{key}"] = score[key]
            values[f"{name}/{arm}/mean/accuracy"] = mean_accuracy(table, arm)
        for row in table["comparisons"]:
            for key in ("difference", "low", "high", "p", "p_holm"):
                values[f"{name}/{row['b']}_minus_{row['a']}/{row['method']}/{key}"] = row[key]
        for row in table["sampled"]:
            values[f"{name}/{row['arm']}/{row['method']}/{row['metric']}"] = row["value"]
    for arm, edges in found["counts"].items():
        for edge, tally in edges.items():
            values[f"examples/{arm}/{edge}"] = tally["examples"]
    values.update({f"seconds/{stage}": seconds for stage, seconds in found["seconds"].items()})
    return {name: value for name, value in values.items() if value is not None}


def round_rows(found: Mapping[str, Any]) -> list[dict[str, float]]:
    """Accuracy after each round: a row a round, a column an arm and method."""
    rows: dict[int, dict[str, float]] = {}
    for result in found["rounds"]:
        row = rows.setdefault(result["round"], {"round": result["round"]})
        row |= {
            f"rounds/{result['arm']}/{method}": score["accuracy"] for method, score in result["scores"].items() if score["n"]
        }
    return [rows[number] for number in sorted(rows)]


def difference_rows(found: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Every paired comparison, of every data set."""
    header = ["dataset", "a", "b", "method", "difference", "low", "high", "p", "p_holm", "n"]
    rows = [
        [name, *(row[key] for key in header[1:])] for name, table in tables_of(found).items() for row in table["comparisons"]
    ]
    return header, rows


def sample_rows(table: SampleTable) -> tuple[list[str], list[list[Any]]]:
    """Samples with their problems, and what a translation was made from."""
    names = {column: list(table.names[column]) for column in NAMED}
    columns = table.columns
    header = ["problem", "question", "gold", *NAMED, "round", "answer", "completion", "translated_from"]
    rows = []
    for i in range(len(table)):
        id, source = columns["problem"][i], columns["source"][i]
        named = [names[column][columns[column][i]] for column in NAMED]
        above = columns["completion"][source] if source >= 0 else ""
        rows.append(
            [id, *table.problems[id], *named, columns["round"][i], columns["answer"][i], columns["completion"][i], above]
        )
    return header, rows


class WandbTracker:
    """A run at Weights & Biases. While it is open, Lightning's `WandbLogger` logs its curves into the same run.

    Args:
        job: what it is named after.
        project: at W&B.
        entity: user or team; None: the default one.
        mode: `online`, `offline` (`wandb sync FOLDER/wandb/offline-*` sends it later) or `disabled`.
        timeout: seconds that an online run waits for W&B's answer before the job is refused.

    Raises:
        ConfigError: W&B cannot be reached, or refuses.
        MissingExtraError: wandb is not installed.
    """

    def __init__(
        self, job: TrackedJob, project: str, entity: str | None = None, mode: Any = "offline", timeout: float = 60
    ) -> None:
        if mode not in ("online", "offline", "disabled"):
            raise ConfigError(f"tracker.mode={mode} is not one of online, offline, disabled.")
        try:
            import wandb
        except ImportError as error:
            raise MissingExtraError("tracker=wandb", 'pip install -c constraints.txt -e ".[wandb]"') from error
        self._wandb = wandb
        self._begun = time.perf_counter()
        if os.environ.get("WANDB_DISABLED", "").lower() in ("true", "1", "yes"):
            log.warning("tracker=wandb: WANDB_DISABLED is not read; WANDB_MODE=disabled or tracker=none turns W&B off")
        of_agent = "WANDB_SWEEP_ID" in os.environ  # the agent of a W&B sweep has named the run already
        try:
            self._run = wandb.init(
                project=project, entity=entity, mode=mode, name=job.name, group=job.group or job.name, job_type=job.kind,
                tags=job.tags, notes=job.notes or None,
                id=None if of_agent else job.id, resume="allow", dir=str(job.folder), config=dict(job.config),
                settings=wandb.Settings(console="off", silent=True, init_timeout=timeout),
            )  # fmt: skip
        except wandb.Error as error:
            said = " ".join(str(error).split())[:300]
            raise ConfigError(
                f"tracker=wandb: W&B refused ({said}); tracker.mode=offline needs neither network nor key."
            ) from error

    def summary(self, values: Mapping[str, float | int | str]) -> None:
        """See `Tracker`."""
        self._run.summary.update(dict(values))

    def history(self, step: str, rows: Sequence[Mapping[str, float]]) -> None:
        """See `Tracker`."""
        self._run.define_metric(f"{step}s/*", step_metric=step)
        for row in rows:
            self._run.log(dict(row))

    def table(self, name: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """See `Tracker`."""
        self._run.log({name: self._wandb.Table(columns=list(header), data=[list(row) for row in rows])})

    def progress(self, values: Mapping[str, float]) -> None:
        """See `Tracker`."""
        self._run.define_metric("progress/*", step_metric="progress/seconds")
        self._run.log({**values, "progress/seconds": time.perf_counter() - self._begun})

    def page(self, name: str, html: str) -> None:
        """See `Tracker`."""
        self._run.log({name: self._wandb.Html(html, inject=False)})

    def files(self, name: str, kind: str, paths: Sequence[Path]) -> None:
        """See `Tracker`."""
        artifact = self._wandb.Artifact(f"{name}-{self._run.id}", type=kind)
        for path in paths:
            artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def close(self, failed: bool) -> None:
        """See `Tracker`."""
        self._run.finish(exit_code=int(failed))
