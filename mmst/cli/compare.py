"""`mmst compare RUN A B`: a page on which a person judges two arms' solutions blindly; `--read KEY VERDICTS`: what it says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mmst.errors import DataError

COUNT = 40


def main(arguments: Sequence[str]) -> None:
    """Write the page and its key, or read verdicts back.

    Raises:
        DataError: there is nothing to compare, or the files do not belong together.
    """
    parser = argparse.ArgumentParser(prog="mmst compare", description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", help="the folder of a run, such as runs/train/default")
    parser.add_argument("arms", nargs="*", help="two of its arms, such as base multi")
    parser.add_argument("--method", default="text", help="whose solutions (default: text)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many pairs (default: {COUNT})")
    parser.add_argument("--seed", type=int, default=0, help="of the problems that are drawn, and of which solution is left")
    parser.add_argument("--both-right", action="store_true", help="only problems that both arms solve: how well, not whether")
    parser.add_argument("--out", type=Path, default=Path("compare.html"), help="the page; its key lies beside it, as .key.json")
    parser.add_argument("--read", type=Path, nargs=2, metavar=("KEY", "VERDICTS"), help="what a person's verdicts say")
    asked = parser.parse_args(arguments)
    if asked.read:
        _tell(*asked.read)
    elif asked.run is None or len(asked.arms) != 2 or asked.arms[0] == asked.arms[1] or asked.count < 1:
        raise DataError("compare: give a run's folder and two of its arms, as in `mmst compare runs/train/default base multi`.")
    else:
        _write(asked)


def _write(asked: argparse.Namespace) -> None:
    from mmst.ledger.files import atomic_write
    from mmst.reporting.blind import blind_page, key_of_pairs, pairs
    from mmst.reporting.progress import say
    from mmst.reporting.runs import read_sweep

    runs = read_sweep(asked.run).runs
    if len(runs) != 1:
        raise DataError(f"compare: {asked.run} holds {len(runs)} runs; give one of them.")
    a, b = asked.arms
    shown = pairs(runs[0], a, b, asked.method, asked.count, asked.seed, asked.both_right)
    key = asked.out.with_suffix(".key.json")
    atomic_write(asked.out, blind_page(shown).encode())
    atomic_write(key, json.dumps(key_of_pairs(shown, a, b), indent=1).encode())
    say(f"{len(shown)} pairs: {asked.out}; give the person this file alone, and keep {key}")
    say(f"afterwards: mmst compare --read {key} verdicts.json")


def _tell(key: Path, verdicts: Path) -> None:
    from mmst.reporting.blind import preference
    from mmst.reporting.progress import say

    found = preference(key, verdicts)
    n = found.better + found.worse
    share = f"{100 * found.share:.1f}% [{100 * found.low:.1f}, {100 * found.high:.1f}] of {n}" if n else "in none of 0"
    say(f"{found.b} was found better than {found.a} in {share} that are not equal; sign test p = {found.p:.2g}")
    say(f"equal: {found.equal}; not judged: {found.unanswered}; one person's verdicts, problems as the unit")
