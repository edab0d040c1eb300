"""Prompts: a conversation of instruction, exemplars and question, rendered as few-shot text or by a chat template.

    Question: Ana has 3 bags of 4 nuts. How many nuts is that?     <- question
    Answer: The total is 3 * 4 = 12. The answer is 12.             <- cue, solution

A translation prompt holds the source's solution between the question and the target's cue, so that any method can be
translated into any other without a prompt of its own: N methods give N x N edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any, Protocol

import yaml

from mmst.datasets.text_files import is_whole
from mmst.errors import ConfigError
from mmst.types import AnswerKind, Message, Problem, Prompt

QUESTION_CUE = "Question: "
DEFAULT_EXEMPLARS = "default"
KINDS_WITH_EXEMPLARS = (AnswerKind.NUMBER, AnswerKind.CHOICE, AnswerKind.YES_NO, AnswerKind.TESTS)
SHOWN = 60
"""Characters of a question that an error shows."""
REWRITE = "Rewrite each {source} as a {target} with the same steps and the same answer."
"""The instruction of a translation prompt."""
REPAIR = "This {target} gives {given}, which is not the answer of the {source}. Write the {target} again."
"""What is said of a translation that failed, where the next try is shown it."""

Boundary = Callable[[str, str], int]
"""(cue, lead) -> how many characters of the lead a prompt ends with, see `mmst.methods.boundary`."""


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How one method asks for a solution.

    `instruction` stands first. `shots` counts the exemplars of a prompt. `lead` is the white space between cue and solution.
    """

    cue: str
    lead: str
    instruction: str = ""
    shots: int = 0
    stop: tuple[str, ...] = ()
    exemplars: str = DEFAULT_EXEMPLARS
    """A folder of `mmst/methods/prompts/`, or of the user's, with a file for each kind of answer."""
    key: str = ""
    """The exemplars' field that holds this method's solution."""
    solution_name: str = "solution"
    instructions: Mapping[str, str] = field(default_factory=dict)
    """Another instruction for some kinds of answer, such as `tests`."""
    rewrite: str = REWRITE
    """The instruction of prompts that translate into this method; {source} and {target} are the solutions' names."""
    bare: bool = False
    """Whether a prompt without exemplars has no instruction either: for models that were made on bare questions and cues."""
    train_reasoning: bool = False
    """Whether what a model writes in `<think>` is trained on with the solution; else it stays in the samples' rows alone."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", tuple(self.stop))
        unknown = set(self.instructions) - set(AnswerKind)
        if unknown:
            raise ConfigError(f"methods: instructions.{unknown.pop()} is of no kind; there are {', '.join(AnswerKind)}.")
        available = len(exemplar_rows(self.exemplars, AnswerKind.NUMBER))
        if not 0 <= self.shots <= available:
            raise ConfigError(
                f"methods: shots={self.shots} is not possible; the exemplars '{self.exemplars}' hold {available}."
            )
        try:
            self.rewrite.format(source="", target="")
        except (KeyError, IndexError, ValueError) as error:
            raise ConfigError(
                f"methods: rewrite='{self.rewrite}' may hold {{source}} and {{target}} in braces alone."
            ) from error

    def check_kind(self, kind: AnswerKind, method: str) -> None:
        """Refuse exemplars of a kind of answer that are too few, or without a solution by this method.

        An exemplar is one question with a solution by every method; else two methods of one run are shown other questions.

        Raises:
            ConfigError: names the method, the kind and the question.
        """
        rows = exemplar_rows(self.exemplars, kind) if self.shots else ()
        without = [str(row["question"])[:SHOWN] for row in rows if not row.get(self.key)]
        if not rows:
            return
        if len(without) == len(rows):
            raise ConfigError(
                f"methods: '{method}' has no exemplars for answers of the kind {kind.value} in '{self.exemplars}'; leave it "
                f"out, or add solutions under the key {self.key}."
            )
        if without:
            raise ConfigError(
                f"methods: {len(without)} of the {len(rows)} exemplars '{self.exemplars}' ({kind.value}) hold no solution by "
                f"'{method}', as '{without[0]}'; add it under the key {self.key}, or leave the method out."
            )
        if len(rows) < self.shots:
            raise ConfigError(
                f"methods: shots={self.shots} is not possible: '{self.exemplars}' ({kind.value}) holds {len(rows)} exemplars."
            )

    def questions(self, kind: AnswerKind) -> list[str]:
        """The exemplars' questions that a prompt for a problem of a kind shows."""
        return [str(row["question"]) for row in exemplar_rows(self.exemplars, kind) if row.get(self.key)][: self.shots]

    def solution_block(self, solution: str) -> str:
        """The cue and a solution under it."""
        return f"\n{self.cue}{self.lead}{solution}"

    def source_block(self, solution: str) -> str:
        """The same as a translation into another method is shown it: here all of it."""
        return self.solution_block(solution)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a model is asked, before it is rendered."""

    instruction: str
    exemplars: tuple[tuple[str, str], ...]
    """(what the user says, the solution)."""
    content: str
    """What the user says last."""

    def turns(self, system: str, preamble: str = "") -> tuple[Message, ...]:
        """As messages. `system`: the system message; `preamble`: what the user says before the first question."""
        contents = [*(said for said, _ in self.exemplars), self.content]
        contents[0] = f"{preamble}\n\n{contents[0]}" if preamble else contents[0]
        messages = [Message("system", system)] if system else []
        for said, (_, solution) in zip(contents, self.exemplars, strict=False):
            messages += [Message("user", said), Message("assistant", solution)]
        return (*messages, Message("user", contents[-1]))


@dataclass(frozen=True, slots=True)
class Rendering:
    """A conversation as the text that an engine goes on with."""

    text: str
    lead: str
    """What stands between the text and a solution."""
    messages: tuple[Message, ...]
    stop: tuple[str, ...] = ()
    chat: bool = False
    """Whether a chat template wrote it."""

    def prompt(self, id: str, seeds: tuple[int, ...]) -> Prompt:
        """The prompt for an engine."""
        return Prompt(id, self.text, seeds, self.stop, self.messages, self.chat)


class Chat(Protocol):
    """What renders conversations for a chat model, see `mmst.methods.chat`."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that its prompts depend on, as JSON's own types."""

    def rendering(self, conversation: Conversation, target: PromptFormat, boundary: Boundary) -> Rendering:
        """The conversation as the model's template writes it."""


def at_the_cue(cue: str, lead: str) -> int:
    """The boundary of tokenizers that join no cue with what follows it: a prompt ends in its cue."""
    return 0


@dataclass(frozen=True, slots=True)
class PromptWriter:
    """Writes solution and translation prompts for one model.

    `chat` renders for a chat model; None: few-shot text, for a base model.
    """

    chat: Chat | None = field(default=None)
    boundary: Boundary = field(default=at_the_cue)

    def solve(self, problem: Problem, target: PromptFormat) -> str:
        """The text of the prompt for a solution of a problem by `target`."""
        return self.solution(problem, target).text

    def translate(self, problem: Problem, solution: str, source: PromptFormat, target: PromptFormat) -> str:
        """The text of the prompt for writing a solution by `source` as one by `target`."""
        return self.translation(problem, solution, source, target).text

    def solution(self, problem: Problem, target: PromptFormat) -> Rendering:
        """The prompt for a solution of a problem by `target`."""
        rows = [row for row in exemplar_rows(target.exemplars, problem.kind) if row.get(target.key)][: target.shots]
        instruction = target.instructions.get(problem.kind, target.instruction)
        exemplars = tuple((shown_question(row).strip(), str(row[target.key])) for row in rows)
        return self.rendering(Conversation(instruction, exemplars, problem.statement.strip()), target)

    def translation(
        self,
        problem: Problem,
        solution: str,
        source: PromptFormat,
        target: PromptFormat,
        before: tuple[str, str] | None = None,
    ) -> Rendering:
        """The prompt for writing a solution by `source` as one by `target`; before: a try that failed, and what it gave."""
        pairs = zip(exemplar_rows(source.exemplars, problem.kind), exemplar_rows(target.exemplars, problem.kind), strict=True)
        both = [(a, b) for a, b in pairs if a.get(source.key) and b.get(target.key)][: target.shots]
        exemplars = tuple(
            (shown_question(a).strip() + source.source_block(str(a[source.key])), str(b[target.key])) for a, b in both
        )
        instruction = target.rewrite.format(source=source.solution_name, target=target.solution_name)
        content = problem.statement.strip() + source.source_block(solution)
        if before is not None:
            failed, given = before
            said = REPAIR.format(source=source.solution_name, target=target.solution_name, given=given)
            content += f"{target.solution_block(failed)}\n{said}"
        return self.rendering(Conversation(instruction, exemplars, content), target)

    def rendering(self, conversation: Conversation, target: PromptFormat) -> Rendering:
        """A conversation as the model is asked it."""
        if self.chat is not None:
            return self.chat.rendering(conversation, target, self.boundary)
        return few_shot(conversation, target, self.boundary)


def few_shot(conversation: Conversation, target: PromptFormat, boundary: Boundary) -> Rendering:
    """The conversation as text for a base model: it ends in the cue, with as much of the lead as its tokens take in."""
    instruction = "" if target.bare and not conversation.exemplars else conversation.instruction
    head = [instruction] if instruction else []
    shots = [QUESTION_CUE + said + target.solution_block(solution) for said, solution in conversation.exemplars]
    taken = boundary(target.cue, target.lead)
    last = f"{QUESTION_CUE}{conversation.content}\n{target.cue}{target.lead[:taken]}"
    text = "\n\n".join([*head, *shots, last])
    return Rendering(text, target.lead[taken:], conversation.turns(instruction), target.stop)


def check_pairs(forms: Mapping[str, PromptFormat], kind: AnswerKind) -> None:
    """Refuse methods whose exemplars hold other questions: a translation's exemplar is one question, solved by both.

    Raises:
        ConfigError: names two methods and the first question that differs.
    """
    shown = {name: form for name, form in forms.items() if form.shots}
    asked = {name: [str(row.get("question")) for row in exemplar_rows(form.exemplars, kind)] for name, form in shown.items()}
    for (one, first), (other, second) in pairwise(asked.items()):
        differing = [(a, b) for a, b in zip_longest(first, second, fillvalue="none") if a != b]
        if differing:
            a, b = (question[:SHOWN] for question in differing[0])
            raise ConfigError(
                f"methods: the exemplars of '{one}' and '{other}' ({kind.value}) must hold the same questions in the same "
                f"order, but one has '{a}' where the other has '{b}'."
            )


@cache
def exemplar_rows(name: str, kind: AnswerKind) -> tuple[Mapping[str, Any], ...]:
    """The exemplars for one kind of answer: a question with its solution by every method.

    A folder without a file for the kind takes those of `default`, which holds the same questions.

    Raises:
        ConfigError: there is no such folder, or its file does not hold exemplars.
    """
    built_in = Path(str(resources.files("mmst.methods"))) / "prompts"
    folder = built_in / name if "/" not in name else Path(name).expanduser()
    if not folder.is_dir():
        have = ", ".join(sorted(path.name for path in built_in.iterdir() if path.is_dir()))
        raise ConfigError(f"methods: there are no exemplars '{name}'; give a folder with number.yaml in it, or one of {have}.")
    shown = kind if kind in KINDS_WITH_EXEMPLARS else AnswerKind.NUMBER
    places = (folder / f"{shown.value}.yaml", built_in / DEFAULT_EXEMPLARS / f"{shown.value}.yaml")
    path = next((place for place in places if place.exists()), None)
    return _rows_of(path) if path else ()


def _rows_of(path: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"methods: {path} is no YAML in UTF-8 ({' '.join(str(error).split())}).") from error
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"methods: {path} must hold a list of exemplars; `mmst new exemplars FOLDER` shows the form.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not str(row.get("question") or "").strip():
            raise ConfigError(
                f"methods: exemplar {number} of {path} has no question; `mmst new exemplars FOLDER` shows the form."
            )
        if halved := next((key for key, value in row.items() if not is_whole([key, value])), None):
            raise ConfigError(
                f"methods: {halved!a} of exemplar {number} of {path} holds half of a surrogate pair, which is no character."
            )
    return tuple(rows)


def shown_question(row: Mapping[str, Any]) -> str:
    """An exemplar's question as a problem's is shown."""
    kind = AnswerKind.CHOICE if row.get("choices") else AnswerKind.TESTS if row.get("test") else AnswerKind.NUMBER
    problem = Problem(
        "",
        str(row["question"]),
        "",
        kind,
        choices=tuple(map(str, row.get("choices") or ())),
        tests=(str(row.get("test", "")),),
        entry_point=str(row.get("entry_point", "")),
        public_tests=1,
    )
    return problem.statement
