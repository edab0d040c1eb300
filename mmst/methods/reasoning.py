"""Reasoning blocks: what a model writes in `<think>` before its solution."""

from __future__ import annotations

import re

TAGS = r"think|thinking|thought|reasoning|seed:think"
OPENED = re.compile(rf"<({TAGS})>\s*\Z")
CLOSING = re.compile(rf"</(?:{TAGS})>")
BEGUN = re.compile(rf"\s*<(?:{TAGS})>")


def split_reasoning(completion: str) -> tuple[str, str]:
    """(the reasoning with its tags, the solution after it). A template may have opened the block; one left open has no end."""
    ends = [found.end() for found in CLOSING.finditer(completion)]
    if ends:
        return completion[: ends[-1]], completion[ends[-1] :]
    return (completion, "") if BEGUN.match(completion) else ("", completion)


def opened_reasoning(prompt: str) -> str | None:
    """The tag of the block that a prompt ends in; None where it ends in none."""
    found = OPENED.search(prompt)
    return found.group(1) if found else None
