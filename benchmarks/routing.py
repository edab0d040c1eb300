"""How fast the router is: fit to 100,000 questions and applied to as many, in seconds.

    python benchmarks/routing.py            # the embedded world's questions; QUESTIONS=20000 for fewer

Target: under 10 s on one core. Words of real data sets are more, so random ones are timed as well: 45 a question of 30,000.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import numpy as np

from mmst.datasets.arithmetic.world import draw_problems
from mmst.policies.case import Experience
from mmst.policies.router import Router

QUESTIONS = int(os.environ.get("QUESTIONS", "100000"))
SAMPLES = 4


def main() -> None:
    """Print seconds of the process and of the wall, by kind of question."""
    generator = np.random.default_rng(0)
    drawn = [problem.question for problem in draw_problems("train", min(QUESTIONS, 10_000), 0)]
    words = ["".join(chr(97 + (n // 26**place) % 26) for place in range(4)) for n in range(30_000)]
    places = np.minimum(generator.zipf(1.3, size=(QUESTIONS, 45)), len(words)) - 1
    timed("embedded world", [drawn[n % len(drawn)] for n in range(QUESTIONS)], generator)
    timed("random words", [" ".join(words[n] for n in row) for row in places], generator)


def timed(kind: str, questions: Sequence[str], generator: np.random.Generator) -> None:
    """One line: a method is right more often where the question's length is even."""
    even = np.array([len(question) % 2 for question in questions])
    right = {"text": generator.binomial(SAMPLES, 0.2 + 0.5 * even), "code": generator.binomial(SAMPLES, 0.8 - 0.5 * even)}
    judged = {method: [SAMPLES] * len(questions) for method in right}
    experience = Experience("benchmark", questions, {method: counts.tolist() for method, counts in right.items()}, judged)
    start, wall = time.process_time(), time.perf_counter()
    model = Router().fit(experience)
    fitted = time.process_time()
    model.chances(questions)
    done = time.process_time()
    print(
        f"{kind}: {len(questions):,} questions, {len(model.vocabulary):,} words; fit {fitted - start:.1f} s, "
        f"apply {done - fitted:.1f} s of one core; {time.perf_counter() - wall:.1f} s in all on the wall"
    )


if __name__ == "__main__":
    main()
