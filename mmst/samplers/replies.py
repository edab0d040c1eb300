"""What servers that speak OpenAI's protocol answer, each in its own way, as completions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from mmst.samplers.rows import before_completed_stop
from mmst.types import Completion, FinishReason

CUT = {"length", "max", "limit", "exceeded", "truncated"}
ENDED = {
    "stop", "stopped", "eos", "eot", "end", "ended", "complete", "completed", "done", "finish", "finished", "normal", "success",
}  # fmt: skip
"""Words in the finish reasons of servers: `model_length`, `MAX_TOKENS`, `eos_token`, `stop_sequence`, `end_turn`."""
NONE = ("none", "null", "unknown", "unspecified", "finish_reason_unspecified")
"""Reasons that say nothing."""
WORDS = ("message", "detail", "msg", "errors")
"""Under which servers say what went wrong."""
OVER = "[DONE]"
"""The last event of a stream."""
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

    What a server tells of a model's reasoning apart stands before the text, in `<think>`. A refusal is a text.

    Raises:
        UnusableError: it is no answer.
        ValueError: the server ended the completion for another reason than its end or its limit, such as a filter.
    """
    answer = _plain(response)
    choice = _choice(answer)
    message = next((found for key in ("message", "delta") if isinstance(found := choice.get(key), dict)), None)
    said = {"content": choice.get("text")} if message is None else message
    logprobs = _logprobs(choice)
    usage = answer.get("usage") or {}
    prompt_tokens, tokens = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    tokens = tokens or len(logprobs)
    finish = finish_of(choice.get("finish_reason"), tokens, most)
    text, reasoning = _text(said.get("content")), _text(said.get("reasoning_content") or said.get("reasoning"))
    text = _text(said.get("refusal")) if text is None else text
    if finish is FinishReason.ERROR or (text is None and not reasoning and finish is not FinishReason.LENGTH):
        raise ValueError(
            f"the server ended a completion for '{choice.get('finish_reason')}'" + ("" if text else ", without a text")
        )
    if (shown := before_completed_stop(text or "", stops)) is not None:
        text, finish = shown, FinishReason.STOP
    whole = (text or "") if not reasoning else f"<think>\n{reasoning}\n</think>\n\n{text}" if text else f"<think>\n{reasoning}"
    mean = round(sum(logprobs) / len(logprobs), 6) if logprobs else None
    return Completion(whole, finish, prompt_tokens, tokens, mean)


def finish_of(reason: Any, tokens: int, most: int) -> FinishReason:
    """A server's finish reason; where it gives none, the number of its tokens tells whether the limit cut them."""
    if not reason or str(reason).lower() in NONE:
        return FinishReason.LENGTH if tokens >= most else FinishReason.STOP
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", str(reason))}
    if words & NEVER:
        return FinishReason.ERROR
    if words & CUT:
        return FinishReason.LENGTH
    return FinishReason.STOP if words & ENDED else FinishReason.ERROR


def _plain(response: Any) -> dict[str, Any]:
    """An answer as JSON's own types; the client's objects hold what it does not know as it came."""
    if isinstance(response, str) and response.lstrip().startswith(("data:", "event:", ":")):
        return _joined(response)
    if isinstance(response, str):
        raise UnusableError(f"a page instead of an answer: {' '.join(response.split())[:100]}")
    found = response.to_dict(warnings=False) if hasattr(response, "to_dict") else response
    if not isinstance(found, dict):
        raise UnusableError(f"an answer without a choice: {str(found)[:100]}")
    return found


def _joined(stream: str) -> dict[str, Any]:
    """The answer that a stream of events adds up to.

    Raises:
        UnusableError: it was cut off.
    """
    events = [line.removeprefix("data:").strip() for line in stream.splitlines() if line.startswith("data:")]
    parts = [json.loads(event) for event in events if event and event != OVER]
    first = [part["choices"][0] for part in parts if part.get("choices")]
    reason = next((choice["finish_reason"] for choice in reversed(first) if choice.get("finish_reason")), None)
    failed: dict[str, Any] | None = next((part for part in parts if part.get("error")), None)
    if failed is not None:
        return failed
    if reason is None and OVER not in events:
        raise UnusableError("a stream that was cut off")
    said = [choice.get("delta") or {"content": choice.get("text")} for choice in first]
    keys = ("content", "reasoning_content", "reasoning", "refusal")
    message = {key: "".join(texts) for key in keys if (texts := [text for part in said if (text := _text(part.get(key)))])}
    told = [entry for choice in first for entry in (choice.get("logprobs") or {}).get("content") or []]
    usage = next((part["usage"] for part in reversed(parts) if part.get("usage")), None)
    return {"choices": [{"message": message, "finish_reason": reason, "logprobs": {"content": told}}], "usage": usage}


def _choice(answer: dict[str, Any]) -> dict[str, Any]:
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    error = answer.get("error") or (choice.get("error") if isinstance(choice, dict) else None)
    if error or answer.get("object") == "error":
        raise _unusable(error or answer)
    if not isinstance(choice, dict):
        raise _unusable(answer) if set(answer) & set(WORDS) else UnusableError("an answer without a choice")
    return choice


def _unusable(error: Any) -> UnusableError:
    known = error if isinstance(error, dict) else {"message": str(error)}
    code = str(known.get("code") or known.get("status") or "")
    said = next((known[word] for word in WORDS if known.get(word)), known)
    return UnusableError(str(said), int(code) if code.isdigit() else None)


def _text(content: Any) -> str | None:
    """A content, which may be a list of parts."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    texts = [part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _logprobs(choice: dict[str, Any]) -> list[float]:
    """The tokens' log-probabilities, where the server tells them; llama.cpp tells them of texts as others do of messages."""
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        return []
    listed = told.get("token_logprobs")
    if listed is None:
        listed = [token.get("logprob") for token in told.get("content") or [] if isinstance(token, dict)]
    return [float(value) for value in listed if value is not None]
