"""A run's results as tables in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mmst.ledger.files import atomic_write
from mmst.reporting.costs import HEADER, cost_cells
from mmst.reporting.part import p_value
from mmst.reporting.policies import missing_sentences, policy_rows, policy_tables
from mmst.reporting.power import power_sentence
from mmst.reporting.progress import CONSOLE, labelled, say, wrapped
from mmst.reporting.results import tables_of
from mmst.reporting.screen import show_table

TABLES = "tables.txt"
FILE_WIDTH = 180
"""Columns of the tables in a file."""
METHOD_CELL, ARM_CELL = 16, 17
"""Columns that a row's name needs at least, which is folded between words, and those of `45.7 [42.8, 48.5]`."""


def print_results(found: Mapping[str, Any], title: str, main: bool = False) -> None:
    """What a job is run for: accuracy by method and arm, samples where there are several, and paired differences.

    The differences on further data sets are for `tables.txt`. main: accuracy on the first data set alone, as for a sweep's job.
    """
    for name, table in tables_of(found).items():
        first = name == found["dataset"]
        if main and not first:
            continue
        policies = policy_rows(found, name)
        for arms in _that_fit(table["arms"]):
            _show(accuracy_table(arms, title if first else f"{title}, {name}", policies))
        if sentence := gold_sentence(table, name):
            say(sentence)
        if first and not main:
            _show_differences(table)
        if table["sampled"] and not main:
            _show(sampled_table(table["sampled"], name), heads=2)
    for sentence in missing_sentences(found):
        say(sentence)


def _show_differences(table: Mapping[str, Any], console: Console | None = None, name: str | None = None) -> None:
    if rows := table["comparisons"]:
        _show(comparison_table(rows, name), console, heads=2)
        (console or CONSOLE).print(wrapped(power_sentence(rows), console or CONSOLE), markup=False, soft_wrap=True)


def gold_sentence(table: Mapping[str, Any], name: str) -> str:
    """What stands in for numbers where right answers are not known; empty where all are."""
    gold = table.get("gold", {"problems": 0, "known": 0})
    unknown = gold["problems"] - gold["known"]
    if not unknown:
        return ""
    rest = "so nothing here says how often a model is right." if not gold["known"] else "and no accuracy counts them."
    return f"{name}: {unknown} of {gold['problems']} problems have no gold answer, {rest}"


def more_tables(found: Mapping[str, Any]) -> list[Table]:
    """What explains the results: choices among methods, how methods hang together, and how the arms were made."""
    tables = list(policy_tables(found, list(tables_of(found))))
    tables += [pairs_table(table["pairs"], name) for name, table in tables_of(found).items() if table["pairs"]]
    filled = [made(found[name]) for name, made in MAKING.items() if found.get(name)]
    return tables + [table for table in filled if table.row_count]


def write_tables(found: Mapping[str, Any], folder: Path) -> Path | None:
    """`tables.txt` in a run's folder, with `more_tables`, as wide as they are; returns it, or None where there are none.

    Before them all paired differences, of which the screen shows those on the first data set, or none.
    """
    text = StringIO()
    console = Console(file=text, width=FILE_WIDTH, highlight=False)
    for name, table in tables_of(found).items():
        _show_differences(table, console, name)
    for more in more_tables(found):
        _show(more, console)
    if not text.getvalue():
        return None
    atomic_write(folder / TABLES, text.getvalue().lstrip("\n").encode())
    return folder / TABLES


def _that_fit(arms: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The arms in parts that are no wider than the screen, so that no cell is cut or folded."""
    names = list(arms)
    widths = [max(len(name), ARM_CELL) + 3 for name in names]
    room = max(CONSOLE.width - METHOD_CELL - 4, max(widths))
    part: list[str] = []
    for name, width in zip(names, widths, strict=True):
        if part and sum(max(len(other), ARM_CELL) + 3 for other in part) + width > room:
            yield {other: arms[other] for other in part}
            part = []
        part.append(name)
    yield {other: arms[other] for other in part}


def accuracy_table(
    arms: Mapping[str, Mapping[str, Mapping[str, Any]]],
    title: str,
    policies: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> Table:
    """Methods down, then policies, arms across: accuracy with its 95% interval."""
    first = next(iter(arms.values()))
    sizes = sorted({cell["n"] for scores in arms.values() for cell in scores.values()})
    unjudged = sum(cell["unjudged"] for scores in arms.values() for m, cell in scores.items() if m != "either")
    n = "-".join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))
    table = Table(title=f"{title} (% right [95% interval], n = {n}, unjudged {unjudged})")
    table.add_column("method")
    for arm in arms:
        table.add_column(arm, justify="right", no_wrap=True)
    for method in first:
        table.add_row(method, *(_cell(arms[arm][method]) for arm in arms))
    for policy, scores in (policies or {}).items():
        table.add_row(policy, *(_cell(scores[arm]) if arm in scores else "-" for arm in arms))
    return table


def comparison_table(comparisons: Sequence[Mapping[str, Any]], name: str | None = None) -> Table:
    """Paired differences in points. name: the data set's, where several stand together."""
    on = "on the same problems" if name is None else f"on the same problems of {name}"
    table = Table(title=f"paired differences {on} (points [95% interval], McNemar's exact p)", title_justify="left")
    for name in ("method", "arms", "difference", "p", "p (Holm)", "n"):
        table.add_column(name, justify="left" if name in ("method", "arms") else "right")
    for row in comparisons:
        difference = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
        table.add_row(
            row["method"], f"{row['b']} - {row['a']}", difference, p_value(row["p"]), p_value(row["p_holm"]), str(row["n"])
        )
    return table


def sampled_table(rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    """What several samples of a problem are worth: metrics down, arms across."""
    n = "-".join(map(str, dict.fromkeys(f([row["n"] for row in rows]) for f in (min, max))))
    table = Table(title=f"several samples a problem, {name} (% right [95% interval over problems], n = {n})")
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    for column in ("method", "metric", *arms):
        table.add_column(column, justify="right" if column in arms else "left")
    cells = {(row["arm"], row["method"], row["metric"]): row for row in rows}
    for method, metric in dict.fromkeys((row["method"], row["metric"]) for row in rows):
        found = [cells[arm, method, metric] for arm in arms]
        table.add_row(method, metric, *(_cell({**cell, "accuracy": cell["value"]}) for cell in found))
    return table


def pairs_table(rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    """How methods hang together: who is right where, phi, and how often they agree."""
    table = Table(title=f"methods on the same problems, {name} (greedy; phi below 0: they fail on different problems)")
    columns = ("both right", "only the first", "only the second", "neither", "phi [95%]", "% same answer", "% right then")
    for column in ("arm", "methods", *columns):
        table.add_column(column, justify="right" if column in columns else "left")
    for row in rows:
        cells = row["table"]
        counts = [str(cells[key]) for key in ("both", "only_a", "only_b", "neither")]
        shares = [f"{_cell(row[key])} of {row[key]['n']}" if row[key]["n"] else "-" for key in ("agree", "right_when_agree")]
        table.add_row(row["arm"], f"{row['a']}, {row['b']}", *counts, phi_text(cells), *shares)
    return table


def phi_text(cells: Mapping[str, Any]) -> str:
    """Phi with its interval."""
    return "-" if cells["phi"] is None else f"{cells['phi']:+.2f} [{cells['low']:+.2f}, {cells['high']:+.2f}]"


def counts_table(counts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """What became of the samples, by arm and edge."""
    table = Table(title="from samples to examples")
    columns = ("samples", "pseudo_labels", "translations", "verified", "examples")
    for name in ("arm", "edge", *columns, "dropped"):
        table.add_column(name.replace("_", "-"), justify="right" if name in columns else "left")
    for arm, edges in counts.items():
        for edge, tally in edges.items():
            dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(tally["dropped"].items()))
            if tally["wrong_steps"]:
                dropped += f"; kept with a wrong step: {tally['wrong_steps']}"
            table.add_row(arm, edge, *(str(tally[column]) if tally[column] else "-" for column in columns), dropped)
    return table


def costs_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What each arm's rounds cost."""
    table = Table(title="cost: completions, tokens, and floating-point operations")
    for name in ("arm", *HEADER):
        table.add_column(name, justify="left" if name == "arm" else "right")
    for row in rows:
        table.add_row(row["arm"], *cost_cells(row))
    return table


def labels_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How many problems have a label, how many labels are right, and how diverse the samples are that they come from."""
    table = Table(title="labels, and the samples they come from, by arm and round")
    for name in ("arm", "round", "method", "labelled", "right labels", "right samples", "bits a problem", "distinct"):
        table.add_column(name, justify="left" if name in ("arm", "method") else "right")
    for row in rows:
        table.add_row(
            row["arm"],
            str(row["round"]),
            row["method"],
            f"{row['labelled']} of {row['problems']}",
            f"{100 * row['right'] / row['known']:.1f}% of {row['known']}" if row["known"] else "-",
            "-" if row["samples_right"] is None else f"{100 * row['samples_right']:.1f}%",
            f"{row['samples_entropy']:.2f}",
            f"{100 * row['samples_distinct']:.0f}%",
        )
    return table


def reasons_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How often right answers have wrong reasons, of those whose reasons could be looked at."""
    table = Table(title="right answers with wrong reasons (% [95% interval] of n; docs/judging.md)")
    for name in ("arm", "round", "data set", "method", "looked at by", "wrong reasons", "n"):
        table.add_column(name, justify="right" if name in ("round", "wrong reasons", "n") else "left")
    for row in rows:
        if row["n"]:
            share = _cell({**row, "accuracy": row["rate"]})
            table.add_row(row["arm"], str(row["round"]), row["dataset"], row["method"], row["way"], share, str(row["n"]))
    return table


MAKING: dict[str, Callable[[Any], Table]] = {
    "counts": counts_table,
    "costs": costs_table,
    "labels": labels_table,
    "reasons": reasons_table,
}
"""Parts of the results that tell how the arms were made, and the tables that show them."""


def _show(table: Table, console: Console | None = None, heads: int = 1) -> None:
    """A table under its title, which rich would fold to the table's width."""
    title, table.title = table.title, None
    out = console or CONSOLE
    out.print("\n" + wrapped(str(title) if console else labelled(str(title)), out), markup=False, soft_wrap=True)
    show_table(table, out, heads)


def _cell(cell: Mapping[str, Any]) -> str:
    if cell["accuracy"] is None:
        return "none judged"
    return f"{100 * cell['accuracy']:.1f} [{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"
