"""What the data stages cost by themselves: rows a second through chunks, grading and ledger, by an engine that only copies.

    python benchmarks/pipeline.py --rows 100000

The peer, in the same run, is the least that any such pipeline does: encode the same rows as JSON and write them to one file.
Memory is printed along the way: it must not grow with the rows.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mmst.datasets.arithmetic.world import draw_problems
from mmst.ledger.ledger import Ledger
from mmst.ledger.progress import SilentTask
from mmst.methods.prompt import PromptWriter
from mmst.nano.__main__ import bare_methods
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.training.checkpoint import nano_checkpoint

SAMPLES = 4
ANSWER = " The total is 3 * 4 = 12. The answer is 12."


def megabytes() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Watch(SilentTask):
    """Looks at the memory at each quarter of the rows."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
        self.seen: list[float] = []

    def note(self, text: str) -> None:
        """Called after each chunk."""
        if self.done * 4 // self.total > len(self.seen):
            self.seen.append(megabytes())


class Progress:
    """Gives its task away."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Any]:
        """See `mmst.ledger.progress.Progress`."""
        self.latest = Watch(total)
        yield self.latest


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    problems = ProblemSet("train", draw_problems("train", rows // SAMPLES, 0))
    progress = Progress()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder), progress)
        sampler = ScriptedSampler(lambda prompt, seed: ANSWER)
        pipeline = Pipeline(ledger, bare_methods(), PromptWriter(), sampler, SimpleNamespace(settings={}), 0, 500)  # type: ignore[arg-type]
        begun = time.perf_counter()
        graded = pipeline.graded(Checkpoint(nano_checkpoint()), "text", problems, SamplingParams(0.7), 1, SAMPLES)
        seconds = time.perf_counter() - begun
        begun = time.perf_counter()
        count = sum(1 for _ in graded)
        reading = time.perf_counter() - begun
        after = megabytes()
        listed = [asdict(row) for row in graded]
        begun = time.perf_counter()
        with (Path(folder) / "peer.jsonl").open("w") as file:
            for row in listed:
                file.write(json.dumps(row) + "\n")
        least = time.perf_counter() - begun
    print(f"{count} rows: {count / seconds:,.0f} rows/s sampled, graded and written; {count / reading:,.0f} rows/s read again")
    print(
        f"json.dumps of the graded rows alone: {count / least:,.0f} rows/s; the whole takes {seconds / least:.1f} times as long"
    )
    print(
        f"memory at each quarter: {', '.join(f'{mb:.0f}' for mb in progress.latest.seen)} MB; after reading all: {after:.0f} MB"
    )


if __name__ == "__main__":
    main()
