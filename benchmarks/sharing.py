"""What jobs of a sweep save by sharing stages: eight arms from one base, as one sweep and as eight runs with a ledger each.

    python benchmarks/sharing.py

Both are the same jobs with the same numbers (checked), on nano at `size=small`. The
sweep runs between the first four and the last four of the separate runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ("self_text", "self_code", "self_both", "code_to_text", "text_to_code", "multi")
JOBS = (*([f"method={name}"] for name in RECIPES), ["method=multi", "filter.share=0.3"], ["method=multi", "filter.share=0.1"])


def seconds_of(folder: Path, ledger: str, *overrides: str) -> float:
    """Run train.py; how long it took."""
    fixed = ["arms=[]", "size=small", f"paths.ledger={folder / ledger}"]
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *overrides, *fixed], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def accuracies(folder: Path) -> list[str]:
    """What the jobs under a folder found, in no order."""
    return sorted(json.dumps(json.loads(path.read_text())["arms"], sort_keys=True) for path in folder.rglob("results.json"))


def main() -> None:
    """Run both, and print the ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone = [seconds_of(folder, f"ledger{n}", f"hydra.run.dir=alone/{n}", *job) for n, job in enumerate(JOBS[:4])]
        whole = seconds_of(folder, "ledger", "-m", "hydra.sweep.dir=sweep", f"method={','.join(RECIPES)}")
        whole += seconds_of(folder, "ledger", "-m", "hydra.sweep.dir=sweep", "method=multi", "filter.share=0.3,0.1")
        alone += [seconds_of(folder, f"ledger{n}", f"hydra.run.dir=alone/{n}", *job) for n, job in enumerate(JOBS[4:], 4)]
        if accuracies(folder / "sweep") != accuracies(folder / "alone"):
            raise SystemExit("the sweep and the separate runs found different numbers")
    print(f"{len(JOBS)} separate runs  {sum(alone):6.0f} s   ({', '.join(f'{s:.0f}' for s in alone)})")
    print(f"one sweep        {whole:6.0f} s   {whole / sum(alone):.0%} of them")


if __name__ == "__main__":
    main()
