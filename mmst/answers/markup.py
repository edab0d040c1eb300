r"""What a statement says, without how it is set: Markdown, LaTeX's wrappers, and Unicode's many signs for one meaning.

Nothing that carries a value is dropped: a superscript becomes a power, `\frac12` becomes 1/2, and a root stays a root.
"""

from __future__ import annotations

import re
import unicodedata

MARKUP = re.compile(r"[\\*_`${^~<]|[^\x00-\x7f]")
"""Without any of these, a statement has nothing to be taken away."""
SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b", "0123456789+-")
SUPERSCRIPT = re.compile(f"[{''.join(map(chr, SUPERSCRIPTS))}]+")
VULGAR = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e])")
MINUS = re.compile(r"[\u2212\ufe63\uff0d\u2010\u2011]")
DASH_AS_MINUS = re.compile(
    r"(?:(?<=^)|(?<=[=:({\[]))(\s*)[\u2012-\u2014](?=\s?[$\u20ac\u00a3]?\d)|(?<=\s)[\u2012-\u2014](?=[$\u20ac\u00a3]?\d)"
)
"""A dash at the start of a statement, or glued to the number after it alone. Between two numbers it is a range."""
QUOTES = str.maketrans("\u2018\u2019\u02bc\u201c\u201d\u201e\u00ab\u00bb\u2044\u2236\ufffd", '\'\'\'"""""/: ')
WRAPPED = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|tt|sf)?|math(?:rm|bf|it|sf|tt|normal)|boldsymbol|bm|operatorname|mbox|hbox|emph|textnormal|boxed|fbox|underline)\*?\s*\{([^{}]*)\}"
)
FRACTION = re.compile(
    r"(?<![a-zA-Z)}])(\d?)\s*\\frac\s*"
    r"(?:\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d)|\{\s*(\d+)\s*\}\s*(\d)(?!\d)|(\d)\s*\{\s*(\d+)\s*\})"
    r"(?!\s*(?:\\(?!text|mbox|mathrm|quad|[,;:! %)\]])|[(^\u221a\u03c0]|[a-zA-Z](?![a-zA-Z])))"
)
"""Of whole numbers; all others are an expression. A whole number before it makes it a mixed number."""
POWER_OF_TEN = re.compile(r"(?<=\d)\s*(?:[xX\u00d7*]|\\times|\\cdot)\s*10\s*(?:\^|\*\*)\s*(?:\{\s*([-+]?\d+)\s*\}|([-+]?\d+))")
SPACES = re.compile(r"(?<!\\)\\[;: ]|\\q?quad(?![a-zA-Z])|~")
NOISE = re.compile(
    r"(?<!\\)\\[,!]|\\(?:left|right|displaystyle|textstyle|limits|bigl?|bigr|Bigl?|Bigr)(?![a-zA-Z])\.?|(?<!\\)\\[()\[\]]|\\+\s*$"
)
"""Two backslashes end a row of a matrix, and only one begins a command."""
SIGNS = {
    "\\times": "\u00d7",
    "\\cdot": "\u00d7",
    "\\div": "\u00f7",
    "\\pm": "\u00b1",
    "\\mp": "\u00b1",
    "\\approx": "\u2248",
    "\\sim": "\u2248",
    "\\le": "\u2264",
    "\\leq": "\u2264",
    "\\ge": "\u2265",
    "\\geq": "\u2265",
    "\\ne": "\u2260",
    "\\neq": "\u2260",
    "\\pi": "\u03c0",
    "\\circ": "\u00b0",
    "\\degree": "\u00b0",
    "\\euro": "\u20ac",
    "\\pounds": "\u00a3",
    "\\infty": "\u221e",
}
UNCLOSED = re.compile(r"\\(?:boxed|fbox)\s*\{?")
TAG = re.compile(r"</?(?:b|i|u|p|em|strong|span|code|br|sub|sup)\s*/?>", re.IGNORECASE)
COMMAND = re.compile(r"\\[a-zA-Z]+")
ESCAPED = re.compile(r"\\([$%#&_])")
MARKDOWN = re.compile(
    r"(?<!\w)\*\*|\*\*(?!\w)|(?<!\w)__|__(?!\w)|`|(?<![\w*)])\*(?=[^\s*])|(?<=[^\s*])\*(?![\w*(])|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)"
)
FRACTIONS = re.compile(r"\\(?:[dtcs]|nice|flat)frac(?![a-zA-Z])")
"""Other commands for a fraction."""
ORDINAL = re.compile(r"(?<=\d)\s*\^\s*(?:\{\s*(?:st|nd|rd|th)\s*\}|(?:st|nd|rd|th)(?![a-zA-Z]))")
"""What makes 12 the twelfth."""
BASE = re.compile(r"(?<=\d)_\{(\d+)\}")
DEGREES = re.compile(r"\s*\^\s*(?:\{\s*\u00b0\s*\}|\u00b0)")

REFUSED = re.compile(r"(?:\bnot|\b\w+n't)\s+[^,;]{1,40}?,?\s+but\s+(?:rather\s+)?", re.IGNORECASE)
NOT_THIS = re.compile(r"(?:^|,?\s)(?:and\s+|is\s+)?(?:not|\w+n't|rather\s+than|instead\s+of)\s[^=]*$", re.IGNORECASE)


def bare(statement: str) -> str:
    """A statement without markup: Markdown's, LaTeX's wrappers and spaces, and with one sign for each meaning."""
    if not MARKUP.search(statement):
        return statement.strip()
    text = plain_signs(statement).replace("{,}", ",")
    if "\\" in text:
        text = _plain_latex(text)
    if "_" in text:
        text = BASE.sub(r"_\1", text)
    if "<" in text:
        text = TAG.sub(" ", text)
    text = POWER_OF_TEN.sub(lambda found: f"e{found[1] or found[2]}", text)
    return MARKDOWN.sub("", text).replace("$", " $ ").strip()


def affirmed(statement: str) -> str:
    """A statement without what it denies: `6` of `not 5 but 6` and of `6, not 5`."""
    return (
        NOT_THIS.sub("", REFUSED.sub(" ", statement)).strip()
        if "not" in statement or "n't" in statement or "of" in statement or "than" in statement
        else statement
    )


def plain_signs(text: str) -> str:
    """The same text with one sign for each meaning: full-width letters, minus signs, quotes, superscripts."""
    if text.isascii():
        return text
    text = SUPERSCRIPT.sub(lambda found: "^" + found.group().translate(SUPERSCRIPTS), text)
    text = VULGAR.sub(lambda found: f"{found[1]} {unicodedata.normalize('NFKC', found[2])}", text)
    text = MINUS.sub("-", text)
    return DASH_AS_MINUS.sub(r"\1-", unicodedata.normalize("NFKC", text).translate(QUOTES))


def _plain_latex(text: str) -> str:
    text = FRACTIONS.sub(r"\\frac", text)
    text = text.replace("\\(", " ").replace("\\)", " ")
    while (unwrapped := WRAPPED.sub(r"\1", text)) != text:
        text = unwrapped
    text = UNCLOSED.sub(" ", text)
    text = FRACTION.sub(_fraction, NOISE.sub("", SPACES.sub(" ", text)))
    text = COMMAND.sub(lambda found: SIGNS.get(found.group(), found.group()), text)
    return ORDINAL.sub("", DEGREES.sub("\u00b0", ESCAPED.sub(r"\1", text)))


def _fraction(found: re.Match[str]) -> str:
    whole, *parts = found.groups()
    above, below = (part for part in parts if part is not None)
    return f"{whole} {above}/{below} " if whole else f"{above}/{below}"
