"""What a table of paired differences could have shown, in a sentence; and what a difference to come would take, as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from rich.table import Table

from mmst.planning.power import Known, PowerRow, counted
from mmst.reporting.arms import MEAN
from mmst.reporting.part import arm_label
from mmst.reporting.results import tables_of
from mmst.reporting.runs import Sweep
from mmst.stages.evaluate import EITHER


def power_sentence(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """The smallest true difference that the rows would show with a chance of 80%, after Holm's correction of a single one."""
    seen = [row.get("visible") for row in comparisons]
    shown = [100 * value for value in seen if value is not None]
    if not shown:
        return "No difference could show in this table at 80% power: it has too few problems."
    least, most = f"{min(shown):.1f}", f"{max(shown):.1f}"
    points = least if least == most else f"{least} to {most}"
    sentence = (
        f"The smallest difference that this table could show: {points} points (80% power, p < 0.05 after Holm's correction)."
    )
    return sentence + (" In some rows none could: they have too few problems." if None in seen else "")


def known_differences(sweep: Sweep, dataset: str) -> list[Known]:
    """What runs tell of each pair of their arms on a data set, all seeds together; and of the mean of the methods.

    Runs of earlier versions did not count the problems that tell two arms apart, and tell nothing.
    """
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for run in sweep.runs:
        table = tables_of(run.found).get(dataset, {})
        for row in table.get("comparisons", []):
            if row["n"] and "discordant" in row:
                rows[arm_label(f"{row['b']} - {row['a']}", sweep.variant(run)), row["method"]].append(row)
    found = []
    for (arms, method), of_pair in rows.items():
        known = [row["difference"] for row in of_pair]
        tables = [(row["discordant"], row["n"]) for row in of_pair]
        found.append(counted(arms, method, tables, _spread(known), len(known)))
    return [*found, *_means(rows)]


def _means(rows: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]) -> list[Known]:
    """The mean over methods of each pair: what the headline of a sweep is about."""
    found = []
    for arms in dict.fromkeys(arms for arms, _ in rows):
        single = [of_pair for (name, method), of_pair in rows.items() if name == arms and method != EITHER]
        if len(single) > 1 and len({len(of_pair) for of_pair in single}) == 1:
            by_seed = [fmean(row["difference"] for row in of_seed) for of_seed in zip(*single, strict=True)]
            if (spread := _spread(by_seed)) is not None:
                found.append(Known(arms, MEAN, None, None, spread, len(by_seed)))
    return found


def _spread(by_seed: Sequence[float]) -> float | None:
    """Over seeds; None where there are fewer than two, or they are equal to the digit and tell nothing."""
    return stdev(by_seed) if len(set(by_seed)) > 1 else None


COLUMNS = ("method", "arms", "discordant", "problems", "of {m}", "power now", "smallest now", "spread", "seeds")


def power_table(rows: Sequence[PowerRow], comparisons: int) -> Table:
    """What a difference takes, a line for each pair of arms and method."""
    table = Table()
    for place, name in enumerate(COLUMNS):
        table.add_column(name.format(m=comparisons), justify="left" if place < 2 else "right", no_wrap=place != 1)
    for row in rows:
        table.add_row(row.known.method, row.known.arms, *_cells(row))
    return table


def power_notes(difference: float, comparisons: int) -> list[str]:
    """What the table's columns are. difference: in points."""
    return [
        f"problems: judged ones that show {difference:g} points with a chance of 80% at p < 0.05 (McNemar's exact test) in one "
        f"comparison, to the upper end of what is known of the discordance; of {comparisons}: the same after Holm's correction "
        f"in a table of {comparisons} comparisons; now: in that table, with the problems that there are",
        "seeds: runs whose mean difference shows it (Student's t), by the spread over the seeds that have run, which few seeds "
        "tell only roughly; >=: by what problems of its own add to each seed's spread, since that of trainings is not known",
    ]


def _cells(row: PowerRow) -> list[str]:
    known = row.known
    seeds = "-" if row.seeds is None else f"{'>= ' if row.at_least else ''}{row.seeds:,}"
    spread = "" if known.spread is None else f"{100 * known.spread:.1f} ({known.seeds})"
    if known.discordant is None:
        return ["", "", "", "", "", spread, seeds]
    problems = _count(row.problems) + (f" to {_count(row.problems_high)}" if known.high is not None else "")
    visible = "none" if row.visible is None else f"{100 * row.visible:.1f}"
    power = f"{100 * (row.power or 0):.0f}%"
    return [f"{100 * known.discordant:.1f}%", problems, _count(row.problems_in_table), power, visible, spread, seeds]


def _count(problems: int | None) -> str:
    return "-" if problems is None else f"{problems:,}"
