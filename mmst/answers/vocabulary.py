"""The words and signs round a number, by what they make of it; see `mmst.answers.quantities`."""

from __future__ import annotations

import re

LONGEST = 500
"""Characters of a statement that are read."""
CURRENCIES = frozenset("$\u20ac\u00a3\u20b9\u00a5\u20a9") | {"usd", "eur", "gbp", "inr", "rs", "us", "rm", "php"}
SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
    "score": 20,
    "lakh": 10**5,
    "crore": 10**7,
    "mn": 10**6,
    "mil": 10**6,
    "bn": 10**9,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "B": 10**9,
}
PERCENT = {"%", "percent", "percents", "percentage", "pct"}
UNIT_LETTERS = frozenset("mgshlLdWVANJCFKm")
"""Letters that name a unit after a number; any other is an unknown (`3x`)."""
ORDINALS = {"st", "nd", "rd", "th"}
OPERATORS = frozenset("+-*/\u00d7\u00f7\u00b7\u2013") | {"**", "\\cdot", "x", "X"}
OPERATION_WORDS = {"plus", "minus", "times", "multiplied", "divided", "subtracted", "than", "mod", "modulo"}
OPENING_WORDS = {"twice", "double", "triple", "half", "thrice", "sum", "product", "quotient", "root", "square", "cube"}
"""Before a number: a calculation in words. `half` and `square` only where `of` follows."""
JOINTS = frozenset(",;:/&|\u2013\u2014\u00b1~-") | {
    "and",
    "or",
    "to",
    "through",
    "thru",
    "until",
    "till",
    "versus",
    "vs",
    "nor",
    "between",
}
HEDGES = {
    "also",
    "maybe",
    "perhaps",
    "possibly",
    "either",
    "even",
    "then",
    "about",
    "around",
    "approximately",
    "else",
    "rather",
    "the",
    "a",
}
SUBORDINATE = {
    "of",
    "out",
    "in",
    "for",
    "per",
    "from",
    "at",
    "on",
    "by",
    "within",
    "during",
    "when",
    "while",
    "after",
    "before",
    "since",
    "as",
    "because",
    "with",
    "without",
    "that",
    "who",
    "which",
    "where",
    "if",
    "using",
    "every",
    "each",
    "under",
    "among",
    "into",
    "over",
    "between",
}
"""A number after one of these says something of the number before it."""
NO_UNITS = JOINTS | SUBORDINATE | OPERATION_WORDS | {"squared", "cubed", "is", "was", "are", "but"}
BOUNDS = {"<", ">", "\u2264", "\u2265", "\u2260", "<=", ">=", "!=", "\\lt", "\\gt"}
MATHEMATICS = {"\u221a", "\u03c0", "\u00b1", "^", "**", "\u221e", "_"}
FUNCTIONS = {"pi", "sqrt", "sin", "cos", "tan", "log", "ln", "exp"}
NOTHING = {
    "\\quad",
    "\\checkmark",
    "\\star",
    "\\ldots",
    "\\dots",
    "\\cdots",
    "\\hline",
    "\\text",
    "\\therefore",
    "\\because",
    "\\\\",
    "\\qquad",
    "\\bullet",
    "\\square",
    "\\Box",
    "\\in",
    "\\&",
}
EQUALS = re.compile(r"(?<![<>!:=])=+(?!=)|:=|\u2261")
ARROW = re.compile(
    r"\\(?:implies|Rightarrow|rightarrow|to|Longrightarrow|longrightarrow|therefore)(?![a-zA-Z])|=>|->|\u2192|\u21d2|\u27f9"
)
UNKNOWN_TIMES = re.compile(r"\s*[a-zA-Z]\s*=\s*-?\d+(?:\.\d+)?[a-z]\s*\.?")
"""`n = 3m`: two unknowns, and no metres."""
SEVERAL_UNKNOWNS = re.compile(r"=\s*[-$\d][^=]*(?:\bor\b|\band\b|[,;])\s*\$?\s*[a-zA-Z](?:_?\d|_\{\d\})?\s*=\s*[-$\d]")
"""`x = 7 or x = 8`."""
DOTS = re.compile(r"(?<=\d)\s?(?:\.{2,}|\u2026)\s?(?=\d)")
"""Between the ends of a range."""
GOES_ON = re.compile(r"\d\s*\\[lc]?dots(?![a-zA-Z])[\s$.]*$|\d\.\d+\s?(?:\.{2,}|\u2026)[\s$]*$")
"""Digits that are not all written."""
FOOTNOTE = re.compile(r"(?<=\d)\s*\[\d{1,2}\](?=[\s$.]*$)")
ABSOLUTE = re.compile(r"\|(?=\S)([^|]+)(?<=\S)\|")
"""With no spaces inside the bars, which are those of a table else."""
AGAIN = frozenset(("or", ",", "(", ")", "-"))
"""What may stand between a value and its other form."""
HOURS = {"am", "pm", "o", "noon"}
"""After a number that is a time of day."""
ABOUT = re.compile(r"\(?\s*\u2248")
CHANGING = re.compile(
    r"\b(?:(?:third|thirds|quarters?|fifths?|sixths?|tenths?|multiples?|factors?|divisors?|negatives?|reciprocals?"
    r"|inverses?|opposites?"
    r"|logarithms?|factorials?|squares?|cubes?|roots?|powers?|digits?|remainders?|sine|cosine|tangent|absolute value"
    r"|floor|ceiling|fraction|part|portion|most|complements?|predecessors?|successors?|conjugates?|halves|double|triple) of"
    r"|root|up to|close to|near|nearly|almost|as (?:many|much|few|little) as|such as|for example|e\.g\.|page|chapter"
    r"|section|question|version|figure|table|(?:^|is )before|(?:anything|everything|all) (?:but|except)"
    r"|(?:with|from|by|given) only|impossible\b[^.]*|cannot be \w+ from|can't be \w+ from|undetermined from)"
    r"[\s$\u20ac\u00a3*({\\-]*(?:the number\s+)?$",
    re.IGNORECASE,
)
"""Before a number: it is not what is stated, but what that is made of, near to, or an example of."""
CHANGED = re.compile(
    r"\s*(?:squared|cubed|factorial|tenths?|hundredths?|thousandths?|millionths?|(?:in\s+)?base\s+(?!10\b|ten\b)|(?:less"
    r"|more|fewer|greater) than (?:twice|thrice|half|double|triple|\d+|(?!a\b)[a-z])"
    r"|raised to|to the (?:power|square|(?!n)\w+th)|halved|(?:st|nd|rd|th) (?:prime|root|power|term|multiple)|inverse"
    r"|if\b(?=.*\b(?:had|were|would|did not|didn't)\b)[^.]*|doubled|tripled|modulo|mod)\b",
    re.IGNORECASE,
)
"""After a number: the same."""
