"""Reasoning blocks: what a model writes in `<think>` before its solution."""

from __future__ import annotations

from mmst.answers.thinking import BEGINS, OPENED, closing, thinking_ends


def split_reasoning(completion: str) -> tuple[str, str]:
    """(the reasoning with its tags, the solution after it). A template may have opened the block; one left open has no end."""
    if end := thinking_ends(completion):
        return completion[:end], completion[end:]
    return (completion, "") if BEGINS.match(completion.lstrip()) else ("", completion)


def opened_reasoning(prompt: str) -> tuple[str, str] | None:
    """What begins the block that a prompt ends in, and what would end it; None where it ends in none."""
    found = OPENED.search(prompt)
    if found is None:
        return None
    opening = found.group().rstrip()
    return opening, closing(opening)
