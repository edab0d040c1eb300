"""Free text as an answer."""

from __future__ import annotations

import re

from mmst.answers.markup import bare

EXCLAIMED = re.compile(r"(?<=[^\W\d_]{2})!+$")
"""A mark after a word, which is no factorial."""
RATIO = re.compile(r"(?<=\d)\s*:\s*(?=\d)")
ANSWERING = re.compile(
    r"(?:^|[.!?\n]\s*)(?!(?:this|that|it|what|which|he|she|they|here|there|the)\b)(?P<text>[^\W_][^.!?\n,;:]{0,60}?)\s+is\s+"
    r"(?:the|our|my)\s+(?:(?:final|correct|right)\s+)?answer\b(?=\W*(?:$|\n))",
    re.IGNORECASE,
)
"""`Paris is the answer.`"""
OUTER = "\"'`* \t\n"
MOST_LAYERS = 20
"""Of quotes, marks and wrappers that are taken away."""


def canonical_text(answer: str) -> str | None:
    """Lower case, without markup, outer quotes and marks, white space collapsed; a fixed point of itself."""
    text = answer
    for _ in range(MOST_LAYERS):
        before, text = text, _once(text)
        if text == before:
            break
    return text or None


def text_before(text: str) -> str | None:
    """The words that a text's last line calls its answer."""
    found = [*ANSWERING.finditer(text[-500:])] if "answer" in text[-500:] else []
    return canonical_text(found[-1]["text"]) if found else None


def _once(text: str) -> str:
    outer = RATIO.sub(":", text)
    outer = EXCLAIMED.sub("", " ".join(bare(outer.lower()).split()).strip(OUTER).rstrip(".").strip(OUTER))
    if len(outer) > 1 and outer[0] == outer[-1] == "$" and "$" not in outer[1:-1]:
        outer = outer[1:-1].strip()
    return outer
