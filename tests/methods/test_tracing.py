import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.methods.tracing import traced

NESTED = """def solution():
    total = 0
    for price in [3, 4]:
        total += price * 2
    half: float = total / 4
    names = ["a", "b"]
    return half"""


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "def solution():\n    nuts = 3 * 4\n    return nuts + 1",
            "def solution():\n    nuts = 3 * 4  # nuts = 12\n    return nuts + 1  # 13",
        ),
        ("answer = 7 - 2", "answer = 7 - 2  # answer = 5"),
        (
            "def solution():\n    x = 0.1 + 0.2\n    return x",
            "def solution():\n    x = 0.1 + 0.2  # x = 0.3\n    return x  # 0.3",
        ),
        (
            NESTED,
            NESTED.replace("total = 0", "total = 0  # total = 0")
            .replace("* 2", "* 2  # total = 14")
            .replace("/ 4", "/ 4  # half = 3.5")
            .replace('"b"]', "\"b\"]  # names = ['a', 'b']")
            .replace("return half", "return half  # 3.5"),
        ),
    ],
)
def test_values_stand_beside_the_lines_that_computed_them(program, told, sandbox):
    assert traced([program], sandbox) == [told]


@pytest.mark.parametrize(
    "program",
    [
        "def solution():\n    return 1 / 0",
        "no python at all",
        "def solution():\n    while True: pass",
        "import os\nos._exit(0)",
        "print(12)",
        "def solution():\n    words = 'x' * 1000\n    return words",
        "_mmst_seen = '{1: \"2\"}'\ndef solution():\n    return 3",
        "_mmst_seen_note = lambda line, value: 0\nanswer = 3",
        "",
    ],
)
def test_a_program_that_gives_no_values_stays_as_it_is(program, sandbox):
    assert traced([program, "answer = 1"], sandbox) == [program, "answer = 1  # answer = 1"]


def test_a_string_over_lines_is_not_broken(sandbox):
    program = 'def solution():\n    text = """a\nb"""\n    n = (1 +\n         2)\n    return n'
    told = traced([program], sandbox)[0]
    assert ast.dump(ast.parse(told)) == ast.dump(ast.parse(program))
    assert "2)  # n = 3" in told


@given(st.lists(st.integers(0, 99), min_size=1, max_size=5))
def test_a_traced_program_is_the_same_program(sandbox, numbers):
    lines = [f"    x{n} = {number} * 2" for n, number in enumerate(numbers)]
    program = "\n".join(["def solution():", *lines, "    return x0"])
    told = traced([program], sandbox)[0]
    assert ast.dump(ast.parse(told)) == ast.dump(ast.parse(program))
    assert told.count("#") == len(numbers) + 1
