"""What servers that speak OpenAI's protocol answer, each in its own way, as completions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mmst.samplers.rows import before_completed_stop
from mmst.types import Completion, FinishReason

CUT = {"length", "max", "limit"}
ENDED = {"stop", "stopped", "eos", "eot", "end", "ended", "complete", "completed", "done", "finished"}
"""Words in the finish reasons of servers: `model_length`, `MAX_TOKENS`, `eos_token`, `stop_sequence`, `end_turn`."""
NEVER = {"not", "error", "filter", "filtered"}
TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|prompt is too long|too many tokens|max_model_len", re.I
)
"""What servers say of a prompt that is longer than their model's positions."""
CODES = (400, 401, 403, 404, 413, 422)
"""Status codes of requests that would be refused again."""


class UnusableError(Exception):
    """An answer with status 200 that is none: an error, a page, no choice. `refused`: the same would come again."""

    def __init__(self, said: str, status: int | None = None) -> None:
        super().__init__(said)
        self.status = status

    @property
    def refused(self) -> bool:
        """Whether there is no use in asking again."""
        return self.status in CODES


def completion_of(response: Any, stops: Sequence[str], most: int) -> Completion:
    """A completion out of a server's answer; `most`: the tokens that were asked for.

    Raises:
        UnusableError: it is no answer.
        ValueError: the server ended the completion for another reason than its end or its limit, such as a filter.
    """
    choice = _choice(response)
    message = getattr(choice, "message", None)
    text = _text(choice.text if message is None else message.content)
    usage = getattr(response, "usage", None)
    prompt_tokens, tokens = (getattr(usage, name, None) or 0 for name in ("prompt_tokens", "completion_tokens"))
    finish = finish_of(choice.finish_reason, tokens, most)
    if text is None or finish is FinishReason.ERROR:
        raise ValueError(f"the server ended a completion for '{choice.finish_reason}'")
    if (shown := before_completed_stop(text, stops)) is not None:
        text, finish = shown, FinishReason.STOP
    logprobs = _logprobs(choice)
    mean = round(sum(logprobs) / len(logprobs), 6) if logprobs else None
    return Completion(text, finish, prompt_tokens, tokens, mean)


def finish_of(reason: Any, tokens: int, most: int) -> FinishReason:
    """A server's finish reason; where it gives none, the number of its tokens tells whether the limit cut them."""
    if not reason:
        return FinishReason.LENGTH if tokens >= most else FinishReason.STOP
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", str(reason))}
    if words & NEVER:
        return FinishReason.ERROR
    if words & CUT:
        return FinishReason.LENGTH
    return FinishReason.STOP if words & ENDED else FinishReason.ERROR


def _choice(response: Any) -> Any:
    if isinstance(response, str):
        raise UnusableError(f"a page instead of an answer: {' '.join(response.split())[:100]}")
    if error := getattr(response, "error", None):
        known = error if isinstance(error, dict) else {"message": str(error)}
        code = str(known.get("code", ""))
        raise UnusableError(str(known.get("message") or known), int(code) if code.isdigit() else None)
    choices = getattr(response, "choices", None)
    if not choices:
        raise UnusableError("an answer without a choice")
    return choices[0]


def _text(content: Any) -> str | None:
    """A content, which may be a list of parts."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    parts = [part if isinstance(part, dict) else vars(part) for part in content if not isinstance(part, str)]
    texts = [part for part in content if isinstance(part, str)]
    return "".join([*texts, *(part["text"] for part in parts if isinstance(part.get("text"), str))])


def _logprobs(choice: Any) -> list[float]:
    """The tokens' log-probabilities, where the server tells them."""
    told = getattr(choice, "logprobs", None)
    listed = getattr(told, "token_logprobs", None)
    if listed is None:
        listed = [token.logprob for token in getattr(told, "content", None) or []]
    return [value for value in listed if value is not None]
