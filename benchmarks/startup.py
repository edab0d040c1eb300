"""What a help text, a mistake and a TAB cost: CPU seconds of whole processes, beside an import of Hydra and one of torch."""

import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
COMMANDS = {
    "--help": ["train.py", "--help"],
    "--cfg job": ["train.py", "--cfg", "job"],
    "a typo": ["train.py", "methd=multi"],
    "a bad value": ["train.py", "rounds=0"],
    "TAB": ["train.py", "-sc", "query=bash"],
    "import hydra": ["-c", "import hydra"],
    "import torch": ["-c", "import torch"],
}


def cpu_seconds(arguments: list[str]) -> float:
    """Of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "COMP_LINE": "python train.py method=co"}
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    torch = sorted(cpu_seconds(COMMANDS["import torch"]) for _ in range(RUNS))[RUNS // 2]
    for name, arguments in COMMANDS.items():
        seconds = sorted(cpu_seconds(arguments) for _ in range(RUNS))
        middle = seconds[RUNS // 2]
        print(f"{name:14} {seconds[0]:5.2f} {middle:5.2f} {seconds[-1]:5.2f} s   {middle / torch:4.2f} of torch's import")
