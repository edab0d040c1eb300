"""Sections of the page that say what a gain is worth: choosing among methods, gains and losses by what the base had, costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmst.reporting import costs
from mmst.reporting.confidence import agreement_warning, confidence_table
from mmst.reporting.part import Part, Table, arm_label, p_value
from mmst.reporting.policies import HEADER, table_rows
from mmst.reporting.runs import Sweep
from mmst.statistics.flips import Had

WORDS = {
    Had.BOTH: "this and another",
    Had.ONLY_THIS: "only this",
    Had.ONLY_OTHER: "only another",
    Had.NEITHER: "none",
}
"""What the base had right, in the page's words."""
NEAR_FAR = ("arm", "seed", "method", "base had right", "change", "near", "far")


def policies_part(sweep: Sweep, dataset: str) -> Part | None:
    """What choosing is worth, in each arm of each run."""
    rows = [
        [arm_label(arm, sweep.variant(run)), str(run.seed), *cells]
        for run in sweep.runs
        for arm, *cells in table_rows(run.found, dataset)
    ]
    if not rows:
        return None
    about = (
        "One answer a problem, chosen among the methods' own. What a gain is worth shows beside it: an arm that gains by one "
        "method what choosing gains without any training has exchanged knowledge, and not added to it."
    )
    note = (
        "Tokens: completion tokens a problem, of all answers that the policy looks at; read: their prompts'. ECE: how far "
        "stated confidence and accuracy are apart. Points over the best single method by the training problems' verdicts, or "
        "(*) by this data set's own; McNemar's exact p with Holm's correction over the policies of an arm. Outside the domain "
        "that a model was trained on, agreement and confidence may mean nothing: see the rows of held-out problems."
    )
    tables = [Table([HEADER[0], "seed", *HEADER[1:]], rows, " ".join(filter(None, [note, agreement_warning(sweep)])))]
    calibration = confidence_table(sweep, dataset)
    return Part(f"Choosing among methods: {dataset}", about, [], [*tables, *([calibration] if calibration else [])])


def flips_part(sweep: Sweep, dataset: str) -> Part | None:
    """What each arm gained and lost, by what the base had right, and the contrasts of arms."""
    tables: dict[str, list[list[str]]] = {"arms": [], "contrasts": [], "near_far": []}
    for run in sweep.runs:
        found = run.found.get("flips", {}).get(dataset, {"arms": [], "contrasts": []})
        variant = sweep.variant(run)
        tables["arms"] += [[arm_label(row["arm"], variant), run.seed, *_flip_cells(row)] for row in found["arms"]]
        tables["contrasts"] += [
            [f"{row['b']} - {row['a']}" + (f" ({variant})" if variant else ""), run.seed, *_contrast_cells(row)]
            for row in found["contrasts"]
        ]
        tables["near_far"] += [
            [arm_label(row["arm"], variant), run.seed, *_near_far_cells(row)] for row in found.get("near_far", [])
        ]
    if not tables["arms"]:
        return None
    about = (
        "Of the problems that the base solved by this method, by another, or by none: how many the arm gained or lost. A "
        "method that learns from another gains where only the other was right; one that only practises, as much where none was."
    )
    note = "Wilson's 95% intervals; contrasts are paired on the same problems, p by McNemar's exact test, not corrected."
    near_far_note = (
        "Near: training problems whose translations were trained on. Far: those whose translations were withheld, drawn at "
        "random. Independent groups: Newcombe's interval, Fisher's exact p, not corrected."
    )
    near_far = [Table([*NEAR_FAR, "near - far [95%]", "p"], tables["near_far"], near_far_note)] if tables["near_far"] else []
    return Part(
        f"Gains and losses by what the base had right: {dataset}",
        about,
        [],
        [
            Table(["arm", "seed", "method", "base had right", "change", "% [95%]", "of n"], tables["arms"], note),
            Table(["arms", "seed", "method", "base had right", "change", "points [95%]", "p", "of n"], tables["contrasts"]),
            *near_far,
        ],
    )


def costs_part(sweep: Sweep) -> Part | None:
    """What each arm cost, in each run."""
    rows = [
        [arm_label(row["arm"], sweep.variant(run)), str(run.seed), *costs.cost_cells(row)]
        for run in sweep.runs
        for row in run.found.get("costs", [])
    ]
    if not rows:
        return None
    about = (
        "Arms differ in what they cost as well as in what they learn from: a gain is compared at equal tokens where the arm "
        "self_both_compute runs, and at equal data where multi_matched does."
    )
    note = (
        "Tokens sampled and translated: completions'. Labelled: training problems with a pseudo-label by some method; "
        "beside it, how many these are per 1,000 tokens sampled. Samples that arms share count for each. FLOPs: of "
        "training, and of sampling and translating as a third of it for each token read or written, without what shared "
        "prefixes save."
    )
    return Part("What each arm cost", about, [], [Table(["arm", "seed", *costs.HEADER], rows, note)])


def _flip_cells(row: Mapping[str, Any]) -> list[str]:
    had = Had(row["had"])
    share = f"{100 * row['share']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]" if row["n"] else ""
    return [row["method"], WORDS[had], "lost" if had.was_right else "gained", share, f"{row['flipped']:,} of {row['n']:,}"]


def _contrast_cells(row: Mapping[str, Any]) -> list[str]:
    had = Had(row["had"])
    points = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]" if row["n"] else ""
    p = p_value(row["p"]) if row["n"] else ""
    return [row["method"], WORDS[had], "lost" if had.was_right else "gained", points, p, f"{row['n']:,}"]


def _near_far_cells(row: Mapping[str, Any]) -> list[str]:
    had = Had(row["had"])
    counts = [f"{row[f'{where}_flipped']:,} of {row[f'{where}_n']:,}" for where in ("near", "far")]
    if not (row["near_n"] and row["far_n"]):
        return [row["method"], WORDS[had], "lost" if had.was_right else "gained", *counts, "", ""]
    points = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
    return [row["method"], WORDS[had], "lost" if had.was_right else "gained", *counts, points, p_value(row["p"])]
