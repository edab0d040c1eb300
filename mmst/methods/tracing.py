"""Programs with the values that they computed beside their lines: what a reader of the program would have to work out.

    def solution():
        nuts = 3 * 4  # nuts = 12
        return nuts + 1  # 13

The values come from running the program in the sandbox (the idea of Parrot, arXiv 2510.25310, and of chains of thought that are
verified by execution).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mmst.methods.programs import parsed
from mmst.sandbox.result import Executor, Program, Status

SEEN = "_mmst_seen"
SOLUTION = "solution"
LONGEST_VALUE = 40
"""Characters of a value that are shown; longer ones say nothing to a reader."""
PRELUDE = f"""
{SEEN} = {{}}
def {SEEN}_note(line, value):
    {SEEN}[line] = repr(round(value, 9) if type(value) is float else value)
    return value
"""


def traced(programs: Sequence[str], executor: Executor) -> list[str]:
    """Each program with comments that give the last value of each assignment, and what it returns; as it is where it fails."""
    changed = [_instrumented(program) for program in programs]
    running = [n for n, code in enumerate(changed) if code is not None]
    asked = [Program(str(n), changed[n] or "", entry=_entry(programs[n])) for n in running]
    seen: dict[int, dict[int, str]] = {}
    for n, result in zip(running, executor.execute(asked) if asked else [], strict=True):
        if result.status is Status.OK:
            seen[n] = _values(result.value)
    return [_annotated(program, seen[n]) if seen.get(n) else program for n, program in enumerate(programs)]


def _entry(program: str) -> str:
    tree = parsed(program)
    calls = tree is not None and any(isinstance(node, ast.FunctionDef) and node.name == SOLUTION for node in tree.body)
    return f"({SOLUTION}(), {SEEN})[1]" if calls else SEEN


def _instrumented(program: str) -> str | None:
    """The program that notes its values; None where it is no Python."""
    tree = parsed(program)
    if tree is None:
        return None
    try:
        return PRELUDE + ast.unparse(ast.fix_missing_locations(_Noted().visit(tree)))
    except (ValueError, RecursionError, MemoryError):
        return None


class _Noted(ast.NodeTransformer):
    """Passes what is assigned to a name, and what is returned, through the note."""

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            node.value = _noted(node.value, node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        if node.value is not None and isinstance(node.target, ast.Name):
            node.value = _noted(node.value, node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AugAssign | list[ast.stmt]:
        if not isinstance(node.target, ast.Name):
            return node
        seen = _noted(ast.Name(node.target.id, ast.Load()), node)
        return [node, ast.Expr(seen)]

    def visit_Return(self, node: ast.Return) -> ast.Return:
        if node.value is not None:
            node.value = _noted(node.value, node)
        return node


def _noted(value: ast.expr, node: ast.stmt) -> ast.expr:
    return ast.Call(ast.Name(f"{SEEN}_note", ast.Load()), [ast.Constant(node.end_lineno), value], [])


def _values(text: str) -> dict[int, str]:
    """Line -> value, of what the program noted: text of a program that a model wrote, so nothing of it is believed."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {line: value for line, value in found.items() if isinstance(line, int) and isinstance(value, str) and _tells(value)}


def _tells(value: str) -> bool:
    """Whether a value says something in a line; objects without a text of their own differ from run to run."""
    return len(value) <= LONGEST_VALUE and "\n" not in value and " at 0x" not in value


def _annotated(program: str, seen: dict[int, str]) -> str:
    names = {}
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                names[node.end_lineno] = f"{target.id} = "
    lines = program.split("\n")
    for line, value in seen.items():
        if 1 <= line <= len(lines) and not lines[line - 1].endswith("\\"):
            lines[line - 1] += f"  # {names.get(line, '')}{value}"
    return "\n".join(lines)
