"""Whether a statement says yes or no: by an answering word, or by what it says of the statement asked about."""

from __future__ import annotations

import re

from mmst.answers.markup import bare

YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
OPPOSITE = {"yes": "no", "no": "yes"}
NOT = r"(?:\bnot|n't|\bnever)\s+(?:actually\s+|really\s+|necessarily\s+|strictly\s+|quite\s+|entirely\s+|always\s+|a\s+)?"
WORD = re.compile(r"\b(yes|no|true|false)\b", re.IGNORECASE)
BOTH = re.compile(
    r"\b(yes|no|true|false)\b\s*(?:/|,?\s*\bor\b|,?\s*\band\b|\|)\s*(?:maybe\s+|perhaps\s+)?\b(yes|no|true|false)\b",
    re.IGNORECASE,
)
ANSWERING = re.compile(
    rf"(?P<not>{NOT})?(?P<word>\byes\b(?!-)|\bno\b(?=\s*[*_\"'`)\]]*\s*(?:[,;:!?*_)\]\u2014-]|\.(?!\s*\d)|$|\n)|\s+(?:it|he|she|they|we|you|this|that|these|there|the)\b))",
    re.IGNORECASE,
)
"""`yes`, or a `no` that stands for itself: not in `no one`, `no reason`, `no. 5`."""
SAID = re.compile(
    rf"(?:\b(?:is|are|was|were|be|as|statement|claim|answer)\s+|'s\s+|(?:is|was|are)(?=n't))(?P<not>{NOT})?(?:also\s+|indeed\s+|actually\s+|clearly\s+|therefore\s+|thus\s+|definitely\s+)?"
    r"(?P<word>true|false)\b(?!\s+(?!because|since|as|that|in|for|and|or|so|by|here|due|when|if|only)[^\W\d_])",
    re.IGNORECASE,
)
"""`The statement is not true.`"""
ALONE = re.compile(r"(?:^|[.!?:]\s+|\n)\s*[*_\"'`(]*(?P<word>true|false)[*_\"'`)]*\s*(?:[.!;]|$|\n)", re.IGNORECASE)


def canonical_yes_no(answer: str) -> str | None:
    """`yes` or `no`, of an answer that is one word."""
    return YES_NO.get(bare(answer).lower().strip(" .!,;:\"'()[]{}"))


def read_yes_no(statement: str) -> str | None:
    """`yes`, `no`, `yes or no` where it says both, or None where it says neither."""
    text = bare(statement)
    alone = canonical_yes_no(text)
    if alone is not None:
        return alone
    if BOTH.search(text):
        return "yes or no"
    found = last_yes_no(text, first=True)
    if found is not None:
        return found
    leading = re.match(rf"\W*(?P<not>{NOT})?(?P<word>yes|no|true|false)\b", text, re.IGNORECASE)
    return _value(leading) if leading else None


def last_yes_no(text: str, first: bool = False) -> str | None:
    """What a text says last (or first) that is a yes or a no."""
    found = sorted(
        [*ANSWERING.finditer(text), *SAID.finditer(text), *ALONE.finditer(text)], key=lambda match: match.start("word")
    )
    return _value(found[0 if first else -1]) if found else None


def _value(found: re.Match[str]) -> str:
    value = YES_NO[found["word"].lower()]
    return OPPOSITE[value] if found.groupdict().get("not") else value
