"""Nothing but the zygote executes text."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mmst"
EXECUTES = {"exec", "eval", "compile", "__import__"}
ALLOWED = {"sandbox/zygote.py", "sandbox/program.py", "sandbox/judge.py"}
"""What runs in the confined processes alone."""


def test_only_confined_processes_execute_text():
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXECUTES:
                found.setdefault(str(path.relative_to(PACKAGE)), set()).add(node.func.id)
    assert set(found) == ALLOWED
    assert "exec" in found["sandbox/zygote.py"]


def test_only_the_sandbox_an_engine_trainings_mmst_from_python_and_a_question_to_git_start_processes():
    starting = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"Popen", "fork", "system", "spawnv", "execv", "run"}
        and isinstance(node.value, ast.Name) and node.value.id in {"subprocess", "os"}
    }  # fmt: skip
    assert starting == {
        "sandbox/host.py", "sandbox/probe.py", "sandbox/kernel.py", "sandbox/zygote.py", "samplers/vllm.py",
        "training/launch.py", "reporting/results.py", "api.py",
    }  # fmt: skip
