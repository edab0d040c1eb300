"""How fast numeric answers are read and judged, as a ratio against `math-verify` in the same run, on one core.

    python benchmarks/answers.py --rows 20000

Rows are solutions of the embedded world in words, half of them with a wrong final number, written in the ways that models write
numbers. Both judge the same rows, and those on which they differ are printed. `math-verify` gets a part of the rows, since all
would take it long. Needs math-verify (`make .venv/bench`).
"""

from __future__ import annotations

import argparse
import logging
import random
import time
from collections.abc import Callable, Sequence

from mmst.answers.equality import verdict_of
from mmst.answers.reading import stated_answer
from mmst.datasets.arithmetic.world import draw_problems
from mmst.nano.__main__ import bare_methods
from mmst.types import Problem, Verdict

WAYS = (
    "The answer is {}.",
    "The answer is {}.0.",
    "Answer: {}",
    "#### {}",
    "So the final answer is \\boxed{{{}}}.",
    "The answer is ${}.",
)


def rows(count: int) -> list[tuple[str, Problem]]:
    """Completions with their problems."""
    rng = random.Random(0)
    text = bare_methods()["text"]
    made = []
    for problem in draw_problems("train", count, 0):
        body = text.render(problem.derivation).rsplit(" The answer is", 1)[0]
        stated = problem.answer if rng.random() < 0.5 else str(int(problem.answer) + rng.randint(1, 9))
        made.append((f"{body} {rng.choice(WAYS).format(stated)}", problem))
    return made


def ours(made: Sequence[tuple[str, Problem]]) -> list[bool]:
    """Verdicts by this project."""
    return [verdict_of(stated_answer(text)[0], problem)[0] is Verdict.RIGHT for text, problem in made]


def theirs(made: Sequence[tuple[str, Problem]]) -> list[bool]:
    """Verdicts by math-verify, without its timers."""
    from math_verify import parse, verify

    return [
        bool(verify(parse(problem.answer, parsing_timeout=None), parse(text, parsing_timeout=None), timeout_seconds=None))
        for text, problem in made
    ]


def timed(
    judge: Callable[[Sequence[tuple[str, Problem]]], list[bool]], made: Sequence[tuple[str, Problem]]
) -> tuple[list[bool], float]:
    """Verdicts, and rows a second."""
    judge(made[:50])
    begun = time.perf_counter()
    verdicts = judge(made)
    return verdicts, len(made) / (time.perf_counter() - begun)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--peer-rows", type=int, default=2_000)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    made = rows(options.rows)
    verdicts, rate = timed(ours, made)
    peer, peer_rate = timed(theirs, made[: options.peer_rows])
    print(f"ours {rate:,.0f} completions/s, math-verify {peer_rate:,.0f}: ratio {rate / peer_rate:.0f}")
    differing = [n for n, (a, b) in enumerate(zip(verdicts, peer, strict=False)) if a != b]
    print(f"{len(differing)} of {len(peer)} verdicts differ")
    for n in differing[:10]:
        print(f"  {made[n][0][-60:]!r}, gold {made[n][1].answer}: ours {verdicts[n]}, math-verify {peer[n]}")


if __name__ == "__main__":
    main()
