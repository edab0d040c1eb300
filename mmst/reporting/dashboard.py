"""A dashboard and a report at Weights & Biases as code: `python -m mmst.reporting.dashboard runs/sweep/main --entity TEAM`.

It shows what `tracker=wandb` told: accuracy of every arm by every method, rounds, learning curves, samples. Which arms and
methods there are is read from the runs' folder. `--spec` prints what would be sent, and needs neither network nor key.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmst.errors import ConfigError, MissingExtraError, UserError
from mmst.reporting.arms import data_sets
from mmst.reporting.headline import headline
from mmst.reporting.progress import say
from mmst.reporting.results import tables_of
from mmst.reporting.runs import Sweep, read_sweep

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2.interface import Report
    from wandb_workspaces.workspaces import Section, Workspace

CURVES = {
    "loss": "loss",
    "held-out loss": "held_out_loss",
    "gradient norm": "gradient_norm",
    "tokens a second": "tokens_per_second",
}
"""Titles and names of what trainings log, as in `train/multi/round1/loss`."""
REFUSED = ("So", "Sk", "Sm", "Sc", "Cs")
"""Kinds of characters, by Unicode, that W&B refuses in names: pictures, but `=` and `+` as well."""


def dashboard(sweep: Sweep, entity: str, project: str) -> Workspace:
    """The dashboard of a sweep's jobs, grouped by sweep.

    Raises:
        MissingExtraError: wandb-workspaces is not installed.
    """
    try:
        from wandb_workspaces import workspaces
    except ImportError as error:
        raise MissingExtraError("the dashboard", 'pip install -c constraints.txt -e ".[wandb]"') from error
    scored = dict.fromkeys(
        (name, arm, method)
        for run in sweep.runs
        for name, table in tables_of(run.found).items()
        for arm, scores in table["arms"].items()
        for method in scores
    )
    names = list(dict.fromkeys(name for name, _, _ in scored))
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=plain_name(f"mmst: {sweep.name}"),
        sections=[
            *(_scores(name, [(arm, method) for of, arm, method in scored if of == name]) for name in names),
            _rounds(
                list(dict.fromkeys((row["arm"], m) for run in sweep.runs for row in run.found["rounds"] for m in row["scores"]))
            ),
            _curves(),
            _tables(),
        ],
        runset_settings=workspaces.RunsetSettings(query=""),
    )


def plain_name(name: str) -> str:
    """A name without characters that W&B refuses."""
    return "".join("-" if unicodedata.category(char) in REFUSED else char for char in name)


def report(sweep: Sweep, entity: str, project: str) -> Report:
    """The sweep's question with its answer, and panels of the accuracies of its runs."""
    from wandb_workspaces.reports.v2.interface import H2, P, PanelGrid, Report, Runset

    names = data_sets(sweep)
    scored = {arm: list(scores) for run in sweep.runs for arm, scores in tables_of(run.found)[names[0]]["arms"].items()}
    pairs = [(arm, method) for arm, methods in scored.items() for method in methods]
    panels = PanelGrid(runsets=[Runset(entity=entity, project=project)], panels=_bars(names[0], pairs))
    blocks: Any = [*(P(sentence) for sentence in headline(sweep)), H2(f"Accuracy: {names[0]}"), panels]
    return Report(entity=entity, project=project, title=plain_name(sweep.question), description=sweep.name, blocks=blocks)


def _scores(name: str, scored: Sequence[tuple[str, str]]) -> Section:
    from wandb_workspaces.workspaces import Section

    return Section(name=f"Accuracy: {name}", panels=_bars(name, scored), is_open=True)


def _bars(name: str, scored: Sequence[tuple[str, str]]) -> list[Any]:
    """A panel a method, a bar an arm: means over the jobs of a group."""
    from wandb_workspaces.reports.v2.interface import BarPlot, SummaryMetric

    methods = list(dict.fromkeys(method for _, method in scored))
    return [
        BarPlot(
            title=f"{name}: {method}",
            metrics=[SummaryMetric(f"{name}/{arm}/{method}/accuracy") for arm, by in scored if by == method],
            groupby="Group", groupby_aggfunc="mean", groupby_rangefunc="stderr", range_x=(0, 1),
        )
        for method in methods
    ]  # fmt: skip


def _rounds(scored: Sequence[tuple[str, str]]) -> Section:
    """A panel a method, a line an arm."""
    from wandb_workspaces.reports.v2.interface import LinePlot
    from wandb_workspaces.workspaces import Section

    panels = [
        LinePlot(
            title=f"round by round: {method}", x="round", y=[f"rounds/{arm}/{method}" for arm, by in scored if by == method]
        )
        for method in dict.fromkeys(method for _, method in scored)
    ]
    return Section(name="Rounds", panels=list(panels), is_open=True)


def _curves() -> Section:
    from wandb_workspaces.reports.v2.interface import LinePlot
    from wandb_workspaces.workspaces import Section

    panels = [
        LinePlot(title=title, x="trainer/global_step", metric_regex=f"train/.*/{name}$") for title, name in CURVES.items()
    ]
    return Section(name="Trainings", panels=list(panels), is_open=True)


def _tables() -> Section:
    from wandb_workspaces.reports.v2.interface import RunComparer, WeavePanelSummaryTable
    from wandb_workspaces.workspaces import Section

    tables = [WeavePanelSummaryTable(table_name=name) for name in ("differences", "samples")]
    return Section(name="Samples, and what was run", panels=[*tables, RunComparer()], is_open=False)


def spec_of(workspace: Workspace) -> dict[str, Any]:
    """What is sent to W&B."""
    loaded: dict[str, Any] = json.loads(workspace._to_model().model_dump_json(by_alias=True, exclude_none=True))
    return loaded


def main() -> None:
    """Make the dashboard, or print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of a run (runs/train/NAME), or of a sweep (runs/sweep/NAME)")
    parser.add_argument("--entity", default="", help="user or team at W&B")
    parser.add_argument("--project", default="mmst")
    parser.add_argument("--spec", action="store_true", help="print it as JSON; send nothing")
    options = parser.parse_args()
    try:
        sweep = read_sweep(options.folder)
        made = dashboard(sweep, options.entity, options.project)
        if options.spec:
            say(json.dumps(spec_of(made), indent=1))
            return
        if not options.entity:
            raise ConfigError("dashboard: give the user or team by --entity.")
        _save(made)
        _save(report(sweep, options.entity, options.project))
    except UserError as error:
        sys.stderr.write(f"mmst: {error}\n")
        sys.exit(2)


def _save(made: Any) -> None:
    try:
        made.save()
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise ConfigError(f"dashboard: W&B refused ({said}); is `wandb login` done? --spec prints it without W&B.") from error


if __name__ == "__main__":
    main()
