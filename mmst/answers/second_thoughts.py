"""What a completion says and does not stand by: statements that are denied, supposed or others', corrections, second answers.

Each begins with a search for its words, since nearly all completions have none of them.
"""

from __future__ import annotations

import re

LONGEST_AFTER = 2_000
"""Characters after a statement that are looked at."""
CUES = (
    r"\b(?:first|initially|originally|wrongly|mistakenly|once)\s+(?:thought|believed|said|assumed|guessed|figured|answered)\b"
    r"|\b(?:thought|believed|guessed)\s+(?:that\s+)?(?:the|my)\b"
    r"|\b(?:suppos(?:e|ing)|assum(?:e|ing)|imagine|pretend|let us say|let's say)\b"
    r"|\b(?:you|one|people|some|many|someone)\s+(?:might|may|could|would)\s+(?:\w+\s+)?(?:think|say|believe|guess|answer"
    r"|assume|argue|claim|conclude)\b"
    r"|(?:\b(?:do|does|did|can|would)\s+not|n't|\bcannot|\bnever|\bhardly)\s+(?:think|believe|say|claim|agree)\b"
    r"|\bno way\b|\bnot (?:the case|true|so) that\b|\bdoubt\b"
    r"|\b(?:(?!(?-i:I|We)\b)\w+)\s+(?:says|said|claims|claimed|thinks|believes|argues|insists|guesses|guessed|told \w+)\b"
)
"""Before a statement that is denied, supposed, or another's."""
UNSAID = re.compile(
    rf"(?:(?:{CUES})[^.!?\n,]{{0,60}}?\b(?:answers?|boxed|correct|option|choice)\b"
    r"|\b(?:wrong|incorrect|false)\s+(?:answer|option|choice|one)\b|\b(?:common|typical|frequent)\s+(?:mistake|error)\b"
    r"|(?:\b(?:do|does|did)\s+not|n't)\s+(?:think|believe)\s+(?:that\s+)?it(?:'s|\s+is)\b"
    r"|\b(?:you|one|people|some|many|someone)\s+(?:might|may|could|would)\s+(?:\w+ly\s+)?(?:say|guess|answer)\s)"
    r"(?:[^.!?\n,]|[.,](?=\d))*",
    re.IGNORECASE,
)
UNSAID_WORDS = (
    "though",
    "believe",
    "suppos",
    "assum",
    "imagin",
    "pretend",
    "say",
    "said",
    "think",
    "claim",
    "agree",
    "might",
    "may",
    "could",
    "would",
    "mistake",
    "error",
    "conclude",
    "doubt",
    "argue",
    "insist",
    "guess",
    "told",
    "wrong",
    "incorrect",
    "false",
    "no way",
    "not the case",
    "not true",
    "not so",
    "let us",
    "let's",
)
"""In lower case; without any of these nothing is unsaid. Plain words are found far faster than a pattern of them."""
CUE_WORDS = re.compile(
    r"wait|hmm|hold on|actually|correct|mistake|sorry|oops|scratch|second thought|\bno\b|wrong|error|however", re.IGNORECASE
)
SECOND = re.compile(
    r"(?:^|[\n.!?;]|,?\s+(?=but\b))[\s\W]*(?:but\s+)?(?:(?P<weak>wait|hmm+|hold on|however)\b"
    r"|no(?:\s*[,.;:!\u2013\u2014-]|\s+wait\b)"
    r"|(?:actually|correction|sorry|oops|my mistake|scratch that|on second thought)\b"
    r"|let me (?:correct|fix)\b|I (?:\w+\s+){0,2}(?:an?|my) (?:\w+\s+)?(?:error|mistake)\b"
    r"|(?:that|this|it|the (?:answer|result|value)(?: above)?)(?:'s| is| was)\s+(?:wrong|incorrect|not (?:right|correct)"
    r"|a mistake)\b)",
    re.IGNORECASE,
)
"""Where a sentence after a statement begins to take it back; `weak`: or only to think it over."""
WRONG = re.compile(
    r"\b(?:wrong|incorrect|not (?:right|correct)|(?:can't|cannot) be(?: right| correct)?|(?<!no )(?:mistake|error))\b",
    re.IGNORECASE,
)
CONFIRMED = re.compile(
    r"\b(?:is|was|are|looks|seems)\s+(?:indeed\s+|actually\s+|still\s+|all\s+)?(?:correct|right|fine|ok"
    r"|consistent)\b(?!\s+(?:answer|value|result|option|choice|one|total)\s+(?:is|should))"
    r"|\b(?:confirm(?:s|ed)?|matches|checks out|verified|as before|yes)\b|\u2713|\u2714",
    re.IGNORECASE,
)
CORRECTED = re.compile(
    r"(?:\b(?:is|are|be|been|equals|gives|giving|get|makes|leaves|actually|correction|rather|no|wait|sorry|oops)\b|'s"
    r"|[:=]|^)[\s,:*$(\\{\u20ac\u00a3-]*"
    r"(?:(?:really|actually|in fact|option|choice|boxed)\W+)?(?:\d|\(?(?-i:[A-Z])\b|yes\b|no\b|true\b|false\b|(?:one|two"
    r"|three|four|five|six|seven|eight|nine|ten)\b)",
    re.IGNORECASE,
)
"""What says a new answer."""
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
ALSO_WORDS = re.compile(r"\bor\b|also|alternatively|another|so is|as well", re.IGNORECASE)
ALSO = re.compile(
    r"(?:\s+is\s+(?:the\s+)?(?:correct|right|best|final)(?:\s+(?:answer|option|choice|one))?)?\W*(?:or\s+(?!(?:so|more"
    r"|less|equivalently|in other|simply|just|written|about|approximately|roughly)\b)"
    r"|alternatively\b|so\s+(?:is|are)\b|also\s+(?=(?:option\s+)?\S{1,12}\W*(?:$|\n))|another\s+(?:possible\s+"
    r"|valid\s+)?(?:answer|value|solution|possibility)\b"
    r"|(?:it|this|that|the answer)\s+(?:could|might|may|can)\s+(?:also\s+|equally\s+|just as well\s+|instead\s+)*be\b"
    r"|(?=(?:option\s+|choice\s+)?\S{1,12}\s+(?:is|are|could be|might be|would be)\s+(?:also|as well)\b))"
    r"(?P<other>[^\n!?]{1,100})",
    re.IGNORECASE,
)
"""Right after a statement: a second answer beside it."""
CASES = re.compile(
    r"(?:^|[\n,;.$)])[\s*_#\\]*(?:(?:and|or|but|for)\s+)?(?:\([a-h]\)|[a-h]\)\s|case\s+\w|part\s+\(?\w|alternatively\b"
    r"|otherwise\b|or\b|second\s*:)"
    r"|^[^\n.]{0,60}\b(?:if|when)\b",
    re.IGNORECASE,
)
"""Between two boxes that answer two cases or two parts."""


def without_unsaid(text: str) -> str:
    """A text without the statements that it denies, supposes, or gives as another's: `My friend says the answer is 7.`"""
    lower = text.lower()
    return UNSAID.sub(" ", text) if any(map(lower.__contains__, UNSAID_WORDS)) else text


def second_thought(after: str) -> tuple[str, bool] | None:
    """What begins after a statement with a second thought about it, and whether that takes it back for certain."""
    after = after[:LONGEST_AFTER]
    cue = SECOND.search(after) if CUE_WORDS.search(after) else None
    if cue is None:
        return None
    said = after[cue.start() :].lstrip(" \n.;,)]}$*\\")
    return said, not cue["weak"] or WRONG.search(said) is not None


def is_confirmed(said: str) -> bool:
    """Whether a second thought comes to the first answer."""
    return CONFIRMED.search(said) is not None


def says_new(said: str) -> bool:
    """Whether the last sentence of a second thought that can say an answer says one: `it should be 8`."""
    last = next((part for part in reversed(SENTENCE.split(said.strip())) if CORRECTED.search(part)), "")
    return bool(last)


def other_answer(after: str) -> str | None:
    """The second answer that stands right after a statement: `13` of `12. Or 13.`"""
    found = ALSO.match(after[:LONGEST_AFTER]) if ALSO_WORDS.search(after[:200]) else None
    return found["other"] if found else None


def by_cases(between: str) -> bool:
    """Whether what stands between two boxes makes them the answers of two cases."""
    return CASES.search(between) is not None
