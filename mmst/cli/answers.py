"""`mmst answers IN OUT` judges a file of completions; `mmst answers compare IN` lists where judges differ."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Hand on to what grades, or to what compares."""
    if arguments[:1] == ["compare"]:
        from mmst.stages import compare_file

        compare_file.main(arguments[1:])
    else:
        from mmst.stages import grade_file

        grade_file.main(arguments)
