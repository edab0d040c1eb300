"""Which choice a statement names: by its letter, by its text, or by its number. One that names two names none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mmst.answers.markup import affirmed, bare
from mmst.answers.numbers import canonical_number
from mmst.answers.passages import statement_of
from mmst.answers.quantities import read_quantity
from mmst.answers.stated import Form
from mmst.answers.units import unit_said

SEVERAL = " or "
"""Between the letters of an answer that names several choices, which is none."""
WRAPPED = re.compile(r"[(\[{<]\s*([A-Za-z])\s*[)\]}>]")
NAMED = re.compile(r"\b(?:option|choice|letter|answer|solution)\s*[:.]?\s*[\"'(\[{]?([A-Za-z])\b(?!')", re.IGNORECASE)
LEADING = re.compile(r"\s*[\"'(\[{:\s]*([A-Za-z])\s*(?:[.):,\]}\"'\u2013\u2014]|-\s|$)")
LETTERS = re.compile(r"[(\[]?[A-Za-z][)\]]?(?:\s*(?:[,;/&+]|\bor\b|\band\b)\s*(?:or\s+|and\s+)?[(\[]?[A-Za-z][)\]]?)+")
"""Letters alone, of either case."""
CAPITAL = re.compile(r"(?<![\w'.$\\/+*^-])([A-Z])(?![\w'\u2019/+*^=-])(?!\.[A-Za-z])")
ARTICLE = re.compile(
    r"A\s+(?!(?:and|or|nor|to|vs|versus|if|but|not|then|through|when|maybe|perhaps|because|since|as|is|are|with"
    r"|for)\b)[a-z]|I\s+(?:am|think|have|will|would|can|did|do|was|[a-z]+ed)\b"
)
CHOSEN = re.compile(
    r"\b(?:[Oo]ption|[Cc]hoice|[Ll]etter|[Pp]ick|[Cc]hoose|[Ss]elect|go with|leaves|leaving|[Ii]t's|[Ii]t is"
    r"|[Ii]t (?:must|should|has to) be|[Oo]nly"
    r"|(?:[Ss]o|[Tt]hus|[Hh]ence|[Tt]herefore),?)[\"']?\s*"
    r"(?:is\b|:|=)?\s*[*\"'(\[]*"
    r"([A-Z])\b(?=[*\"')\]]*\s*(?:$|[.,;:!}\u2013\u2014]))"
)
"""A letter that is named or chosen in running text."""
NEGATED = re.compile(
    r"\b(?:not|wrong|incorrect|false|eliminate|eliminated|rule out|ruled out|distractor|"
    r"rather than|instead of|cannot be|isn't|n't)\b",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?!(?:or|maybe|perhaps|and)\b)|\n+")
ALONE = re.compile(r"\W*(?:[Oo]ption|[Cc]hoice|[Ll]etter)?\W*[A-Z]\W*")
JOINED = re.compile(
    r"(?<![\w'])([A-Z])[)\]*\"'.]*\s*(?:[,;/&|]|\bor\b|\band\b|\bnor\b|\bto\b|\bvs\b|\?)\s*(?:(?:or|and|maybe|perhaps"
    r"|else)\s+)*"
    r"(?:[Oo]ption|[Cc]hoice|[Ll]etter)?\s*[(\[*\"']*([A-Z])(?![\w'])"
)
"""Two letters that are joined to one list."""
IN_WORDS = re.compile(
    r"(?:it\s+is\s+|i\s+(?:pick|choose)\s+)?(?:the\s+)?(?P<nth>first|second|third|fourth|fifth|last)\s+(?:option|choice"
    r"|one|answer)"
    r"|(?:only|final|final\s+choice|pick|choice|antwort|respuesta|r\u00e9ponse|risposta"
    r"|\u7b54\u6848\s*[\u662f\u4e3a]?)\s*[:\uff1a]?\s*"
    r"\(?(?P<letter>(?-i:[A-Z]))\)?"
    r"|not\s+\(?(?-i:[A-Z])\)?\s*[;,.:\u2013\u2014-]\s*(?:but\s+|it's\s+)?\(?(?P<other>(?-i:[A-Z]))\)?",
    re.IGNORECASE,
)
"""A choice by its place, after a word that announces it, or after another one that is denied."""
NTH = ("first", "second", "third", "fourth", "fifth")
TICKED = re.compile(r"^\s*[-*]?\s*\[[xX\u2713\u2714]\]\s*\(?([A-Z])\b", re.MULTILINE)
OPTION = re.compile(r"^[\s*>-]*[(\[]?([A-Z])(?:[)\].:]|\s+[-\u2013\u2014])[\s*]+\S")
"""A line that is one of a list of choices."""
CORRECT = re.compile(r"\b(?:correct|right|true)\b|[\u2713\u2714\u2705]", re.IGNORECASE)
IS_TEXT = re.compile(
    r"\b(?:is|are|was|were|be|equals)\s+(?:the\s+|an?\s+)?([^\n.]{1,100})$|^([^\n.]{1,100}?)\s+is\s+the\s+(?:\w+\s+)?answer$"
)
LONGEST_TAIL = 2_000
"""Characters of a text without a mark in which a choice is looked for."""


def canonical_choice(answer: str, choices: Sequence[str], letters_only: bool = False) -> str | None:
    """The upper-case letter of a choice that is given by its letter or its text alone; None where it is none, or several."""
    if not letters_only:
        by_text = _by_text(answer, choices)
        if by_text is not None:
            return by_text
    letter = answer.strip(" \t\n().:,[]{}<>\"'").upper()
    return letter if _is_letter(letter, choices) else None


def read_choice(statement: str, choices: Sequence[str]) -> str | None:
    """The letter of the choice that a statement names, several joined by `or`, or None where it names none."""
    text = affirmed(bare(statement)).strip(" .")
    if (worded := _in_words(text, choices)) is not None:
        return worded
    if LETTERS.fullmatch(text) and _by_text(text, choices) is None:
        return SEVERAL.join(_unique(letter.upper() for letter in re.findall(r"\b[A-Za-z]\b", text)))
    alone = canonical_choice(text, choices)
    if alone is not None and (other := _other_letter(text, alone, choices)):
        return f"{other}{SEVERAL}{alone}"
    if alone is not None:
        return alone
    by_letter = _letters(text, choices)
    if len(by_letter) == 1:
        return by_letter[0] if _agrees(text, by_letter[0], choices) else None
    if by_letter:
        return SEVERAL.join(by_letter)
    within = _within(text, choices)
    return within[0] if len(within) == 1 else SEVERAL.join(within) or None


def with_its_text(said: str, text: str, choices: Sequence[str]) -> str:
    """A letter together with the choice's text that stands after a full stop: all of `B. 48`."""
    if not ALONE.fullmatch(said) or text[len(said) : len(said) + 1] != ".":
        return said
    rest = statement_of(text[len(said) + 1 :])[0]
    wanted = _plain_text(rest) if rest else None
    return f"{said} {rest}" if wanted is not None and wanted in map(_plain_text, choices) else said


def last_choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a text without a mark names last, in a sentence that does not deny it."""
    tail = text[-LONGEST_TAIL:]
    lines = [line for line in tail.strip().splitlines() if line.strip(" `")]
    ticked = _unique(TICKED.findall(tail)) if "[" in tail else []
    if len(ticked) == 1 and _is_letter(ticked[0], choices):
        return ticked[0]
    if (listed := _of_list(lines)) is not None:
        return listed or None
    sentences = reversed(SENTENCE.split(tail.strip()))
    parts = ((sentence, part) for sentence in sentences for part in (statement_of(sentence)[0], sentence))
    for sentence, said in ((sentence, _not_denied(part)) for sentence, part in parts):
        named = [*WRAPPED.finditer(said), *CHOSEN.finditer(said)]
        written = [match[1] for match in sorted(named, key=lambda match: match.start(1))]
        letters = _unique(letter for letter in written if _is_letter(letter.upper(), choices))
        if letters:
            several = _listed(sentence, letters[-1], choices) or (len(letters) > 1 and re.search(r"\b(?:or|and)\b", said))
            return SEVERAL.join(letters) + SEVERAL if several else letters[-1].upper()
    short = [line for line in (lines[-1], lines[0]) if len(line) < 200] if lines else []
    found = next((found for line in short if (found := _line(line, choices) or _line(_said(line), choices))), None)
    return found or (_by_sentence(lines[-1], choices) if lines else None)


def _said(line: str) -> str:
    """A line without its remarks; empty where it asks."""
    said, asked = statement_of(line)
    return "" if asked else said


def _of_list(lines: Sequence[str]) -> str | None:
    """The one choice that a list of choices at the end of a text calls correct, empty where it is none; None without a list."""
    options: list[tuple[str, str]] = []
    for line in reversed(lines):
        found = OPTION.match(line)
        if found is None:
            break
        options.append((found[1], line))
    letters = [letter for letter, _ in options]
    if len(letters) < 2 or len(set(letters)) < len(letters):
        return None
    correct = [letter for letter, line in options if CORRECT.search(line) and not NEGATED.search(line)]
    return correct[0] if len(correct) == 1 else ""


def _in_words(text: str, choices: Sequence[str]) -> str | None:
    """The letter of `the second option`, `Final: B` and `not A; B`."""
    found = IN_WORDS.fullmatch(text)
    if found is None:
        return None
    nth = (found["nth"] or "").lower()
    letter = found["letter"] or found["other"] or chr(65 + (NTH.index(nth) if nth in NTH else len(choices) - 1))
    return letter if _is_letter(letter, choices) else None


def _by_sentence(line: str, choices: Sequence[str]) -> str | None:
    """The choice whose text the last sentence says something is: `The capital is Paris.`"""
    sentence = bare(SENTENCE.split(line.strip())[-1]).strip(" .!")
    found = IS_TEXT.search(sentence) if not NEGATED.search(sentence) else None
    return _by_text(found[1] or found[2], choices) if found else None


def _listed(sentence: str, last: str, choices: Sequence[str]) -> bool:
    """Whether the letter that a sentence names last is joined to another one: `(A), (B)`."""
    pairs = list(JOINED.finditer(sentence))
    letters = pairs[-1].groups() if pairs else ("", "")
    joined = last in letters and letters[0] != letters[1] and all(_is_letter(letter, choices) for letter in letters)
    return joined and re.search(rf"(?<![\w']){last}(?![\w'])", sentence[pairs[-1].end() :]) is None


def _line(line: str, choices: Sequence[str]) -> str | None:
    """The choice that a line is: its letter, its text, or both."""
    text = bare(line).strip(" .$")
    if (worded := _in_words(text, choices)) is not None:
        return worded
    alone = canonical_choice(text, choices)
    if alone is not None and (other := _other_letter(text, alone, choices)):
        return f"{other}{SEVERAL}{alone}"
    named = NAMED.fullmatch(text)
    if named is not None and _is_letter(named[1].upper(), choices):
        return named[1].upper()
    leading = LEADING.match(text)
    if alone is not None or leading is None or not _is_letter(leading[1].upper(), choices):
        return alone
    rest = text[leading.end() :]
    return leading[1].upper() if _by_text(rest, choices) == leading[1].upper() else None


def _not_denied(sentence: str) -> str:
    parts = re.split(r",?\s+(?=(?:so|but|hence|therefore|thus|while|whereas)\b)|[,;]", sentence)
    return " ".join(part for part in parts if not NEGATED.search(part))


def _letters(text: str, choices: Sequence[str]) -> list[str]:
    """The letters in a statement, in order, each once."""
    found = [*WRAPPED.finditer(text), *NAMED.finditer(text), *(() if "\\" in text else CAPITAL.finditer(text))]
    leading = LEADING.match(text)
    places = {
        match.start(1): match[1].upper() for match in [*found, *([leading] if leading else [])] if not _is_word(text, match)
    }
    return _unique(letter for _, letter in sorted(places.items()) if _is_letter(letter, choices))


def _is_word(text: str, match: re.Match[str]) -> bool:
    """Whether a letter is the article `A` or the pronoun `I`."""
    return match.re is CAPITAL and ARTICLE.match(text, match.start(1)) is not None


def _is_letter(letter: str, choices: Sequence[str]) -> bool:
    return len(letter) == 1 and "A" <= letter <= "Z" and ord(letter) - 65 < (len(choices) or 26)


def _other_letter(text: str, letter: str, choices: Sequence[str]) -> str | None:
    """A letter beside the text or number of another choice: `A` of `A) 48` and `A (48)`."""
    if any(choice.strip().lower() == text.lower() for choice in choices):
        return None
    named = (found[1] for found in CAPITAL.finditer(text) if not _is_word(text, found))
    return next((other for other in named if other != letter and _is_letter(other, choices)), None)


def _agrees(text: str, letter: str, choices: Sequence[str]) -> bool:
    """Whether the text after a letter is not another choice's."""
    if not choices:
        return True
    rest = re.sub(rf"^.*?(?<!\w)[(\[{{]?{letter}(?!\w)[)\]}}]?[\s:.,-]*", "", text, count=1, flags=re.IGNORECASE | re.DOTALL)
    other = _by_text(rest, choices) if rest.strip(" .,") else None
    return other is None or other == letter


def _by_text(answer: str, choices: Sequence[str]) -> str | None:
    """The letter of the one choice with this text, else with this number."""
    for plain in (_plain_text, _plain_number):
        wanted = plain(answer)
        matching = [n for n, choice in enumerate(choices) if wanted is not None and plain(choice) == wanted]
        if plain is _plain_number and wanted is not None and unit_said(bare(answer)):
            matching = [n for n, choice in enumerate(choices) if _measures(answer, choice)]
        if len(matching) == 1:
            return chr(65 + matching[0])
        if matching:
            return None
    return None


def _within(text: str, choices: Sequence[str]) -> list[str]:
    """The choices whose texts stand in a statement, but for those that are part of a longer one."""
    lowered = f" {' '.join(text.lower().split())} "
    plain = [(" ".join(bare(choice).lower().split()).strip(" ."), chr(65 + n)) for n, choice in enumerate(choices)]
    letters = []
    for words, letter in sorted(plain, key=lambda pair: -len(pair[0])):
        if words and (found := re.search(rf"(?<![\w.,/-]){re.escape(words)}(?![\w/]|[.,-]\w)", lowered)):
            lowered = lowered[: found.start()] + "\x00" + lowered[found.end() :]
            letters.append(letter)
    return sorted(letters)


def _plain_text(text: str) -> str | None:
    return canonical_number(text) or "".join(bare(text).lower().split()).strip(".") or None


def _plain_number(text: str) -> str | None:
    stated = read_quantity(text)
    return stated.text if stated is not None and stated.form is Form.NUMBER else None


def _measures(answer: str, choice: str) -> bool:
    """Whether a number with a unit is a choice's: one without a unit has any."""
    units = () if canonical_number(choice) is not None and "$" not in choice else unit_said(bare(choice))
    stated = read_quantity(answer, units[0] if units else "")
    return stated is not None and stated.form is Form.NUMBER and stated.text == _plain_number(choice)


def _unique(letters: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(letters))
