"""Which part of a completion is its program.

In this order: nothing after the end of the turn or a run-on next question; nothing of what was thought; of the blocks in
fences the last one that answers, with what it needs of the earlier ones; without a fence the lines that are Python, without
the words round them. A program that is broken or cut off is left whole: Python will say so.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmst.answers.thinking import without_thinking

END_OF_TURN = re.compile(
    r"<\|[a-z][a-z_ ]{1,40}\|>|<\uff5c[^\uff5c\n]{1,40}\uff5c>|</?s>|<eos>|<pad>|<unk>|<end_of_turn>|<start_of_turn>|\[/?INST\]"
)
RUN_ON = re.compile(r"\n[#*\s]*Question:")
FENCE = re.compile(
    r"^[ \t>]*(?P<marks>```+|~~~+)[ \t]*(?P<info>[^\n`]*?)[ \t]*$|(?P<tag></?(?:python|code)>|\[/?PYTHON\])",
    re.IGNORECASE | re.MULTILINE,
)
INLINE = re.compile(
    r"^[ \t]*```[ \t]*(?:python3?|py3?)?[ \t]+([^`\n]+?)[ \t]*```[ \t]*$|^[ \t]*```([^`\n]+=[^`\n]+)```[ \t]*$", re.MULTILINE
)
PYTHON_TAG = re.compile(r"^[{.\s]*(?:python|py|ipython|pycon)[\d.]*\b", re.IGNORECASE)
TAG_LINE = re.compile(r"\A\s*(?:python|py)[\d.]*[ \t]*\n", re.IGNORECASE)
PROMPT_SIGN = re.compile(r"^[ \t]*(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)
BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
IN_PROMPT_SIGN = re.compile(r"\A\s*(?:In \[\d+\]: |>>> )")
CODE_LINE = re.compile(
    r"\s|(?:async )?def |class |import |from \S+ import|return\b|@|#|(?:if|for|while|with|elif|try|else|except|finally)\b.*:|"
    r"[\w.\[\]'\", ]+ ?(?:[-+*/%]|//|\*\*)?= ?[^=]|[\w.]+\(|[)\]}]|\"\"\"|'''|assert |raise |del |global |nonlocal |pass$"
)
"""How a line of a program begins, which a line of words does not."""
INDENT = "    "
ANSWERS = ("solution", "answer")
MOST_BLOCKS = 30
MOST_TRIES = 40
"""Places at which lines of words are looked for the program among them."""


@dataclass(frozen=True, slots=True)
class Block:
    """What stands in one fence."""

    tag: str
    text: str

    @property
    def is_python(self) -> bool:
        """Whether its tag says so, or it has none."""
        return not self.tag or bool(PYTHON_TAG.match(self.tag))


def program_in(completion: str, wanted: str = "") -> str:
    """The program of a completion; `wanted` names the function that is asked for, where one is."""
    text = answer_part(completion)
    blocks = [block for block in _blocks(text) if block.is_python and block.text.strip()]
    if blocks:
        return _tidy(_chosen([_tidy(block.text) for block in blocks[-MOST_BLOCKS:]], wanted))
    return BLANK_LINES.sub("", _bare_program(text))


def defined_names(code: str) -> set[str]:
    """The names that a program defines at its top; none where it is no Python."""
    tree = parsed(code)
    return set() if tree is None else _bound(tree)


def parsed(code: str) -> ast.Module | None:
    """The syntax tree; None where it is no Python."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def completed(prompt: str, body: str, name: str) -> str:
    """A function whose beginning is the prompt's: with the prompt's other lines where the body defines it anew.

    A body may have lost the indentation of its first line, or of all.
    """
    if name in defined_names(body):
        head = prompt[: match.start()] if (match := re.search(rf"^def {re.escape(name)}\b", prompt, re.MULTILINE)) else ""
        return f"{head}{body}" if parsed(head) is not None else body
    start = prompt.rstrip() + "\n"
    tried = [start + variant for part in (body, _first_block(body)) for variant in _indented(part)]
    return next((whole for whole in tried if _is_whole(whole)), tried[-1])


def _indented(body: str) -> Iterator[str]:
    """Ways in which a body may have been meant."""
    first, end, rest = body.strip("\n").partition("\n")
    if first[:1].isspace():
        yield body
    yield f"{INDENT}{first.lstrip()}{end}{rest}"
    yield f"{INDENT}{first.lstrip()}{end}{textwrap.indent(rest, INDENT)}"
    yield textwrap.indent(textwrap.dedent(body), INDENT)


def _first_block(body: str) -> str:
    """A body without what follows it at the margin."""
    first, *rest = body.strip("\n").split("\n")
    outside = next((n for n, line in enumerate(rest) if line.strip() and not line[:1].isspace()), len(rest))
    return "\n".join([first, *rest[:outside]])


def _is_whole(code: str) -> bool:
    """Whether it is Python, with no `return` outside of a function."""
    tree = parsed(code)
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return tree is not None and not any(
        isinstance(node, ast.Return) for part in tree.body if not isinstance(part, scopes) for node in ast.walk(part)
    )


def begins_function(prompt: str, name: str) -> bool:
    """Whether a prompt is Python that stops within the function of that name."""
    last = max((match.start() for match in re.finditer(r"^def \w+", prompt, re.MULTILINE)), default=-1)
    return last >= 0 and prompt[last:].startswith(f"def {name}") and parsed(prompt.rstrip() + "\n    pass\n") is not None


def answer_part(completion: str) -> str:
    """What a completion says after what was thought, up to the end of its turn or a run-on next question."""
    text = completion.replace("\ufeff", "").replace("\u200b", "").replace("\r\n", "\n").replace("\xa0", " ")
    text = without_thinking(text)
    run_on = next((found.start() for found in RUN_ON.finditer(text) if not _within_string(text[: found.start()])), len(text))
    text = text[:run_on]
    return next((part for part in END_OF_TURN.split(text) if part.strip()), "")


def _within_string(before: str) -> bool:
    """Whether a text ends within a string of several lines, such as a docstring that repeats the question."""
    return before.count('"""') % 2 == 1 or before.count("'''") % 2 == 1


def _blocks(text: str) -> Iterator[Block]:
    """The blocks in fences; one that the prompt opened ends at the first fence, one that is not closed at the text's end."""
    text = INLINE.sub(lambda found: f"```python\n{found.group(1) or found.group(2)}\n```", text)
    fences = list(FENCE.finditer(text))
    opened: re.Match[str] | None = None
    for number, fence in enumerate(fences):
        tag = fence["info"] or (fence["tag"] or "").strip("<>[]")
        closes = tag.startswith("/") if fence["tag"] else not tag
        if opened is not None and (closes or not fence["tag"]):
            yield Block(_tag(opened), text[opened.end() : fence.start()])
            opened = None if closes else fence
        elif opened is None and closes and number == 0 and _is_program(text[: fence.start()]):
            yield Block("", TAG_LINE.sub("", text[: fence.start()]))
        elif opened is None and not tag.startswith("/"):
            opened = fence
    if opened is not None and text[opened.end() :].strip():
        yield Block(_tag(opened), text[opened.end() :])


def _tag(fence: re.Match[str]) -> str:
    return "python" if fence["tag"] else fence["info"]


def _is_program(text: str) -> bool:
    tree = parsed(_tidy(TAG_LINE.sub("", text)))
    return tree is not None and any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body)


def _chosen(blocks: Sequence[str], wanted: str) -> str:
    """Of the blocks the last one that answers, after those earlier ones that define what it needs."""
    trees = [parsed(block) for block in blocks]
    place = max(range(len(blocks)), key=lambda n: (_weight(trees[n], blocks[n], wanted), n))
    chosen = trees[place]
    if chosen is None:
        return blocks[place]
    parts, needed = [blocks[place]], _needed(chosen)
    for block, tree in zip(blocks[:place][::-1], trees[:place][::-1], strict=True):
        if tree is not None and needed & _bound(tree):
            parts.insert(0, block)
            needed = (needed - _bound(tree)) | _needed(tree)
    return "\n".join(parts)


def _weight(tree: ast.Module | None, text: str, wanted: str) -> int:
    """How much a block looks like the answer."""
    if tree is None:
        return 1 if re.search(r"^\s*(?:def |import |from |return )", text, re.MULTILINE) else 0
    bound = _bound(tree)
    if wanted and wanted in bound:
        return 6
    if not wanted and (bound & set(ANSWERS) or _prints(tree)):
        return 5
    defines = any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in tree.body)
    return 4 if defines else 3 if bound else 2 if tree.body and not _only_names(tree) else 0


def _prints(tree: ast.Module) -> bool:
    """Whether a program prints as it is executed, and not only in a function that nothing calls."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    outside = [node for part in tree.body if not isinstance(part, ast.FunctionDef) for node in ast.walk(part)]
    called = {node.func.id for node in outside if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return "print" in called or (bool(called & own) and any(node.func.id == "print" for node in calls))  # type: ignore[attr-defined]


def _only_names(tree: ast.Module) -> bool:
    """Whether there is nothing in it but names, numbers and texts: words that happen to be Python."""
    return all(isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call) for node in tree.body)


def _bound(tree: ast.Module) -> set[str]:
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return bound | {node.name for node in tree.body if isinstance(node, named)}


def _needed(tree: ast.Module) -> set[str]:
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return read - _bound(tree) - arguments - set(dir(builtins))


def _tidy(text: str) -> str:
    """A program without empty lines round it, prompt signs and common indentation."""
    text = text.strip("\n").rstrip()
    if IN_PROMPT_SIGN.match(text):
        lines = IN_PROMPT_SIGN.sub(">>> ", text).split("\n")
        text = "\n".join(PROMPT_SIGN.sub("", line) for line in lines if PROMPT_SIGN.match(line))
    dedented = textwrap.dedent(text).strip("\n").rstrip()
    if parsed(dedented) is None and dedented[:1].isspace():
        only_first = dedented.lstrip()  # a space that belongs to the prompt
        return only_first if parsed(only_first) is not None else dedented
    return dedented


def _bare_program(text: str) -> str:
    """The program of a text without fences."""
    whole = _tidy(TAG_LINE.sub("", text))
    if (tree := parsed(whole)) is not None and (not tree.body or not _only_names(tree)):
        return whole
    lines = whole.split("\n")
    for start in _starts(lines):
        end = _end(lines, start)
        if end is not None:
            return _tidy("\n".join(lines[start:end]))
    return whole


def _starts(lines: Sequence[str]) -> Iterator[int]:
    """Places at which the program may begin: only words are before it."""
    for number, line in enumerate(lines[:MOST_TRIES]):
        if CODE_LINE.match(line) or parsed(line.strip()) is not None:
            yield number
        if line.strip() and CODE_LINE.match(line):
            return


def _end(lines: Sequence[str], start: int) -> int | None:
    """Where the program that begins at a line ends: only words are after it. None where there is none."""
    end = len(lines)
    for _ in range(MOST_TRIES):
        tidy = _tidy("\n".join(lines[start:end]))
        try:
            tree = ast.parse(tidy)
        except SyntaxError as error:
            wrong = start + (error.lineno or 1) - 1
            end = min(wrong, end - 1)
            while end > start and not lines[end - 1].strip():
                end -= 1
            if end <= start:
                return None
        except (ValueError, RecursionError, MemoryError):
            return None
        else:
            rest = [line for line in lines[end:] if line.strip()]
            clean = tree.body and not _only_names(tree) and not (rest and CODE_LINE.match(rest[0]))
            return end if clean else None
    return None
