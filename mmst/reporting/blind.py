"""Two arms' solutions side by side for a person who does not know whose is whose, and what the person's verdicts say.

1. In: a finished run, two of its arms and a method: the solutions of the last round, of problems drawn at random.
2. Out: a page that names no arm, with which solution is left drawn for each pair, and a key that says which was; the page's
   verdicts are downloaded as a file.
3. Back: verdicts and key as a share with its interval, and a sign test; ties are counted apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mmst.errors import DataError
from mmst.reporting.results import OUTCOMES
from mmst.reporting.runs import Run, damaged
from mmst.reporting.samples import problems_of
from mmst.statistics.intervals import accuracy_interval
from mmst.statistics.paired import mcnemar_p

LEFT, RIGHT, EQUAL = "left", "right", "equal"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two solutions of one problem, in the order in which they are shown."""

    id: str
    """Tells nothing of the arms."""
    problem: str
    question: str
    left: str
    right: str
    left_arm: str


@dataclass(frozen=True, slots=True)
class Preference:
    """How often a person found arm `b` better than arm `a`."""

    a: str
    b: str
    better: int
    """Pairs in which `b` was."""
    worse: int
    equal: int
    unanswered: int
    share: float
    """`better` of those that are not equal; 0.5 where there are none."""
    low: float
    high: float
    """Its 95% interval (Wilson)."""
    p: float
    """The sign test's, two-sided and exact; ties are left out."""


def pairs(run: Run, a: str, b: str, method: str, count: int, seed: int, both_right: bool) -> list[Pair]:
    """Solutions of the run's main data set that differ, of problems drawn at random; both_right: only where both are right.

    Raises:
        DataError: the run has no such arm or method, or no such pair.
    """
    rows = _completions(run, method)
    for arm in (a, b):
        if arm not in rows:
            raise DataError(f"compare: {run.folder} has no solutions of {arm} by {method}; there are {', '.join(rows)}.")
    known = [id for id in rows[a] if id in rows[b] and rows[a][id][0].strip() != rows[b][id][0].strip()]
    known = [id for id in known if not both_right or (rows[a][id][1] and rows[b][id][1])]
    drawn = sorted(known, key=lambda id: _drawn(seed, "order", id))[:count]
    if not drawn:
        raise DataError(f"compare: no problem has two different solutions of {a} and {b} by {method} to compare.")
    questions = {problem.id: problem.question for problem in problems_of(run, set(drawn))}
    return [_pair(id, questions.get(id, ""), {arm: rows[arm][id][0] for arm in (a, b)}, seed) for id in drawn]


def _pair(problem: str, question: str, solutions: Mapping[str, str], seed: int) -> Pair:
    first, second = sorted(solutions, key=lambda arm: _drawn(seed, arm, problem))
    return Pair(_drawn(seed, "pair", problem)[:12], problem, question, solutions[first], solutions[second], first)


def _drawn(seed: int, what: str, id: str) -> str:
    return hashlib.sha256(f"{seed}/{what}/{id}".encode()).hexdigest()


def _completions(run: Run, method: str) -> dict[str, dict[str, tuple[str, bool | None]]]:
    """Arm -> problem -> (completion, whether it is right), of each arm's last round."""
    place = run.folder / OUTCOMES
    try:
        rows = pyarrow.parquet.read_table(place).to_pylist()
        found: dict[str, dict[str, tuple[str, bool | None]]] = {}
        for row in sorted(rows, key=lambda row: row["round"]):
            if (row["dataset"], row["method"]) == (run.found["dataset"], method) and row.get("completion") is not None:
                found.setdefault(row["arm"], {})[row["problem"]] = (row["completion"], row["right"])
    except (pyarrow.ArrowException, KeyError, OSError) as error:
        raise damaged(place) from error
    return found


def blind_page(shown: Sequence[Pair]) -> str:
    """The page: it holds what a person sees, and no arm's name."""
    environment = Environment(
        loader=PackageLoader("mmst.reporting", "page"), undefined=StrictUndefined, autoescape=select_autoescape(["j2"])
    )
    files = resources.files("mmst.reporting") / "page"
    rows = [{"id": pair.id, "question": pair.question, "left": pair.left, "right": pair.right} for pair in shown]
    return environment.get_template("blind.html.j2").render(
        pairs=rows, style=(files / "page.css").read_text(), script=(files / "blind.js").read_text()
    )


def key_of_pairs(shown: Sequence[Pair], a: str, b: str) -> dict[str, Any]:
    """What the page leaves out: whose solution was left in each pair."""
    return {"a": a, "b": b, "pairs": [{key: asdict(pair)[key] for key in ("id", "problem", "left_arm")} for pair in shown]}


def preference(key: Path, verdicts: Path) -> Preference:
    """What a person's verdicts say, once it is known whose solutions they were.

    Raises:
        DataError: one of the files is not what the page or the command wrote, or they do not belong together.
    """
    told, chosen = _read(key, ("a", "b", "pairs")), _read(verdicts, ("verdicts",))["verdicts"]
    left = {pair["id"]: pair["left_arm"] for pair in told["pairs"]}
    if not isinstance(chosen, dict) or not set(chosen) <= set(left) or not set(chosen.values()) <= {LEFT, RIGHT, EQUAL}:
        raise DataError(f"compare: the verdicts in {verdicts} are not of the page that {key} belongs to.")
    decided = [(left[id] == told["b"]) == (side == LEFT) for id, side in chosen.items() if side != EQUAL]
    better, n = sum(decided), len(decided)
    low, high = accuracy_interval(better, n)
    p = mcnemar_p(better, n - better)  # the sign test
    share = better / n if n else 0.5
    ties = len(chosen) - n
    return Preference(told["a"], told["b"], better, n - better, ties, len(left) - len(chosen), share, low, high, p)


def _read(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"compare: {path} cannot be read as what this command or its page wrote.") from error
    if not isinstance(content, dict) or any(key not in content for key in keys):
        raise DataError(f"compare: {path} holds no {keys[-1]}; give the key first, then the file that the page saved.")
    return content
