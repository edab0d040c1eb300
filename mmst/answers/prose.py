r"""Prose as answers are read out of it: marks that are no part of a value, and scripts that write words without spaces.

An exclamation mark after a number is a factorial in mathematics (`$5!$`, `\boxed{5!}`, `5! = 120`) and a full stop in prose
(`The answer is 12!`).
"""

from __future__ import annotations

import re

EXCLAIMED = re.compile(r"(?<=[\d%])([*_\"')\]]*)!+(?=[*_\"')\]]*(?:\s*$|\s*\n|\s+[\"'*_(]*[A-Z]|\s+[^\x00-\x7f]))")
"""After a number, where a sentence ends."""
FACTORIAL = re.compile(r"(?<=\d)!(?=\s*(?:\$|\\[)\]]))")
"""At the end of a formula, which is no end of a sentence."""
HAN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Kana, Han and Hangul."""
SCALES = {"\u5343": 3, "\u4e07": 4, "\u842c": 4, "\ub9cc": 4, "\u4ebf": 8, "\u5104": 8, "\uc5b5": 8}
"""Words that multiply the number before them by a power of ten: thousand, ten thousand, a hundred million."""
SCALED = re.compile(rf"(\d+)(?:\.(\d+))?\s?([{''.join(SCALES)}])(?!\s?\d)")
STOPS = str.maketrans(
    {"\u3002": ". ", "\uff0c": ", ", "\u3001": ", ", "\uff1b": "; ", "\uff01": "! ", "\uff1f": "? ", "\uff1a": ": "}
)
ANSWER = re.compile(
    "(?:\u6700\u7ec8|\u6700\u7d42|\u6b63\u786e)?(?:\u7b54\u6848|\u7b54\u3048|\uc815\ub2f5|\ub2f5)\\s*[\u662f\u4e3a\u70ba\u306f\uc740]?\\s*:?"
)
"""Chinese, Japanese and Korean for `the answer is`."""
GLUED = re.compile(rf"(?<=[{HAN}])(?=[\d$\\(-])|(?<=[\d)}}])(?=[{HAN}])")


def plain_prose(text: str) -> str:
    """The same text with full stops for exclamations after numbers, and Chinese, Japanese and Korean as they are read here."""
    if "\uff01" in text or not text.isascii():
        text = _spaced(text)
    return FACTORIAL.sub(" factorial ", EXCLAIMED.sub(r"\1.", text)) if "!" in text else text


def _spaced(text: str) -> str:
    """With a space between a number and a word written up to it, `answer:` for its name, and ten thousands in digits."""
    text = SCALED.sub(_in_digits, text.translate(STOPS))
    return GLUED.sub(" ", ANSWER.sub(" answer: ", text))


def _in_digits(found: re.Match[str]) -> str:
    """`1.2` ten thousands as 12000; as it stands where it is no whole number."""
    whole, part, power = found[1], found[2] or "", SCALES[found[3]]
    return f"{whole}{part.ljust(power, '0')} " if len(part) <= power else found[0]
