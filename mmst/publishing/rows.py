"""The data that a finished run made, as a data set of the Hub: Parquet with a card whose tables are those of `results.json`.

    FOLDER/ARM/train.parquet       what the arm was trained on: prompt, completion, edge, id, problem_id, round
           samples/train.parquet   each sample and translation of the training problems: verdict, who kept it, why not
           README.md               the card; `datasets.load_dataset` reads an arm, or `samples`, by its name

Answers to test problems are not in it: whoever trains on a data set of the Hub should not find them there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.ledger.files import atomic_write
from mmst.ledger.stage import Stage, done_stage
from mmst.methods.edge import BASE_ARM
from mmst.reporting.card import (
    TAGS,
    arms_of,
    count_rows,
    data_set_lines,
    difference_rows,
    head_of,
    origin_lines,
    score_rows,
)
from mmst.reporting.parquet import write_parquet
from mmst.reporting.results import TRAINED_ON
from mmst.reporting.runs import Run
from mmst.reporting.samples import fate_words, fates_of, sampled_stages, trained_arm
from mmst.types import Example, GradedSample, Problem, Sample

FILE = "train.parquet"
SAMPLES = "samples"
OTHER = "arm_samples"
"""The configuration of an arm that is called as that of all samples is."""


@dataclass(frozen=True, slots=True)
class TrainedRow:
    """An example that an arm was trained on."""

    id: str
    edge: str
    problem_id: str
    round: int
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class SampledRow(Sample):
    """A sample with its problem, its verdict and what became of it."""

    question: str = ""
    gold: str = ""
    edge: str = ""
    """The edge that it is a translation on; empty for samples."""
    model: str = ""
    """Who wrote it: `base`, or an arm."""
    round: int = 1
    answer: str | None = None
    verdict: str = ""
    reason: str = ""
    kept_by: tuple[str, ...] = ()
    """The arms that were trained on it in this round."""
    dropped: str = ""
    """Why it was left out; by which arms, where not by all."""


def write_rows(run: Run, folder: Path) -> Path:
    """Write what a run's arms were trained on, and every sample of its training problems; returns the folder.

    Raises:
        DataError: no arm was trained, or the ledger does not hold what one was trained on any more.
    """
    trained = trainings(run)
    for arm, sets in trained.items():
        write_parquet(folder / config_name(arm) / FILE, _trained_rows(sets), TrainedRow)
    write_parquet(folder / SAMPLES / FILE, _sampled_rows(run, trained), SampledRow)
    atomic_write(folder / "README.md", rows_card(run, list(trained)).encode())
    return folder


def trainings(run: Run) -> dict[str, list[tuple[int, Stage]]]:
    """Arm -> (round, stage of the examples) of each of its rounds, in order. Raises as `write_rows`."""
    wanted = [row["arm"] for row in run.found["rounds"] if row["round"]]
    if not wanted:
        raise DataError(f"push: {run.folder} trained nothing, so it has no data to push; leave data out of the parts.")
    stages = run_stages(run)
    sets = {str(stage.manifest()["settings"].get("rows")): stage for stage in stages if stage.name == "examples"}
    found: dict[str, list[tuple[int, Stage]]] = defaultdict(list)
    for manifest in (stage.manifest() for stage in stages if stage.name == "train"):
        number, arm = trained_arm(manifest)
        if examples := sets.get(str(manifest["settings"].get("examples"))):
            found[arm].append((number, examples))
    if lost := [arm for arm in wanted if len(found[arm]) < wanted.count(arm)]:
        raise DataError(
            f"push: the ledger {run.found['ledger']['root']} does not hold what the arm {lost[0]} was trained on any more; run "
            f"the command of {run.folder} again, which makes it anew, or leave data out of the parts."
        )
    return {arm: sorted(found[arm], key=lambda row: row[0]) for arm in dict.fromkeys(wanted)}


def run_stages(run: Run) -> list[Stage]:
    """The stages of a run that its ledger still has."""
    root = Path(run.found["ledger"]["root"])
    return [stage for name in run.found["ledger"]["stages"] if (stage := done_stage(root, name))]


def config_name(arm: str) -> str:
    """What an arm's rows are called in the data set."""
    return OTHER if arm == SAMPLES else arm


def _trained_rows(sets: Sequence[tuple[int, Stage]]) -> Iterator[dict[str, Any]]:
    for number, stage in sets:
        for row in stage.rows(Example):
            yield asdict(TrainedRow(row.id, row.edge, row.problem_id, number, row.prompt, row.completion))


def _sampled_rows(run: Run, trained: Mapping[str, Sequence[tuple[int, Stage]]]) -> Iterator[dict[str, Any]]:
    fates, arms = fates_of(run, 1.0)
    kept = _kept(trained)
    problems = {row.id: row for stage in run_stages(run) if stage.name == "problems" for row in stage.rows(Problem)}
    for found in sampled_stages(run, "", {BASE_ARM}):
        rows = found.stage.rows(GradedSample) if found.set == TRAINED_ON else ()
        for row in rows:
            problem, place = problems.get(row.sample.problem_id), (found.round, row.sample.id)
            yield {
                **asdict(row.sample),
                "question": problem.question if problem else "",
                "gold": problem.answer if problem else "",
                "edge": found.edge,
                "model": found.model,
                "round": found.round,
                "answer": row.answer,
                "verdict": row.verdict,
                "reason": row.reason,
                "kept_by": kept.get(place, []),
                "dropped": fate_words(fates.get(found.round, {}).get(row.sample.id, {}), arms.get(found.round, set())),
            }


def _kept(trained: Mapping[str, Sequence[tuple[int, Stage]]]) -> dict[tuple[int, str], list[str]]:
    """(round, a sample's id) -> the arms that were trained on it."""
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for arm, sets in trained.items():
        for number, stage in sets:
            for id in {row.id for row in stage.rows(Example)}:
                found[number, id].append(arm)
    return found


def rows_card(run: Run, arms: Sequence[str]) -> str:
    """The card of a run's data."""
    found = run.found
    config = found["config"]
    main = config.get("method", {}).get("name")
    main = main if main in arms else arms[-1]
    names = [*((config_name(arm), arm == main) for arm in arms), (SAMPLES, False)]
    head = {
        "configs": [
            {"config_name": name, **({"default": True} if first else {}), "data_files": f"{name}/{FILE}"}
            for name, first in names
        ],
        "tags": list(TAGS),
    }
    base, compared = config["model"]["name"], difference_rows(found)
    return "\n".join(
        [
            *head_of(head),
            f"# What {base} wrote and was trained on, of {', '.join(data_set_lines(config))}",
            "",
            "Made by multi-method self-training (arXiv 2307.10633) with mmst: a model's own right solutions, and its",
            "translations of them into other methods that kept their answer. `load_dataset(NAME, ARM)` reads what an arm was",
            f"trained on (ARM: {', '.join(f'`{arm}`' for arm in arms)}): `prompt`, `completion`, `edge`, `round`, `problem_id`",
            f"and the `id` of the sample. `load_dataset(NAME, '{SAMPLES}')` reads all samples and translations of the training",
            "problems: `verdict`, the arms that were trained on it (`kept_by`), and why others were not (`dropped`). Answers",
            "to test problems are not in it.",
            "",
            "## Kept and dropped, in the last round",
            *count_rows(found["counts"]),
            "",
            "## What training on it gave: percent right, with 95% intervals",
            *score_rows(found, arms_of(found)),
            "",
            *(["## Paired differences on the same problems, with 95% intervals", *compared, ""] if compared else []),
            "## How it was made",
            *origin_lines(found, run.folder),
            "",
        ]
    )
