r"""Where in a completion its answer stands. From the outside in:

1. Thinking is no answer: what stands before the last `</think>`, or after a `<think>` that is never closed, is not read.
2. A run-on is another problem: the text ends where a next question, a next turn or a special token begins. A question that is
   repeated before anything is said is skipped instead, and so is a turn's own header.
3. Of what is left, statements are tried in the order of `statements`, each tag, box and mark from the last to the first:
   tags (`<answer>12</answer>`), boxes (`\boxed{12}`), marks (`The answer is 12`, `**Answer**: 12`, `#### 12`,
    `12 is the answer`).
   A mark after a box counts before it where the text takes the box back in between (`Wait, ...`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mmst.answers.second_thoughts import by_cases
from mmst.answers.thinking import thinking_ends, without_thinking

LONGEST_READ = 20_000
"""Characters of a completion that are looked at, from its end."""
LONGEST_STATEMENT = 500
"""Characters after a mark that are looked at."""
MOST_MARKS = 20
"""Marks, or boxes, that are tried, from the last one: a model that repeats itself must not hold the grader."""

SOFT = r"[ \t#>*_`~-]*"
"""What may stand before a word at the start of a line."""
ANOTHER = r"(?:[Nn]ext|[Aa]nother|[Nn]ew|[Ss]imilar|[Ff]ollow-?up)\s+"
RUN_ON = re.compile(
    rf"\n{SOFT}(?:(?:Q|Problem|PROBLEM|QUESTION|Exercise|Example|Human|User|USER|Instruction|Input|Task"
    rf"|{ANOTHER}(?:[Qq]uestion|[Pp]roblem))\s*#?\d*[*_]*\s*[:.)](?=[\s*_]|$)"
    r"|(?:Question|Problem|Exercise|Example)\s+#?\d+[*_]*\s*(?:[:.)]|\n|$))"
    r"|\n[ \t]*\[(?:Question|Problem)[ \d]*\]"
    r"|\n[ \t]*(?:#+[ \t]*)?(?:Conversation|Dialogue)[ \t]+#?\d+[:.]?[ \t]*(?=\n)"
    r"|\n[ \t]*#+[ \t]*(?:Instruction|Input|Question|Problem|Exercise|Example|Task|User|Human)\b[^\n]*"
    r"|\n[ \t]*(?:Now,? )?(?:[Hh]ere(?:'s| is)|[Ll]et(?:'s| us) (?:try|do|solve)) "
    r"(?:another|the next|a new|a similar) (?:question|problem|one|example)\b"
)
"""Where a line begins a next question."""
TURN = re.compile(
    r"Question\s*\d*[*_]*:|</s>|<end_of_turn>|<start_of_turn>|\[/?INST\]|<\uff5cUser\uff5c>"
    r"|<\uff5cend\u2581of\u2581sentence\uff5c>"
    r"|<pad>|<eos>|<unk>|\[/s\]|<(?:human|bot|user|assistant)>:|<\|end_of_solution\|>|<\|(?:im_start|im_end|endoftext"
    r"|eot_id|end_of_text|start_header_id|user|assistant|end|eom_id)\|>"
)
"""Where a next question or turn begins, wherever it stands in its line."""
LEAD_IN = re.compile(
    r"\s*(?:(?:[^\n.!?:]{0,40}[.!]\s)?[^\n.!?]{0,80}:)?[\s#*_>-]*|(?:system|user|assistant)?\s*"
    r"|\s*(?:[^\n.!?:\d]{0,60}\b(?:restate|repeat|question|problem|solve|let me|let's|let us)\b[^\n.!?:\d]{0,60}[.!:?]?\s*)"
    r"{1,2}[\s#*_>-]*",
    re.IGNORECASE,
)
"""What may stand before a repeated question without saying anything: a heading such as `Here is the problem:`."""
ASKED = re.compile(r"\n[ \t]*\n(?=(?P<paragraph>(?:[^\n]+\n){0,2}?[^\n]*\?[ \t]*(?:\n|$)))")
"""A paragraph that ends in a question, after an empty line."""
CLOSED = re.compile(
    r"####[ \t]*(?:[-$\u20ac\u00a3 ]*\d[\d,./]*%?(?:[ \t]+[a-z]+){0,3}\.?|\(?[A-Z]\)?|[Yy]es|[Nn]o)[ \t]*(?=\n[ \t]*\n)"
)
"""GSM8K's last line, with an empty line after it."""
SECOND_THOUGHT = re.compile(r"\s*(?:wait|hmm|but|no\b|let me|let's|however|actually|check|so\b|is\b|does this)", re.IGNORECASE)
TAGS = re.compile(
    r"<\s*(answer|final_answer|final-answer|finalanswer|final|ans|solution_answer)\b[^<>\n]*>(.*?)(?:<\s*/\s*\1\s*>|$)"
    r"|\[(ANSWER)\](.*?)(?:\[/ANSWER\]|$)",
    re.IGNORECASE | re.DOTALL,
)
TAG_SIGNS = ("<a", "<A", "<f", "<F", "<s", "< a", "[ANSWER", "[answer")
BOX = re.compile(r"\b(?:boxed|fbox)\b|\x08oxed\b")
"""With the control sign that JSON makes of `\\b`, too."""
BETWEEN_BOXES = re.compile(
    r"[\s$.)\\]*(?:\\?text\w*\{)?\s*(?:[a-z]{2,15}\s*)?(?:,|;|&|/|\bor\b|\band\b|\bto\b)\s*(?:or"
    r"|and)?\s*\}?[\s$(\\]*(?:[a-zA-Z]\s*=\s*)?[\s$\\]*",
    re.IGNORECASE,
)
"""What joins two boxes to one list."""
ANSWERS_ALONE = re.compile(r"\d|^\W*[A-Za-z]\W*$|^[^\W\d]{2,}[\w ]*$")
COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mathbf)?(?:[a-zA-Z]+)?|[{}$]")
VERBS = (
    r"(?:is|are|was|equals?|becomes?|(?:would|should|must|will|can only|has to|might|may)\s+be"
    r"|looks\s+like|(?:seems|appears)(?:\s+to\s+be)?"
    r"|turns\s+out\s+to\s+be|(?:comes|works)\s+out\s+(?:to|as)(?:\s+be)?|comes\s+to)"
)
MARK = re.compile(
    r"(?<![^\W_])(?:answers?|ans|(?:correct|right|best)\s+(?:option|choice|letter|one))(?![^\W_])"
    r"(?:[*_`\"'\]}]|</\w{1,6}>)*"
    r"(?:\s+\((?!\w\))[^()\n]{1,40}\)|\s+(?:to|for|of|in)\s+[^.:=\n?!]{1,80}?(?=\s+is\b|\s+are\b|:)|,?\s+(?:then"
    r"|therefore|thus|hence|here),?|\s+(?:option|choice|letter)(?=\s+is\b))?"
    rf"(?:[*_`\"'\]}}]|</\w{{1,6}}>)*\s*(?:{VERBS}\b(?:\s+(?:therefore|thus|hence|then|simply|just|clearly|indeed|now"
    rf"|actually|that|still|also|again))*\s*[:,]?|[:=\uff1a]|\u2192|\u21d2|[=-]>|(?:\\)?Rightarrow|[-\u2013\u2014](?=\s)"
    rf"|\.(?=\s*\d))"
    r"|####(?!#)",
    re.IGNORECASE,
)
"""What announces an answer."""
SAYS = re.compile(r"[^\W_]")
BULLET = re.compile(r"^\s*(?:[>\u2022*]\s*|-\s+)+")
QUOTED = re.compile(r"\s*([\"'])((?:(?!\1)[^\\]|\\.)*)\1\s*(?:[,}\]]|$)")
"""A value of a JSON object."""
CLOSING = re.compile(r"^\s*[*_]+\s+")
"""The end of a mark in italics: `*The answer is:* 12`."""
LINES_BELOW = 5
"""Lines below a mark among which its value is looked for, where nothing stands on its own."""
MARK_WORDS = ("answer", "####", "ans", "correct ", "right ", "best ")
"""What each mark begins with."""
MOST_TRIES = 5 * MOST_MARKS
HEADING = re.compile(r"^[ \t]*[#*_>]+[ \t]*[*_]*(?:the\s+)?(?:final\s+)?answer[*_ \t:]*$", re.IGNORECASE | re.MULTILINE)
POST_MARK = re.compile(
    r"(?P<value>(?:[-$\u20ac\u00a3]?\d[\d,.]*\d|\d|[$*_(]*\b[A-Z]\b[)*_$]*|\*\*[^*\n]{1,60}\*\*))[*_]*"
    r"\s+(?:is|are)\s+(?:the|our|my|therefore the)\s+"
    r"(?:(?:final|correct|right|best)\s+)?(?:answer|option|choice)\b(?!\s*(?:to|for)?\s*(?:part|step))|"
    r"(?:option|choice)?\s*(?P<letter>\(?\b[A-Z]\b\)?)[*_]*\s+is\s+(?:the\s+)?(?:correct|right)\b(?:\s+(?:answer|one"
    r"|option|choice))?"
)
POST_WORDS = ("is the answer", "is our answer", "is my answer", "is the final", "is the correct", "is the right", "is the best",
              "is correct", "is right", "is therefore", "are the answer", "are the final", "are the correct")  # fmt: skip
"""Without any of these there is no such mark."""
RETRACTED = re.compile(
    r"\b(?:wait|actually|correction|mistake|sorry|oops|hold on|instead|incorrect|re-?check|rather|no,)\b", re.IGNORECASE
)
ABBREVIATIONS = (
    "St",
    "Dr",
    "Mr",
    "Ms",
    "Mt",
    "vs",
    "No",
    "Jr",
    "Sr",
    "Rs",
    "rs",
    "eq",
    "ca",
    "cf",
    "Mrs",
    "Gen",
    "Col",
    "a.m",
    "p.m",
    "i.e",
    "e.g",
    "U.S",
    "approx",
)
REMARKS = (
    "so|as|of course|which|who|where|when|i\\.e|e\\.g|that is|namely|meaning|not|hence|thus|therefore|assuming|given|found|"
    "verified|checked|"
    "calculated|"
    "rounded|if|while|for|with|after|giving|leaving|making|in total|obviously|clearly|"
    "indeed|right|correct|however|altogether|respectively|because|since"
)
UNITS = ("ft", "in", "lb", "lbs", "oz", "hr", "hrs", "min", "mins", "sec", "yd", "qt", "pt", "gal")
"""After these a full stop ends a statement only before a capital letter."""
AFTER_UNIT = "|".join(rf"(?<=\b{unit}\.)" for unit in UNITS)
HEDGED = (
    r"(?!(?:(?<=\.\.)|\.+)\s+(?:or|maybe|perhaps|possibly)\b)(?![.!?]*\s+(?:or|maybe|perhaps|possibly)\b,?"
    r"(?:\s+(?:maybe|perhaps|possibly|it is|it's))?\s+[($*\\]*(?:\d|(?-i:[A-Z])\b|(?:yes|no|true|false)\b))"
)
"""A second value after a full stop or an ellipsis belongs to the statement: `12... or maybe 13`."""
STOP = "".join(rf"(?<!\b{re.escape(word)})" for word in (*ABBREVIATIONS, *UNITS)) + rf"[.!]{HEDGED}(?=[\s*_\"')\]$]+(?:\S|$))"
STATEMENT_END = re.compile(
    rf"{STOP}|\.(?=\s+(?-i:[A-Z]))(?:{AFTER_UNIT})|[?]{HEDGED}(?=\s|$)"
    r"|;(?=\s)(?!\s*(?:and|or)?\s*[-$]?\d[\d.,/]*(?:\s+[^\W\d]+)?[\])}.!*\"'\s]*(?:;|$))(?!\s*\(?[A-Z]\)?[.!*\"'}\s]*$)"
    r"(?!\s*[^\W\d]+(?:\s[^\W\d]+)?[^\w;]*$)"
    r"|,\s*[\"'][\w ]+[\"']\s*:"  # the next key of a JSON object
    r"|,?\s+(?:since|because|whereas|although|though)\b"
    rf"|,\s+(?=(?:{REMARKS})\b)"
    r"|\s\((?!\s*(?:or|and)\s+[-$\u20ac\u00a3(]*[\dA-Z]\S*\s*\)|\s*[-$]?\d[\d.,/]*\s*\)|[A-Za-z]\)"
    r"|\s*[^\W\d]\s*[-+*/^])(?=[^()]*\S)(?![^()]*\)\s*(?:or|and|to|,)\s)"
    r"|,?\s+and\s+(?=(?:he|she|it|they|we|there|you|I)\s+[^\W\d]+|[^\W\d][^.;=\n]*\d\s*[-+*/\u00d7\u00f7]\s*\$?\d[^.;\n]*=)",
    re.IGNORECASE,
)
"""Where a statement ends and a remark on it begins."""
OR_ELSE = re.compile(r"\s\(\s*(?:or|maybe|perhaps|possibly)\b", re.IGNORECASE)
"""A second name in parentheses, which is no remark."""
INITIAL = re.compile(r"\b[A-Z]\.\s?(?=[A-Z])")
"""`J. Smith`, which ends no sentence where names are answers."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A part of a completion that may be its answer."""

    how: str
    """`tagged`, `boxed` or `marked`."""
    text: str
    start: int


def answer_part(completion: str) -> str:
    """The end of a completion, without its thinking and without what runs on after it."""
    return _to_run_on(without_thinking(completion)[-LONGEST_READ:])


@lru_cache(maxsize=8)  # a filter's rules ask for it one after the other
def without_run_on(completion: str) -> str:
    """A completion, with its thinking, up to where a next question or turn begins."""
    said = thinking_ends(completion)
    return completion[:said] + _to_run_on(completion[said:])


def _to_run_on(text: str) -> str:
    """A text up to where a next question or turn begins."""
    text = "\n" + text
    start = 1
    cues = list(RUN_ON.finditer(text))
    if "Question" in text or "<" in text or "INST]" in text or "[/s]" in text:
        cues = sorted([*cues, *TURN.finditer(text)], key=lambda cue: cue.start())
    for cue in cues:
        repeated = start > 1 and not _announced(text[start : cue.start()])
        if cue.start() >= start and not repeated and not _leads_in(text[start : cue.start()]):
            return _up_to_next_problem(text[start : cue.start()])
        start = max(start, cue.end())
    return _up_to_next_problem(text[start:])


def statements(text: str) -> Iterator[Statement]:
    """The statements of an answer, those that count most first."""
    tags = list(TAGS.finditer(text)) if any(map(text.__contains__, TAG_SIGNS)) else []
    for found in tags[: -MOST_MARKS - 1 : -1]:
        content = found[2] if found[2] is not None else found[4]
        inner = [statement for statement in statements(content) if statement.how == "boxed"]
        yield from (
            (Statement("tagged", statement.text, found.start()) for statement in inner)
            if inner
            else (Statement("tagged", content.strip(), found.start()),)
        )
    boxes = _joined(_boxes(text), text)
    marks = _marks(text)
    if boxes and marks and marks[0].start > boxes[0].start and RETRACTED.search(text, boxes[0].start, marks[0].start + 1):
        yield from marks
        marks = []
    yield from boxes
    yield from marks


def statement_of(text: str, names: bool = False) -> tuple[str, bool]:
    """The first statement of a text, without the remarks on it, and whether it is asked rather than said.

    `names`: an initial such as that of `J. Smith` ends no statement.
    """
    text = text.strip()
    for end in STATEMENT_END.finditer(text, 1):
        if not (names and (INITIAL.match(text, max(end.start() - 1, 0)) or OR_ELSE.match(text, end.start()))):
            return text[: end.start()], text[end.start()] == "?"
    return text, text.endswith("?")


def _leads_in(text: str) -> bool:
    return LEAD_IN.fullmatch(text) is not None and not _announced(text)


def _up_to_next_problem(text: str) -> str:
    """A text up to a next problem without a heading: after GSM8K's last line, or after an answer a question of a paragraph."""
    for closed in CLOSED.finditer(text) if "####" in text else ():
        if not SECOND_THOUGHT.match(text, closed.end()):
            text = text[: closed.end()]
            break
    if "?" not in text or "\n" not in text:
        return text
    for asked in ASKED.finditer(text):
        second = SECOND_THOUGHT.match(asked["paragraph"])
        if second is None and _announced(text[: asked.start()]) and _announced(text[asked.end() :]):
            return text[: asked.start()]
    return text


def _announced(text: str) -> bool:
    return MARK.search(text) is not None or BOX.search(text) is not None


def _marks(text: str) -> list[Statement]:
    """The marked statements, from the last one."""
    found = _announcements(text)
    marked = [(mark.start(), _after(text, mark)) for mark in found[-2 * MOST_MARKS :]]
    if any(map(text.__contains__, POST_WORDS)):
        marked += [(post.start(), post["value"] or post["letter"]) for post in POST_MARK.finditer(text)]
        marked.sort(key=lambda mark: mark[0])
    return [Statement("marked", said.strip(), start) for start, said in marked[: -MOST_MARKS - 1 : -1]]


def _announcements(text: str) -> list[re.Match[str]]:
    """The matches of `MARK`, in order, at most so many from the end; by its words first, which is faster by far."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return [*MARK.finditer(text)][-2 * MOST_MARKS :]
    found = []
    for word in MARK_WORDS:
        place, tries = lowered.rfind(word), 0
        while place >= 0 and tries < MOST_TRIES:
            mark = MARK.match(text, place) or HEADING.match(text, text.rfind("\n", 0, place) + 1)
            if mark is not None:
                found.append(mark)
            place, tries = lowered.rfind(word, 0, place), tries + 1
    return sorted(found, key=lambda mark: mark.start())


def _after(text: str, mark: re.Match[str]) -> str:
    """What follows a mark: the rest of its line, or the next line that says anything."""
    said = text[mark.end() : mark.end() + LONGEST_STATEMENT]
    line, *below = said.split("\n", LINES_BELOW)
    if SAYS.search(line):
        quoted = QUOTED.match(line) if mark.group().rstrip()[-1:] == ":" and mark.group().rstrip(": ")[-1:] in "\"'" else None
        return quoted[2] if quoted else CLOSING.sub("", line)
    return next((BULLET.sub("", other) for other in below[: LINES_BELOW - 1] if SAYS.search(other)), "")


def _boxes(text: str) -> list[Statement]:
    """What is in the boxes that are closed, nested braces and all, from the last one."""
    boxes = []
    for found in [*BOX.finditer(text)][: -MOST_MARKS - 1 : -1] if "box" in text or "\x08" in text else ():
        content = _braced(text, found.end())
        if content is not None:
            boxes.append(Statement("boxed", content, found.start()))
    return boxes


def _joined(boxes: list[Statement], text: str) -> list[Statement]:
    r"""The boxes; of several that are one list of different answers, as `\boxed{7} or \boxed{8}` is, the last says them all."""
    if len(boxes) < 2:
        return boxes
    last, before = boxes[0], boxes[1]
    said = [COMMAND.sub("", box.text).strip() for box in (before, last)]
    between = text[before.start : last.start].partition(before.text)[2].removeprefix("}")
    listed = BETWEEN_BOXES.fullmatch(between) is not None and all(ANSWERS_ALONE.search(part) for part in said)
    if said[0] == said[1] or not (listed or by_cases(between)):
        return boxes
    return [Statement("boxed", f"{before.text} or {last.text}", last.start), *boxes[1:]]


def _braced(text: str, start: int) -> str | None:
    opening = text.find("{", start)
    if opening < 0 or text[start:opening].strip():
        return None
    depth = 0
    for place in range(opening, min(len(text), opening + LONGEST_READ)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[opening + 1 : place]
    return None
