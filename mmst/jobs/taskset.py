"""A run's problems as a taskset of the library `verifiers`: one Python file, for trainers by reinforcement and for evaluations.

1. In: a finished run with its ledger, and one of its methods.
2. Each problem goes with the prompt that the run's model was asked it by: its messages, or, of few-shot text, that text as the
   one message of the user.
3. Out: a module that `verifiers.v1` loads. Replies are read, run and judged by `mmst.jobs.grader`, as the run's samples were.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import packages_distributions, version
from keyword import iskeyword
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from mmst.config.build import build
from mmst.config.groups import Node
from mmst.config.sentences import config_errors
from mmst.errors import DataError
from mmst.ledger.files import atomic_write
from mmst.methods.chat import ServedChat
from mmst.methods.method import Method
from mmst.methods.prompt import DEFAULT_EXEMPLARS, PromptWriter
from mmst.reporting.export import finished
from mmst.reporting.runs import Run, read_sweep
from mmst.reporting.samples import problems_of, sampled_stages
from mmst.stages.asked import asked_texts
from mmst.training.batches import common_length
from mmst.types import Problem

TEMPLATE = "taskset.py.j2"
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""Of a module that verifiers finds: it looks for small letters alone."""
IMPORTED = ("mmst", "verifiers")
"""By the module, of what need not be installed as a package here; what they import themselves is, or is not known."""
Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    counts: Mapping[str, int]
    """Split -> problems."""
    without_gold: int
    """Problems that were left out, since nothing could be judged against them."""


@dataclass(frozen=True, slots=True)
class _Asked:
    problem: Problem
    messages: Messages


def export_taskset(run: Path, method: str, target: Path, split: str | None = None) -> Exported:
    """Write the problems that a run asked a method for, all of its splits or one, as a module that verifiers loads.

    Raises:
        DataError: there is no such run, method or split; its ledger is gone; the file is there, or no module can be called so.
        ConfigError: the method's class cannot be imported here.
    """
    found = finished(run)
    nodes = found["config"].get("solvers") or {}
    if method not in nodes:
        raise DataError(f"export: {run} has no method '{method}'; it has {', '.join(nodes) or 'none that is written down'}.")
    _check_target(target)
    of_run = read_sweep(run).runs[0]
    texts = _prompts(of_run, method)
    if not texts:
        root = found["ledger"]["root"]
        raise DataError(
            f"export: the ledger {root} holds no prompts by {method} of {run}; run its command again, which fills it."
        )
    if split is not None and split not in texts:
        raise DataError(f"export: {run} asked nothing by {method} of the split '{split}'; it asked of {', '.join(texts)}.")
    asked, without_gold = _asked(of_run, nodes[method], texts if split is None else {split: texts[split]})
    if not any(asked.values()):
        raise DataError(f"export: none of the problems of {run} has a gold answer, so that no reply could be judged.")
    atomic_write(target, _written(of_run, method, target.stem, asked).encode())
    return Exported(target, {name: len(rows) for name, rows in asked.items()}, without_gold)


def _check_target(target: Path) -> None:
    name = target.stem
    if target.suffix != ".py" or not NAME.fullmatch(name) or iskeyword(name):
        raise DataError(
            f"export: {target.name} is no name for a module of verifiers; use small letters, digits and underscores, "
            "such as my_problems.py, and no word of Python's own."
        )
    if name in (*sys.stdlib_module_names, *IMPORTED, *packages_distributions()):
        raise DataError(
            f"export: {target.name} would hide the module {name}, of Python or of a library, from all that is imported beside "
            "it; give it a name that no module has, such as my_problems.py."
        )
    if target.exists():
        raise DataError(f"export: {target} is there already; name a file that is not, or remove it.")
    if not target.absolute().parent.is_dir():
        raise DataError(f"export: there is no folder {target.absolute().parent}; make it, or name another one.")


def _prompts(run: Run, method: str) -> dict[str, dict[str, str]]:
    """Split -> problem's id -> what was asked, as the ledger has it."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for stage in sampled_stages(run, "", frozenset()):
        if stage.method == method and not stage.edge and stage.prompts is not None:
            for asked in asked_texts(stage.prompts):
                found[stage.set].setdefault(asked.id.removesuffix(f"/{method}"), asked.text)
    return dict(found)


@config_errors
def _asked(run: Run, node: Node, texts: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, list[_Asked]], int]:
    """Split -> its problems with their prompts, in the order of the prompts; and how many have no gold answer."""
    how: Method = build(node, "solvers")
    wanted = {id for split in texts.values() for id in split}
    by_id = {problem.id: problem for problem in problems_of(run, wanted)}
    found = {
        name: [_Asked(problem, _messages(run, how, problem, text)) for id, text in split.items() if (problem := by_id.get(id))]
        for name, split in texts.items()
    }
    judged = {name: [row for row in rows if row.problem.has_gold] for name, rows in found.items()}
    return judged, sum(map(len, found.values())) - sum(map(len, judged.values()))


def _messages(run: Run, how: Method, problem: Problem, text: str) -> Messages:
    """What a chat server is sent for a prompt: its turns, where a chat template wrote it; else the text itself."""
    model, sampler = run.found["config"]["model"], run.found["config"].get("sampler") or {}
    served = sampler.get("api") == "chat" and model.get("chat")
    if not served and text.startswith(PromptWriter().solve(problem, how.format)):
        return [{"role": "user", "content": text}]
    turns = PromptWriter(ServedChat(model.get("system"))).solution(problem, how.format).messages
    return [asdict(turn) for turn in turns]


def _written(run: Run, method: str, name: str, asked: Mapping[str, Sequence[_Asked]]) -> str:
    """The module's text."""
    config = run.found["config"]
    heads: list[dict[str, Any]] = []
    rows = {split: list(_rows(found, heads)) for split, found in asked.items()}
    environment = Environment(
        loader=PackageLoader("mmst", "jobs"), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    environment.filters["literal"] = repr
    return environment.get_template(TEMPLATE).render(
        name=name,
        title="".join(part.capitalize() for part in name.split("_")),
        run=run.name,
        dataset=config["dataset"]["name"],
        version=version("mmst"),
        method=method,
        solver=_portable(config["solvers"][method]),
        judge=config.get("judge"),
        sandbox=config["sandbox"],
        heads=heads,
        rows=rows,
    )


def _rows(asked: Sequence[_Asked], heads: list[dict[str, Any]]) -> Iterable[tuple[int, str, dict[str, Any]]]:
    """(number of its head, the rest of its last message, the problem); what prompts begin with is written once, in `heads`."""
    groups: dict[str, list[_Asked]] = defaultdict(list)
    for row in asked:
        groups[repr((row.problem.kind, row.messages[:-1]))].append(row)
    number: dict[str, int] = {}
    for group, members in groups.items():
        lasts = [row.messages[-1]["content"] for row in members]
        shared = lasts[0][: common_length(lasts)] if len(lasts) > 1 else ""
        head = {"messages": members[0].messages[:-1], "begins": shared}
        if head not in heads:
            heads.append(head)
        number[group] = heads.index(head)
    for row in asked:
        of = number[repr((row.problem.kind, row.messages[:-1]))]
        yield of, row.messages[-1]["content"][len(heads[of]["begins"]) :], _plain(row.problem)


def _plain(problem: Problem) -> dict[str, Any]:
    """A problem without what is as by default, nor its rationale, which nobody is graded by."""
    plain: dict[str, Any] = msgspec.to_builtins(replace(problem, rationale=None))
    default: dict[str, Any] = msgspec.to_builtins(Problem("", "", ""))
    return {key: value for key, value in plain.items() if key in ("id", "question", "answer") or value != default[key]}


def _portable(node: Node) -> Node:
    """A method's node; of mmst's own without exemplars, which are in the prompts, and may lie on this machine alone."""
    if not str(node["_target_"]).startswith("mmst."):
        return node
    return {**node, "format": {**node["format"], "shots": 0, "exemplars": DEFAULT_EXEMPLARS}}
