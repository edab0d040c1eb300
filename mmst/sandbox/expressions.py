"""When two mathematical expressions are equal: by math-verify, in the sandbox.

It parses what a model wrote and hands it to sympy, which may evaluate for ever (math-verify issues 63 and 65): here it is a
program like any other, with limits that hold. Two expressions are equal if each verifies the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec

from mmst.sandbox.result import Executor, Program, Status

CHECKER = "math_verify"
MATHEMATICAL = re.compile(r"[\d\\^=+*/]")
LONGEST = 500
"""Characters of an expression that is looked at."""
PROGRAM = """
def solution():
    from math_verify import parse, verify
    first, second = (parse("$" + text + "$", parsing_timeout=None) for text in {pair!r})
    both = verify(first, second, timeout_seconds=None), verify(second, first, timeout_seconds=None)
    return bool(first and second and all(both))
"""


def may_be_equal(first: str, second: str) -> bool:
    """Whether two different texts are worth a look: both short, both mathematical, and the checker installed."""
    both = (first, second)
    looks = all(len(text) <= LONGEST and MATHEMATICAL.search(text) for text in both)
    return looks and find_spec(CHECKER) is not None


def equal_expressions(pairs: Sequence[tuple[str, str]], executor: Executor) -> list[bool | None]:
    """Whether the expressions of each pair are equal; None where the checker ran out of time, or the sandbox was lost."""
    if not pairs:
        return []
    bare = [tuple(text.replace("$", "") for text in pair) for pair in pairs]
    results = executor.execute([Program(str(n), PROGRAM.format(pair=pair)) for n, pair in enumerate(bare)])
    return [_outcome(result.status, result.value) for result in results]


def _outcome(status: Status, value: str) -> bool | None:
    if status is Status.OK:
        return value == "True"
    return False if status is Status.ERROR else None
