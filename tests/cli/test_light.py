"""Commands that neither sample nor train import nothing that takes seconds."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "scipy", "matplotlib", "pandas", "datasets", "sklearn", "sympy", "lightning", "deepspeed"}


@pytest.mark.parametrize(
    "modules",
    [
        "mmst.cli.trace, mmst.reporting.trace",
        "mmst.cli.report, mmst.reporting.page, mmst.reporting.runs",
        "mmst.jobs.answer",
        "mmst.jobs.answer_by_server",
    ],
)
def test_what_a_command_imports_before_its_work_is_light(modules):
    code = f"import sys, {modules}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
