"""Whether a statement says yes or no: by an answering word, or by what it says of the statement asked about."""

from __future__ import annotations

import re

from mmst.answers.markup import bare

LONGEST_CLAUSE = 200
YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no", "untrue": "no", "y": "yes", "n": "no"}
YES_NO |= dict.fromkeys(("yeah", "yep", "yup", "absolutely", "certainly", "definitely", "of course"), "yes")
YES_NO |= dict.fromkeys(
    ("nope", "nah", "not at all", "certainly not", "absolutely not", "definitely not", "of course not"), "no"
)
OPPOSITE = {"yes": "no", "no": "yes"}
NEGATION = re.compile(
    r"\b(?:not|never|hardly|scarcely|cannot|far from|neither|nor|false that|untrue that|nothing|none|nobody|no one|no longer"
    r"|(?:wrong|incorrect|false|untrue|a mistake) to|(?<!no )(?<!without )(?<!without a )doubt(?:s|ed|ful)?)\b|n't\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"[.,;:!?\n]|\b(?:so|thus|therefore|hence|but|because|since|and)\b", re.IGNORECASE)
"""What a negation does not reach across."""
BOTH = re.compile(
    r"\b(?:yes|no|true|false)\b\s*(?:/|[,.?]*\s*\b(?:or|and(?!\s+no\s+[a-z])|nor)\b|\|)\s*(?:maybe\s+"
    r"|perhaps\s+)?\b(?:yes|no|true|false)\b|\b(?:yes,?\s+no|no,?\s+yes)[.!*\s]*$|^\W*yes\W+no\W*$|^\W*no\W+yes\W*$"
    r"|\b(?:yes|no|true|false)\b[\"']\s*(?:or|and|/)\s*[\"'](?:yes|no|true|false)\b|^\W*(?:yes\W+no|no\W+yes)(?:\W+(?:yes"
    r"|no))+\W*$"
    r"|\byes,?\s+(?:if|when|for)\b[^.]*\bno,?\s+(?:if|when|for|otherwise)\b|\bno,?\s+(?:if|when"
    r"|for)\b[^.]*\byes,?\s+(?:if|when|for|otherwise)\b",
    re.IGNORECASE,
)
ANSWERING = re.compile(
    r"(?P<word>(?<!\bif )(?<!\bwhether )\byes\b(?!-|[\"']?\s+(?:would|could|cannot|can't|might)\b|[\"']?\s+is\s+(?:wrong"
    r"|incorrect|not)\b)"
    r"|\bno\b(?!-\w)(?=\s*[*_\"'`)\]]*\s*(?:[,;:!?*_)\]\u2014-]|\.(?!\s*\d)|$|\n)"
    r"|\s+(?:it|he|she|they|we|you|this|that|these|there|the)\b))",
    re.IGNORECASE,
)
"""`yes`, or a `no` that stands for itself: not in `no one`, `no reason`, `no. 5`."""
ALONE = re.compile(r"(?:^|[.!?:]\s+|\n)\s*[*_\"'`(]*(?:not\s+)?(?P<word>true|false)[*_\"'`)]*\s*(?:[.!;]|$|\n)", re.IGNORECASE)
ADVERB = (
    r"(?:(?:not|never|also|indeed|actually|really|clearly|therefore"
    r"|thus|definitely|simply|necessarily|strictly|quite|entirely|always|a)\s+)*"
)
SAID = re.compile(
    rf"(?:\b(?:is|are|was|were|be|as|statement|claim|answer|from)|'s|n't)\s+{ADVERB}(?P<word>true|false|untrue)\b"
    r"(?!\s+(?!because|since|as|in|for|and|or|so|by|here|due|when|if|only|at|either)[^\W\d_])",
    re.IGNORECASE,
)
"""`The statement is not true.`, and nothing that is said of something else: `It is true that ...`."""

PLAIN = re.compile(
    r"\W*(?:(?P<no>nope|nah|(?:certainly|absolutely|definitely|of\s+course)\s+not|not\s+at\s+all|by\s+no\s+means|wrong"
    r"|incorrect|not\s+(?:correct|right))"
    r"|(?P<yes>yeah|yep|yup|absolutely|certainly|definitely|of\s+course|correct|exactly))\s*(?:[.,!;*\n]|$)",
    re.IGNORECASE,
)
"""Other words for both, with which a text begins."""
CLAIM = re.compile(
    r"(?:^|[.!\n;,]\s*|\bso\s+|\btherefore,?\s+)(?:that|this|it|the\s+(?:claim|statement|sentence|assertion"
    r"|proposition))(?:\s+is|'s|\s+was)\s+"
    r"(?P<not>not\s+)?(?:(?P<yes>correct|right)|(?P<no>wrong|incorrect))\s*(?=[.,!;*\n]|$|because|since)",
    re.IGNORECASE,
)
"""`The claim is not correct.`"""


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
    leading = re.match(r"\W*(?:not\s+)?(?P<word>yes|no|true|false)\b", text, re.IGNORECASE)
    return _value(leading) if leading else None


def last_yes_no(text: str, first: bool = False) -> str | None:
    """What a text says last (or first) that is a yes or a no; else what it says of a statement's truth."""
    both = [found.span() for found in BOTH.finditer(text)]
    for patterns in ((ANSWERING, ALONE), (SAID,)):
        found = [match for pattern in patterns for match in pattern.finditer(text) if not _within(match, both)]
        if found:
            return _value((min if first else max)(found, key=lambda match: match.start("word")))
    return None if both or first else _in_other_words(text)


def _in_other_words(text: str) -> str | None:
    """What a text says that has neither word: how it begins, and what it calls the claim; None where the two differ."""
    plain = PLAIN.match(text)
    values = {"no" if plain["no"] else "yes"} if plain else set()
    values |= {"no" if (found["no"] is None) == (found["not"] is not None) else "yes" for found in CLAIM.finditer(text)}
    return values.pop() if len(values) == 1 else None


def _within(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start <= match.start("word") < end for start, end in spans)


def _value(found: re.Match[str]) -> str:
    """Yes or no, turned by each negation before it in its clause."""
    before = CLAUSE.split(found.string[: found.start("word")][-LONGEST_CLAUSE:])[-1]
    value = YES_NO[found["word"].lower()]
    return OPPOSITE[value] if len(NEGATION.findall(before)) % 2 else value
