"""What servers that speak OpenAI's protocol answer, each in its own way, as completions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from mmst.answers.thinking import BEGINS
from mmst.samplers.rows import before_completed_stop
from mmst.types import Completion, FinishReason

CUT = re.compile(r"len(gth)?|max\w*|limits?|exceed\w*|trunc\w*|cutoff|overflow\w*|budget|incomplete")
ENDED = re.compile(r"stop\w*|eo[sdtm]\w*|end(ed|of\w*)?|completed?|done|finish(ed)?|normal|natural|success\w*")
"""Words in the finish reasons of servers: `model_length`, `MAX_TOKENS`, `eos_token`, `stop_sequence`, `endoftext`."""
NONE = ("none", "null", "unknown", "unspecified", "finish_reason_unspecified", "n/a", "-")
"""Reasons that say nothing."""
WORDS = ("message", "detail", "msg", "errors")
"""Under which servers say what went wrong."""
OVER = "[DONE]"
"""The last event of a stream."""
NEVER = re.compile(r"not|error\w*|filter\w*|abort\w*|cancel\w*|time\w*|block\w*|safety|sensitive")
TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|max_model_len|max_seq_len|\bn_ctx\b|too many (\w+ )?tokens"
    r"|(prompt|input|request|message)s? (is |are )?too (long|large)|(prompt|input|sequence)s?.{0,30} length.{0,20} exceed"
    r"|reduce the length|(?<!_)tokens.{0,30} (limit|maximum|at most|<=|less than)|less than \d+ tokens"
    r"|input length .{0,20}exceed",
    re.I,
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
    message = next((found for key in ("message", "delta") if (found := choice.get(key))), None)
    said = message if isinstance(message, dict) else {"content": choice.get("text") if message is None else message}
    logprobs = _logprobs(choice)
    prompt_tokens, tokens = _counts(answer.get("usage"))
    tokens = tokens or len(logprobs)
    finish = finish_of(choice.get("finish_reason"), tokens, most)
    text, reasoning = _text(said.get("content")), _reasoning(said)
    text = _text(said.get("refusal")) if text is None else text
    if finish is FinishReason.ERROR:
        raise ValueError(f"the server ended a completion for '{choice.get('finish_reason')}'")
    if text is None and not reasoning and finish is not FinishReason.LENGTH:
        raise UnusableError(f"the server ended a completion for '{choice.get('finish_reason')}', without a text")
    if (shown := before_completed_stop(text or "", stops)) is not None:
        text, finish = shown, FinishReason.STOP
    if reasoning and not BEGINS.match((text or "").lstrip()):
        text = f"<think>\n{reasoning}\n</think>\n\n{text}" if text else f"<think>\n{reasoning}"
    mean = round(sum(logprobs) / len(logprobs), 6) if logprobs else None
    return Completion(text or "", finish, prompt_tokens, tokens, mean)


def _counts(usage: Any) -> tuple[int, int]:
    """(the prompt's tokens, the completion's); 0 where a server does not tell."""
    told = usage if isinstance(usage, dict) else {}
    return tuple(  # type: ignore[return-value]
        next((max(int(float(told[name])), 0) for name in names if told.get(name)), 0)
        for names in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
    )


def finish_of(reason: Any, tokens: int, most: int) -> FinishReason:
    """A server's finish reason; where it gives none, the number of its tokens tells whether the limit cut them."""
    if not reason or str(reason).lower() in NONE:
        return FinishReason.LENGTH if tokens >= most else FinishReason.STOP
    told = str(reason).strip()
    if re.fullmatch(r"<[^<>]+>", told):  # the token that ended it
        return FinishReason.STOP
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", told)]
    for kind, finish in ((NEVER, FinishReason.ERROR), (CUT, FinishReason.LENGTH), (ENDED, FinishReason.STOP)):
        if any(kind.fullmatch(word) for word in words):
            return finish
    return FinishReason.ERROR


def _plain(response: Any) -> dict[str, Any]:
    """An answer as JSON's own types; the client's objects hold what it does not know as it came."""
    if isinstance(response, str) and response.lstrip().startswith(("data:", "event:", ":")):
        return _joined(response)
    if isinstance(response, str) and response.lstrip().startswith(("{", "[")):  # JSON that was sent as a text
        return _plain(json.loads(response))
    if isinstance(response, str):
        raise UnusableError(f"a page instead of an answer: {' '.join(response.split())[:100]}")
    if isinstance(response, list) and len(response) == 1:
        return _plain(response[0])
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
    if not isinstance(choice, dict) and isinstance(answer.get("message"), dict):  # as Ollama's own protocol answers
        return {**answer, "finish_reason": answer.get("done_reason")}
    if not isinstance(choice, dict):
        raise _unusable(answer) if set(answer) & set(WORDS) else UnusableError("an answer without a choice")
    return choice


def _unusable(error: Any) -> UnusableError:
    known = error if isinstance(error, dict) else {"message": str(error)}
    code = str(known.get("code") or known.get("status") or "")
    said = next((known[word] for word in WORDS if known.get(word)), known)
    return UnusableError(str(said), int(code) if code.isdigit() else None)


def _text(content: Any) -> str | None:
    """A content, which may be a list of parts; what no text can hold (half a surrogate pair) is replaced."""
    if isinstance(content, list):
        return "".join(text for part in content if not _thinks(part) and (text := _text(part)))
    if isinstance(content, dict):
        return next((text for key in ("text", "value", "content", "parts") if (text := _text(content.get(key)))), None)
    if isinstance(content, int | float) and not isinstance(content, bool):
        return str(content)
    return content.encode("utf-8", "replace").decode() if isinstance(content, str) else None


def _thinks(part: Any) -> bool:
    """Whether a part of a content is reasoning, as Mistral's and others' are."""
    return isinstance(part, dict) and str(part.get("type")).startswith(("thinking", "reasoning"))


def _reasoning(said: dict[str, Any]) -> str | None:
    """What a server tells of a model's reasoning, beside the content or among its parts."""
    keys = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
    beside = next((text for key in keys if (text := _text(said.get(key)))), None)
    content = said.get("content")
    parts = [*(content if isinstance(content, list) else []), *(said.get("reasoning_details") or [])]
    among = [_text(part.get("thinking")) or _text(part) for part in parts if _thinks(part)]
    return beside or "".join(text for text in among if text) or None


def _logprobs(choice: dict[str, Any]) -> list[float]:
    """The tokens' log-probabilities, where the server tells them; llama.cpp tells them of texts as others do of messages.

    None of them where one is no finite number.
    """
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        return []
    listed = told.get("token_logprobs")
    if listed is None:
        listed = [token.get("logprob") for token in told.get("content") or [] if isinstance(token, dict)]
    try:
        found = [float(value) for value in listed if value is not None]
    except (TypeError, ValueError):
        return []
    return found if all(map(math.isfinite, found)) else []
