"""Which part of a completion is its query.

In this order: nothing of what was thought; nothing after the end of the turn or a run-on next question; of the blocks in fences
the last one that begins a statement; without such a block the first line outside of blocks that begins one, after a label
(`Query:`) or none; then such a line within a block; then the last inline code that begins one. A query ends at its semicolon,
or before an empty line with words after it. Where another statement follows, it is kept as well, so that SQLite refuses both:
none is dropped unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmst.answers.thinking import without_thinking
from mmst.methods.programs import END_OF_TURN
from mmst.methods.prompt import QUESTION_CUE
from mmst.sandbox.statements import PIECE, begins_statement, first_statement, is_blank, pieces

RUN_ON = re.compile(rf"^[ \t#*>]*{QUESTION_CUE.strip()}", re.MULTILINE)
FENCE = re.compile(r"(?P<line>\n[ \t>]*)|(?P<marks>```+|~~~+)[ \t]*|</?(?P<tag>sql|sqlite|query)>[ \t]*", re.IGNORECASE)
LANGUAGE = re.compile(r"[ \t]*[\w.+-]+(?:[ \t]+|\n|\Z)")
"""What may stand between a fence and its content."""
LABEL = re.compile(
    r"^[ \t>]*(?=\S)(?:[*_#]{1,4}[ \t]*)?"
    r"(?:(?:sqlite>|(?:[\w' ]{1,40} )?(?:query|sql|sqlite|answer|statement|solution)(?: is)?[*_]{0,2}:)[*_ \t]*)?",
    re.IGNORECASE | re.MULTILINE,
)
"""What a line may hold before its query."""
INLINE = re.compile(r"`([^`\n]+)`")
GOES_ON = re.compile(
    r"from|where|group|order|having|limit|offset|union|intersect|except|join|left|right|full|inner|outer|cross|natural|on|and|or"
    r"|when|then|else|end|window|select|values|[^\w*>#`-].*",
    re.IGNORECASE | re.DOTALL,
)
"""What a query may go on with after an empty line; what begins with anything else is words."""
ODD_SPACE = re.compile("[\\s\ufeff\u200b]")
LEADING = re.compile("[\\s;\ufeff\u200b]*")
EMPHASIS, WIDE_SEMICOLON = "**", "\uff1b"
SCHEMA = "create"
MOST_BLOCKS = 30
HEAD = 300
"""Characters in which a statement shows that it is one."""


@dataclass(frozen=True, slots=True)
class QueryIn:
    """The query of a completion: what is kept of it, such as to be trained on, and what SQLite is asked."""

    kept: str
    asked: str


@dataclass(frozen=True, slots=True)
class Block:
    """What a pair of fences holds, from the first mark to the last."""

    start: int
    end: int
    content: str


def query_in(completion: str) -> QueryIn:
    """The query; all that was said where there is none, or where it would not be read as itself if it stood alone."""
    text = _said(completion)
    asked = _asked(text)
    kept = asked if asked in text and _asked(_said(asked)) == asked else text
    return QueryIn(kept, "".join(_with_plain_spaces(asked)))


def _said(completion: str) -> str:
    """What a completion says after its thinking, up to the end of its turn or a run-on question. One repeated first is none."""
    text = without_thinking(completion).replace("\r\n", "\n")
    text = next((part for part in END_OF_TURN.split(text) if part.strip()), "").strip()
    run_on = next((found.start() for found in RUN_ON.finditer(text) if found.start() > 0), len(text))
    return text[:run_on].strip()


def _asked(text: str) -> str:
    """The part of a text that is the query; all of it where none is."""
    blocks = list(_blocks(text))
    holding = [block.content for block in blocks[-MOST_BLOCKS:] if _begins(block.content) and not _is_schema(block.content)]
    if holding:
        return _of_block(holding[-1])
    starts = [0, *(block.end for block in blocks)]
    ends = [*(block.start for block in blocks), len(text)]
    outside = [part for start, end in zip(starts, ends, strict=True) if (part := text[start:end].strip())]
    found = _of_lines(outside) or _of_lines([block.content for block in blocks[-MOST_BLOCKS:][::-1]])
    return found or next((code for code in INLINE.findall(text)[::-1] if _begins(code)), text).strip()


def _blocks(text: str) -> Iterator[Block]:
    """The blocks in fences and tags. One that the prompt opened ends at the first of an odd number; one not closed at the end.

    A fence closes a block at the beginning or end of a line, and in the line in which the block begins. One with a language
    closes a block and begins the next.
    """
    opened: re.Match[str] | None = None
    line, line_of_opening, first = 0, -1, True
    fences = list(FENCE.finditer(text))
    odd = sum(bool(fence["marks"]) for fence in fences) % 2 == 1
    for fence in fences:
        if fence["line"]:
            line = fence.end()
            continue
        at_start, at_end = fence.start() == line, text[fence.end() : fence.end() + 1] in ("", "\n")
        closes = fence[0].startswith("</")
        if opened is not None and _is_pair(opened, fence) and (closes or at_start or at_end or line == line_of_opening):
            yield Block(opened.start(), fence.end(), _content(text[opened.end() : fence.start()]))
            opened = fence if fence["marks"] and at_start and not at_end else None
        elif opened is None and first and (closes or (odd and at_start and at_end)) and _begins(before := _before(text, fence)):
            yield Block(0, fence.end(), before)
        elif opened is None and not closes:
            opened = fence
        if opened is fence:
            line_of_opening = line
        first = False
    if opened is not None:
        yield Block(opened.start(), len(text), _content(text[opened.end() :]))


def _is_pair(opened: re.Match[str], fence: re.Match[str]) -> bool:
    if opened["tag"]:
        return fence[0].startswith("</")
    return bool(fence["marks"]) and fence["marks"].startswith(opened["marks"])


def _content(text: str) -> str:
    """What a block holds, without the name of its language."""
    if not _begins(text) and (language := LANGUAGE.match(text)):
        text = text[language.end() :]
    return text.strip()


def _before(text: str, fence: re.Match[str]) -> str:
    """What stands before a fence, without a label."""
    label = LABEL.match(text)
    return text[label.end() if label else 0 : fence.start()]


def _begins(text: str) -> bool:
    return begins_statement(text[:HEAD])


def _is_schema(text: str) -> bool:
    return next(iter(pieces(text[:HEAD])), "").lower() == SCHEMA


def _of_block(content: str) -> str:
    """The one statement of a block, or all of it."""
    start = _leading(content)
    query, rest = first_statement(content[start:])
    return content.strip() if set(pieces(rest)) - {";"} else query


def _of_lines(parts: Sequence[str]) -> str:
    """The query that begins at a line of a text's parts; empty where none does."""
    for number, part in enumerate(parts):
        start = next(_starts(part), None)
        if start is None:
            continue
        end = _end(part, start)
        if any(next(_starts(rest), None) is not None for rest in (part[end:], *parts[number + 1 :])):
            return "\n".join([part[start:], *parts[number + 1 :]]).strip()
        return part[start:end].removesuffix(";").strip().removesuffix(EMPHASIS).rstrip(WIDE_SEMICOLON).strip()
    return ""


def _starts(text: str) -> Iterator[int]:
    """Where statements begin at a line's beginning or after its label."""
    for label in LABEL.finditer(text):
        if _begins(text[label.end() : label.end() + HEAD]):
            yield label.end() + _leading(text[label.end() :])


def _leading(text: str) -> int:
    found = LEADING.match(text)
    return found.end() if found else 0


def _end(text: str, start: int) -> int:
    """Where the statement that begins there ends: with its semicolon, or before an empty line outside of brackets and words."""
    depth, gap = 0, -1
    for found in PIECE.finditer(text, start):
        piece = found[0]
        if piece.isspace():
            gap = found.start() if piece.count("\n") > 1 and gap < 0 else gap
        elif is_blank(piece):
            continue
        elif gap >= 0 and depth <= 0 and not GOES_ON.fullmatch(piece):
            return gap
        elif piece == ";":
            return found.end()
        else:
            gap = -1
            depth += (piece == "(") - (piece == ")")
    return len(text)


def _with_plain_spaces(query: str) -> Iterator[str]:
    """A query with spaces that SQLite knows, but for what is quoted."""
    for piece in PIECE.findall(query):
        yield " " if ODD_SPACE.fullmatch(piece) and piece not in " \t\n\r\f" else piece
