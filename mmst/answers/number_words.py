"""Numbers in words, by `text2num`: `twelve`, `one hundred and five apples`, `three quarters`, `two and a half dozen`."""

from __future__ import annotations

import re
from fractions import Fraction

ONES = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen"
TENS = "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|zero"
WORD = rf"(?:{ONES}|{TENS})"
PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
PART = rf"(?:{'|'.join(PARTS)})s?"
SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
DIGIT = "(?:zero|one|two|three|four|five|six|seven|eight|nine)"
LARGE = "|".join(SCALES)
NUMBER = re.compile(
    r"(?:(?:about|approximately|exactly|only|just|a total of|still|around|roughly)\s+)*(?P<sign>(?:negative|minus)\s+)?"
    rf"(?:(?P<count>{WORD}(?:(?:\s*-\s*|\s+and\s+(?!{WORD}[\s-]+{PART}\b)"
    rf"|,?\s+){WORD})*)(?:\s+point(?P<digits>(?:[\s-]+{DIGIT})+))?(?:\s+and\s+(?P<parts>a|one|two|three|four|five"
    rf"|seven)\s+(?P<more>half|third|quarter|fifth|eighth|tenth)s?)?(?:[\s-]+(?P<part>{PART}))?"
    rf"|an?\s+(?P<one>{PART}|{LARGE})|(?P<half>half))\b(?:\s+(?:of\s+)?(?:an?\s+)?(?P<scale>{LARGE})s?\b)?(?:\s+(?:of\s+)?(?:an?|the|them|it)\b)?",
    re.IGNORECASE,
)
JOINTS = rf"(?:squared|cubed|factorial|and|or|to|minus|plus|times|nor|point|dozen|{PART}|{WORD})"
ALONE = re.compile(r"one|an?\s+\w+|half", re.IGNORECASE)
"""What is seldom meant as a number within a sentence."""
UNIT = re.compile(rf"[\s)]*(?P<unit>(?!{JOINTS}\b)[^\W\d_]+)?(?:\s+(?!{JOINTS}\b)[^\W\d_]+){{0,5}}[\s.)!\"']*", re.IGNORECASE)
"""What may stand after a number in words: nothing that joins it to another."""
TIMES = {
    "twice": 2,
    "double": 2,
    "doubles": 2,
    "doubled": 2,
    "pair": 2,
    "pairs": 2,
    "couple": 2,
    "both": 2,
    "halves": 2,
    "halved": 2,
}
TIMES |= {"thrice": 3, "triple": 3, "triples": 3, "tripled": 3, "quadruple": 4, "dozen": 12, "dozens": 12, "half": 2}
"""Words that multiply or divide by a number, by it."""


COUNTED = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "seven": 7}


CARDINALS = frozenset((f"{ONES}|{TENS}|dozen").split("|"))


def is_number_word(word: str) -> bool:
    """Whether one word, in lower case, is a number by itself: in digits, or a cardinal such as `seven`."""
    return word[:1].isdigit() or word in CARDINALS


def spelt_out(text: str) -> tuple[Fraction, str] | None:
    """The value of a statement that is a number in words, and its unit; None for any other."""
    found = NUMBER.match(text.strip())
    rest = UNIT.fullmatch(text.strip(), found.end()) if found else None
    value = _value(found) if found and rest else None
    if found is None or rest is None or value is None:
        return None
    return (-value if found["sign"] else value), (rest["unit"] or "").lower()


def number_said(sentence: str) -> Fraction | None:
    """The only number that a sentence has in words and ends in, with its unit: `That makes twelve apples.`"""
    found = [number for number in NUMBER.finditer(sentence) if not ALONE.fullmatch(number.group().strip())]
    if not found and ALONE.fullmatch(sentence.strip(" .!")):
        found = [*NUMBER.finditer(sentence)]
    if len(found) != 1:
        return None
    said = spelt_out(sentence[found[0].start() :])
    return None if said is None else said[0]


def numbers_in_words(text: str) -> list[Fraction]:
    """The numbers that a text has in words, in order, `twice` and `double` among them; `one` and `a` only as part of others."""
    values = [_value(found) for found in NUMBER.finditer(text)]
    times = [Fraction(TIMES[word]) for word in re.findall(r"[a-z]+", text.lower()) if word in TIMES]
    return [value for value in values if value is not None and value != 1] + times


def _value(found: re.Match[str]) -> Fraction | None:
    if found["half"]:
        value = Fraction(1, 2)
    elif found["one"]:
        one = found["one"].lower()
        value = Fraction(SCALES[one]) if one in SCALES else Fraction(1, _part(one))
    else:
        count = _count(found["count"])
        if count is None:
            return None
        if found["digits"]:
            count = Fraction(f"{count}.{''.join(str(_count(digit)) for digit in re.findall(DIGIT, found['digits'].lower()))}")
        more = Fraction(COUNTED[found["parts"].lower()], _part(found["more"])) if found["more"] else 0
        value = (count + more) / (_part(found["part"]) if found["part"] else 1)
    return value * SCALES[found["scale"].lower()] if found["scale"] else value


def _part(word: str) -> int:
    return PARTS[word.lower()] if word.lower() in PARTS else PARTS[word.lower()[:-1]]


def _count(words: str) -> Fraction | None:
    from text_to_num import text2num

    try:
        return Fraction(text2num(re.sub(r"\s*-\s*", "-", words.lower()).replace(",", ""), "en"))
    except ValueError:
        return None
