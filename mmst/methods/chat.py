"""Conversations as a model's own chat template writes them.

What a template can take is found out before any work, by a conversation that is nobody's: whether contents are texts or lists
of parts, whether there may be a system message, whether a reply begins inside a block of reasoning. A template that fails, or
leaves out what it is given, is refused in one sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from mmst.errors import ConfigError, first_line
from mmst.methods.prompt import Boundary, Conversation, PromptFormat, Rendering, few_shot
from mmst.methods.reasoning import opened_reasoning
from mmst.types import Message

DAY = date(2024, 7, 26)
"""What a template is told that asks for today's date: one day for all runs, so that one command gives one set of prompts."""
LONGEST = 1_000_000
"""Characters that a template may write beside what it is given."""
TAIL = 8
"""Characters of a prompt that may share a token with the white space after it."""
REST = 40
"""Characters of a prompt that are the reply's beginning, where it is not known where the question ends."""
AUTO = "auto"
"""The value of `model.chat` that takes a template where there is one."""
CUE = "{cue}"
"""In `model.prefill`: the method's cue."""
PROBE = (
    Message("system", "probe-system"), Message("user", "probe-question"), Message("assistant", "probe-reply"),
    Message("user", "probe-last"),
)  # fmt: skip
REPLY = "probe-new-reply"
WAY_OUT = "set model.chat=false for few-shot text, or mend the template"


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A tokenizer's template with what it is told, and what it was found to take."""

    tokenizer: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the template is told beside the messages, such as `enable_thinking: false`."""
    system: str | None = None
    """The system message; None: the method's instruction. The instruction then opens the user's first turn."""
    prefill: str = ""
    """What each reply begins with."""
    parts: bool = False
    """Whether contents are lists of parts."""
    takes_system: bool = True
    before: str = ""
    """The white space that it writes before a reply, as Llama 2's and Mistral's do."""

    @classmethod
    def of(
        cls, tokenizer: Any, arguments: Mapping[str, Any] | None = None, system: str | None = None, prefill: str = ""
    ) -> ChatTemplate:
        """The template of a tokenizer, once it has rendered a conversation.

        Raises:
            ConfigError: it fails, or leaves out what it is given.
        """
        failures: list[str] = []
        for parts in (False, True):
            for takes_system in (True, False):
                made = cls(tokenizer, dict(arguments or {}), system, prefill, parts, takes_system)
                try:
                    made._try_out()
                except ConfigError as error:
                    failures.append(str(error))
                else:
                    return replace(made, before=made._before_reply())
        raise ConfigError(failures[1])  # of texts without a system message: what every template should take

    @property
    def settings(self) -> Mapping[str, Any]:
        """The template by its hash, what it writes of one conversation by another, and what it is told."""
        return {
            "template": _digest(str(self.tokenizer.get_chat_template())),
            "written": _digest(self._written(self._probe())),
            "arguments": dict(self.arguments),
            "system": self.system,
            "prefill": self.prefill,
            **({"before": self.before} if self.before else {}),
        }

    def rendering(self, conversation: Conversation, target: PromptFormat, boundary: Boundary) -> Rendering:
        """See `Chat.rendering`. The end of the turn ends a reply: stop strings are for few-shot text.

        Raises:
            ConfigError: the template fails on these messages, or leaves out the question.
        """
        messages = self._turns(conversation)
        text = self._written(messages)
        if _plain(messages[-1].content) not in _plain(text):
            raise ConfigError(f"model.chat: the model's chat template leaves out the question; {WAY_OUT}.")
        opened = opened_reasoning(_after(text, messages[-1].content))
        if opened is not None:
            return Rendering(text, f"{_to_new_line(text)}\n{opened[1]}\n\n", messages, chat=True)
        begun = self.prefill.replace(CUE, target.cue)
        lead = "" if begun[-1:].isspace() else target.lead if begun else self.before
        taken = boundary(begun or text[-TAIL:], lead) if lead else 0
        return Rendering(text + begun + lead[:taken], lead[taken:], messages, chat=True)

    def _turns(self, conversation: Conversation) -> tuple[Message, ...]:
        system, said = (conversation.instruction, "") if self.system is None else (self.system, conversation.instruction)
        if self.takes_system:
            return conversation.turns(system, said)
        return conversation.turns("", "\n\n".join(text for text in (system, said) if text))

    def _probe(self) -> Sequence[Message]:
        return PROBE if self.takes_system else PROBE[1:]

    def _try_out(self) -> None:
        text = self._written(self._probe())
        by_weight = sorted(self._probe(), key=lambda message: message.role != "user")
        missing = next((message for message in by_weight if message.content not in text), None)
        if missing is not None:
            what = "question" if missing.role == "user" else f"{missing.role} message"
            raise ConfigError(f"model.chat: the model's chat template leaves out the {what}; {WAY_OUT}.")
        if self.prefill and (opened := opened_reasoning(_after(text, PROBE[-1].content))):
            raise ConfigError(
                f"model.prefill='{self.prefill}' would stand inside the {opened[0]} that the model's chat template opens; "
                "leave it empty, or turn the reasoning off "
                "(model.template={enable_thinking: false}, where the template knows it)."
            )

    def _before_reply(self) -> str:
        prompt = self._written(self._probe())
        try:
            whole = self._written((*self._probe(), Message("assistant", REPLY)), begins=False)
        except ConfigError:  # of a conversation that is over: no prompt is one
            return ""
        before, found, _ = whole.removeprefix(prompt).partition(REPLY)
        return before if found and whole.startswith(prompt) and before.isspace() else ""

    def _written(self, messages: Sequence[Message], begins: bool = True) -> str:
        """The text of messages and, where it `begins`, of the reply's beginning."""
        from transformers.utils.chat_template_utils import _compile_jinja_template

        told = {**self.tokenizer.special_tokens_map, "tools": None, "documents": None, **self.arguments}
        rows = [{"role": m.role, "content": self._content(m.content)} for m in messages]
        room = LONGEST + sum(len(message.content) for message in messages)
        pieces: list[str] = []
        try:
            template = _compile_jinja_template(self.tokenizer.get_chat_template())
            for piece in template.generate(messages=rows, add_generation_prompt=begins, strftime_now=DAY.strftime, **told):
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    break
        except Exception as error:
            raise ConfigError(f"model.chat: the model's chat template fails: {first_line(error, 200)}; {WAY_OUT}.") from error
        if room < 0:
            raise ConfigError(f"model.chat: the model's chat template writes more than {LONGEST:,} characters; {WAY_OUT}.")
        return "".join(pieces)

    def _content(self, text: str) -> str | list[dict[str, str]]:
        return [{"type": "text", "text": text}] if self.parts else text


@dataclass(frozen=True, slots=True)
class ServedChat:
    """A chat server's: it is sent messages, and what its template makes of them is not known here."""

    system: str | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the messages depend on."""
        return {"served": True, "system": self.system}

    def rendering(self, conversation: Conversation, target: PromptFormat, boundary: Boundary) -> Rendering:
        """See `Chat.rendering`; the text is few-shot text, for readers: what a server's template writes is not known here."""
        system, said = (conversation.instruction, "") if self.system is None else (self.system, conversation.instruction)
        text = few_shot(conversation, target, boundary).text
        return Rendering(text, "", conversation.turns(system, said), chat=True)


def chat_of(
    tokenizer: Any, wanted: bool | str, arguments: Mapping[str, Any] | None, system: str | None, prefill: str
) -> ChatTemplate | None:
    """The template of a tokenizer where it is wanted (`auto`: where there is one); None for few-shot text.

    Raises:
        ConfigError: it is wanted and not there, or cannot be used; or what only a template takes is set without one.
    """
    if not wanted or (wanted == AUTO and not tokenizer.chat_template):
        if arguments or system is not None or prefill:
            raise ConfigError(
                "model.system, model.template and model.prefill are of chat prompts; set model.chat=true, or leave them."
            )
        return None
    if isinstance(tokenizer.chat_template, dict) and "default" not in tokenizer.chat_template:
        raise ConfigError(
            f"model.chat: the model's tokenizer has several chat templates ({', '.join(sorted(tokenizer.chat_template))}), and "
            "none is named default; name one so in its tokenizer_config.json, or set model.chat=false."
        )
    if not tokenizer.chat_template:
        raise ConfigError("model.chat=true, but the model's tokenizer has no chat template; set model.chat=false.")
    return ChatTemplate.of(tokenizer, arguments, system, prefill)


def _plain(text: str) -> str:
    """A text without regard to white space, which templates trim."""
    return " ".join(text.split())


def _after(text: str, question: str) -> str:
    """What a template wrote after the question, or its last characters where it wrote the question otherwise."""
    before, found, after = text.rpartition(question.strip())
    return after if found else before[-REST:] + after[-REST:]


def _to_new_line(text: str) -> str:
    return "" if text.endswith("\n") else "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
