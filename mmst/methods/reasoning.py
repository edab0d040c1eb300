"""Reasoning blocks: what a model writes in `<think>` before its solution."""

from __future__ import annotations

from mmst.answers.thinking import BEGINS, closing, thinking_ends


def split_reasoning(completion: str) -> tuple[str, str]:
    """(the reasoning with its tags, the solution after it). A template may have opened the block; one left open has no end."""
    if end := thinking_ends(completion):
        return completion[:end], completion[end:]
    return (completion, "") if BEGINS.match(completion.lstrip()) else ("", completion)


def opened_reasoning(written: str) -> tuple[str, str] | None:
    """What begins the block that is open at the end of what a template wrote, and what would end it; None where none is."""
    found = BEGINS.search(written[thinking_ends(written) :])
    if found is None:
        return None
    return found.group(), closing(found.group())
