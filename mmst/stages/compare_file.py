"""Where judges differ on a file of completions: `python -m mmst.answers compare IN.jsonl`.

In:  as for `python -m mmst.answers` (see `mmst.stages.grade_file`).
Out: for each judge how many rows it finds right, and every row that mmst judges and on which one differs: its number,
     the verdicts, the gold answer, what mmst read, and the end of the completion.

The judges beside mmst: math-verify on the whole completion, in the sandbox; lm-evaluation-harness's two filters of GSM8K
(`strict-match`, `flexible-extract`), by its own classes and its own task file, where it is installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmst.errors import UserError
from mmst.sandbox.expressions import math_verify
from mmst.sandbox.pool import SandboxPool
from mmst.stages.grade_file import Row, graded, read_rows, refuse

HARNESS = "lm_eval"
FILTERS = ("strict-match", "flexible-extract")
MARKS = {True: "right", False: "wrong", None: "unjudged"}
TAIL = 100
"""Characters of a completion's end that are shown."""
LONGEST = 20_000

Verdicts = list[bool | None]


def main(arguments: Sequence[str]) -> None:
    """Parse the command line and compare."""
    parser = argparse.ArgumentParser(
        prog="mmst answers compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", type=Path)
    try:
        rows = read_rows(parser.parse_args(arguments).input)
        sys.stdout.write(report(rows) + "\n")
    except (UserError, OSError) as error:
        refuse(error)


def report(rows: Sequence[Row]) -> str:
    """The judges' counts, and the rows on which one differs from mmst."""
    ours = list(graded(rows))
    verdicts: dict[str, Verdicts] = {"mmst": [_right(str(row["verdict"])) for row in ours]}
    with SandboxPool() as executor:
        verdicts["math-verify"] = math_verify([(row.gold, row.completion[-LONGEST:]) for row in rows], executor)
    verdicts.update(_harness(rows))
    lines = [_counts(name, found, verdicts["mmst"]) for name, found in verdicts.items()]
    for n, row in enumerate(rows):
        said = {name: MARKS[found[n]] for name, found in verdicts.items()}
        if len(set(said.values())) > 1 and verdicts["mmst"][n] is not None:
            words = ", ".join(f"{name} {word}" for name, word in said.items())
            lines.append(f"row {n + 1}: {words}; gold {row.gold!r}, read {ours[n]['answer']!r}: {row.completion[-TAIL:]!r}")
    if find_spec(HARNESS) is None:
        lines.append("lm-evaluation-harness is not installed: its filters are left out.")
    return "\n".join(lines)


def _counts(name: str, found: Verdicts, ours: Verdicts) -> str:
    differ = sum(a != b for a, b in zip(found, ours, strict=True) if b is not None)
    return f"{name}: {found.count(True)} of {len(found)} right, {found.count(None)} unjudged, {differ} otherwise than mmst"


def _right(verdict: str) -> bool | None:
    return None if verdict == "unjudged" else verdict == "right"


def _harness(rows: Sequence[Row]) -> Mapping[str, Verdicts]:
    """What each filter of lm-evaluation-harness's GSM8K finds right; nothing where it is not installed."""
    if find_spec(HARNESS) is None:
        return {}
    import lm_eval
    import yaml

    task = yaml.safe_load((Path(lm_eval.__file__).parent / "tasks" / "gsm8k" / "gsm8k.yaml").read_text())
    return {name: [_harness_right(task, name, row) for row in rows] for name in FILTERS}


def _harness_right(task: Any, name: str, row: Row) -> bool:
    from lm_eval.api.metrics import exact_match_hf_evaluate
    from lm_eval.filters.extraction import RegexFilter

    completion = row.completion
    for stop in task["generation_kwargs"]["until"]:
        completion = completion.split(stop)[0]
    (steps,) = [group["filter"] for group in task["filter_list"] if group["name"] == name]
    options = {key: value for key, value in steps[0].items() if key != "function"}
    ((found,),) = RegexFilter(**options).apply([[completion]], [{}])
    (metric,) = task["metric_list"]
    keys = ("regexes_to_ignore", "ignore_case", "ignore_punctuation")
    said = exact_match_hf_evaluate([found], [f"#### {row.gold}"], **{key: metric[key] for key in keys})
    return bool(said["exact_match"])


if __name__ == "__main__":
    main(sys.argv[2:])
