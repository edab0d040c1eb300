"""What a GRPO prints: how far it is, its arms beside the run's, what the table could have shown, and the methods' shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grpo_run import MEAN
from grpo_tally import Tally
from rich.table import Table

from mmst.reporting.part import p_value
from mmst.reporting.power import power_sentence
from mmst.reporting.progress import say
from mmst.reporting.screen import show_table


def progress_line(tally: Tally, name: str, seconds: float) -> str:
    """How far a training is, and what its last steps were like."""
    right, shares = tally.right(), ", ".join(f"{name} {share:.0%}" for name, share in tally.shares().items())
    left = seconds / max(1, tally.tokens) * max(0, tally.budget - tally.tokens)
    judged = "nothing judged" if right is None else f"{right:.0%} right"
    return (
        f"{name}: step {len(tally.steps)}, {tally.tokens:,} of {tally.budget:,} tokens, {judged}; of the completions "
        f"{shares}; {seconds:.0f} s, about {left:.0f} s left"
    )


def show(found: Mapping[str, Any]) -> None:
    """Print the tables, what their differences could have shown, and what became of the shares. found: as it is written."""
    show_table(accuracy_table(found["scores"], found["title"]))
    rows = found["differences"]
    show_table(difference_table(sorted(rows, key=lambda row: (row["b"], row["a"]))), heads=2)
    say(power_sentence([row for row in rows if row["method"] != MEAN]))
    for name, own in found["chosen"].items():
        say(chosen_line(name, own))
    for name, row in found["settings"].items():
        say(shares_line(name, row))


def accuracy_table(scores: Mapping[str, Mapping[str, Mapping[str, Any]]], title: str) -> Table:
    """Arms down, methods across."""
    columns = next(iter(scores.values()))
    table = Table(title=f"{title} (% right [95% interval], n = {columns[MEAN]['n']})")
    for name in ("arm", *columns):
        table.add_column(name, justify="left" if name == "arm" else "right", no_wrap=True)
    for arm, row in scores.items():
        cells = (row[name] for name in columns)
        table.add_row(arm, *(f"{100 * c['accuracy']:.1f} [{100 * c['low']:.1f}, {100 * c['high']:.1f}]" for c in cells))
    return table


def difference_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Paired differences in points, on the same problems."""
    table = Table(title="paired differences on the same problems (points [95% interval])", title_justify="left")
    for name in ("arms", "method", "difference", "p (Holm)", "n"):
        table.add_column(name, justify="left" if name in ("arms", "method") else "right", no_wrap=True)
    for row in rows:
        cell = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
        table.add_row(f"{row['b']} - {row['a']}", row["method"], cell, p_value(row.get("p_holm")), str(row["n"]))
    return table


def chosen_line(name: str, own: Mapping[str, Any]) -> str:
    """How often each problem is solved by the method that a policy finds likeliest, before and after training."""
    texts = [
        f"{arm} {100 * score['accuracy']:.1f}% ({', '.join(f'{n:,} by {method}' for method, n in own['picks'][arm].items())})"
        for arm, score in own["scores"].items()
    ]
    gap = own["difference"]
    interval = f"{100 * gap['difference']:+.1f} [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]"
    return f"{name}, each problem by the method that the policy would choose: {', '.join(texts)}; {interval}, n = {gap['n']}"


def shares_line(name: str, row: Mapping[str, Any]) -> str:
    """What a setting spent, and what became of the methods' shares."""
    spent = f"{name}: {len(row['steps'])} steps, {row['tokens']:,} tokens of {row['budget']:,}, {row['seconds']:.0f} s"
    if "start" not in row:
        return spent
    names = list(row["start"]["shares"])
    last = row["steps"][-row["window"] :]
    whole = sum(cell["completions"] for step in last for cell in step["methods"].values())
    ended = {name: sum(step["methods"][name]["completions"] for step in last) / max(1, whole) for name in names}
    moved = ", ".join(f"{name} {row['start']['shares'][name]:.1%} -> {ended[name]:.1%}" for name in names)
    heard = " ".join(f"{alarm['method']} at step {alarm['step']}." for alarm in row["alarms"]) or "none."
    return (
        f"{spent}; shares, before training -> in the last {len(last)} steps: {moved} (the base writes a cue by itself with a "
        f"probability of {row['start']['mass']:.1g}); alarms: {heard}"
    )
