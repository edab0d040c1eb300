"""`benchmarks/gpu.py`, as far as a machine without a GPU goes."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

FOUND = {
    "generate": {"rate": 100.0, "peak": 2**30},
    "hf": {"rate": 250.0, "peak": 2**31},
    "vllm": {"why": "vllm is not installed"},
    "padded": {"rate": 10.0, "loss": 1.5, "peak": 2**30},
    "packed-sdpa": {"rate": 30.0, "loss": 1.25, "peak": 2**31},
    "resume": {"difference": 0.0},
    "plan": {"planned": 2**31 * 1.1},
}


@pytest.fixture(scope="module")
def gpu():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import gpu
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return gpu


def test_the_table_of_a_card_has_ratios_within_sampling_and_within_training(gpu):
    rows = [line.strip("| ").split(" | ") for line in gpu.table(FOUND).splitlines()[2:]]
    assert [row[0] for row in rows] == list(FOUND)
    assert rows[1][1:3] == ["250", "2.50"]
    assert rows[4][1:5] == ["30", "3.00", "1.2500", "2.00 GB"]
    assert rows[2][-1] == "vllm is not installed"
    assert rows[5][-1] == "equal to the bit"
    assert rows[6][-1] == "2.20 GB planned, 1.10 of what packed-sdpa took"


@pytest.mark.parametrize("part", ["packed-flash", "trl-packed", "deepspeed", "vllm"])
def test_what_no_cpu_runs_is_left_out_with_its_reason(gpu, part):
    with pytest.raises(gpu.CannotRunError, match="GPU"):
        gpu.check(part, "cpu")


def test_a_part_that_takes_too_long_is_a_line_and_not_the_end(gpu):
    assert gpu.in_process("plan", ["--device", "cpu", "--tiny"], 0.001) == {"why": "stopped after 0 s"}


def test_a_part_that_fails_is_a_line_and_marks_the_whole(gpu, monkeypatch):
    ended = subprocess.CompletedProcess([], 1, "", "Traceback\nRuntimeError: no kernel for this card\n")
    monkeypatch.setattr(gpu.subprocess, "run", lambda *given, **how: ended)
    assert gpu.in_process("hf", [], 60) == {"why": "RuntimeError: no kernel for this card", "failed": True}


@pytest.mark.soak
def test_every_part_that_a_cpu_can_run_runs():
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = {name: json.loads(row) for name, row in (line.split(": ", 1) for line in done.stderr.splitlines() if ": {" in line)}
    ran = {name for name, row in found.items() if "why" not in row}
    assert ran >= {"generate", "hf", "padded", "bucketed", "packed-sdpa", "fsdp2", "resume", "plan"}
    assert found["resume"] == {"difference": 0.0}
