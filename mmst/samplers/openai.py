"""Sampling by a server that speaks OpenAI's protocol: vLLM, llama.cpp, `transformers serve`, or OpenAI itself.

Every sample is one request with a seed of its own, so that it can fail and be tried again alone; a server with a prefix cache
computes a prompt once all the same. Whether equal seeds give equal samples is up to the server.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from mmst.errors import ConfigError, EngineError, MissingExtraError
from mmst.samplers import replies
from mmst.samplers.lengths import TOO_LONG
from mmst.samplers.sampler import SamplingParams, Watch, nobody
from mmst.samplers.secrets import masked, masked_address
from mmst.samplers.served_weights import ServedWeights
from mmst.training.checkpoint import refuse_adapters, served_name
from mmst.types import Completion, FinishReason, Message, Prompt

log = logging.getLogger(__name__)

APIS = ("completions", "chat")
SEED_RANGE = 2**31
"""Seeds are sent modulo this: the widest range that all servers take."""
MANY = 3
"""Prompts: where so many are refused before one succeeds, what is refused is the model, the key or a parameter."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
"""Seconds before an answer that was none is asked for again; doubled each time (the client's own figures)."""


class OpenAISampler:
    """Bounded concurrency, retries with back-off, and failures that stay rows of their own."""

    waits: ClassVar[bool] = True

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api: str = "completions",
        concurrency: int = 32,
        retries: int = 6,
        timeout: float = 300.0,
        api_key_variable: str = "OPENAI_API_KEY",
        extra: Mapping[str, Any] | None = None,
        weights: str | None = None,
    ) -> None:
        """`timeout`: seconds for one attempt. `extra`: more keys of each request's body; a null leaves a usual one out.

        `weights`: how the server is given a checkpoint, see `ServedWeights`; None: it is asked for by its name or folder.
        """
        if api not in APIS:
            raise ConfigError(f"sampler.api={api} must be one of {', '.join(APIS)}.")
        if not base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"sampler.base_url={masked_address(base_url)} must be the server's address, such as http://localhost:8000/v1."
            )
        if concurrency < 1 or retries < 0 or timeout <= 0:
            raise ConfigError(
                f"sampler: concurrency={concurrency}, retries={retries}, timeout={timeout}: at least 1, 0, above 0."
            )
        self.base_url, self.model, self.api = base_url, model, api
        self.shown = masked_address(base_url)
        """The address for messages."""
        self.concurrency, self.retries, self.timeout = concurrency, retries, timeout
        self.api_key = os.environ.get(api_key_variable) or "none"
        self.extra = dict(extra or {})
        self.weights = None if weights is None else ServedWeights(weights, base_url, model, timeout, self.api_key)
        self._library = _library()
        self._answered = False
        self._works = False
        """Whether a request succeeded, or failed by itself: then what is refused is one request."""
        self._asked = ""
        """The model's name in requests."""

    @property
    def engine(self) -> str:
        """The protocol and the model's name, or how the server is given weights; it does not tell its version."""
        shown = sorted(masked(self.extra).items())
        name = self.weights.way if self.weights else self.model or "checkpoint"
        return f"openai-{self.api}-{name}" + "".join(f"-{k}={v}" for k, v in shown)

    @property
    def loads(self) -> bool:
        """Whether the server answers from any checkpoint: it is given its weights, or asked for its folder."""
        return self.model is None or self.weights is not None

    @property
    def takes_adapters(self) -> bool:
        """Only a server that is given adapters takes them; others are asked for whole checkpoints."""
        return self.weights is not None and self.weights.way == "lora"

    def load(self, checkpoint: Path) -> None:
        """Ask for this checkpoint from now on: by the name in the configuration, the name of a served model, or its folder.

        Raises:
            EngineError: the server does not take its weights.
        """
        if self.weights is not None and served_name(checkpoint) is None:
            self._asked = self.weights.load(checkpoint)
            return
        if self.model is None:
            refuse_adapters(checkpoint, "a server")
        self._asked = self.model or served_name(checkpoint) or str(checkpoint)

    def close(self) -> None:
        """There is nothing to close."""

    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`.

        Raises:
            EngineError: the server refuses the key or the model, or not one request succeeded.
        """
        if not prompts:
            return []
        self._check_address()
        return asyncio.run(self._complete(prompts, params, watch))

    def _check_address(self) -> None:
        """Before the first request: nobody has to wait for retries where there is no server at all."""
        if self._answered:
            return
        try:
            urllib.request.urlopen(self.base_url, timeout=self.timeout).close()
        except urllib.error.HTTPError:
            pass  # it answers, if only that there is nothing at this address
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            raise EngineError(f"sampler: no server answers at {self.shown} ({reason}); start it, or set base_url.") from error
        self._answered = True

    async def _complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch) -> list[list[Completion]]:
        gate, alone = asyncio.Semaphore(self.concurrency), asyncio.Lock()
        failures = _Failures()
        async with self._library.AsyncOpenAI(
            base_url=self.base_url, api_key=self.api_key, max_retries=self.retries, timeout=self.timeout
        ) as client:

            async def one(prompt: Prompt, seed: int) -> Completion:
                if not self._works:
                    async with alone:  # the first requests, one by one, till it is known that requests succeed
                        if not self._works:
                            return told(await self._tried(client, prompt, seed, params, failures))
                async with gate:
                    return told(await self._request(client, prompt, seed, params, failures))

            def told(completion: Completion) -> Completion:
                watch(1, completion.completion_tokens)
                return completion

            groups = (asyncio.gather(*(one(prompt, seed) for seed in prompt.seeds)) for prompt in prompts)
            completions: list[list[Completion]] = await asyncio.gather(*groups)
        self._report(completions, failures, params)
        return completions

    async def _tried(self, client: Any, prompt: Prompt, seed: int, params: SamplingParams, failures: _Failures) -> Completion:
        """One of the first requests.

        Raises:
            EngineError: several prompts were refused, and none was not.
        """
        if prompt.id in failures.refused:
            failures.said.append(failures.said[-1])
            return Completion("", FinishReason.ERROR, 0, 0, None, failures.refused[prompt.id])
        completion = await self._request(client, prompt, seed, params, failures)
        self._works = prompt.id not in failures.refused
        if sum(reason != TOO_LONG for reason in failures.refused.values()) >= MANY:
            raise self._refusal(failures)
        return completion

    async def _request(self, client: Any, prompt: Prompt, seed: int, params: SamplingParams, failures: _Failures) -> Completion:
        error: BaseException
        try:
            return await self._answer(client, prompt, seed, params)
        except self._library.APIStatusError as refusal:
            if refusal.status_code in (401, 402):
                raise EngineError(f"sampler: {self.shown} refuses '{self._asked}': {_line(refusal)}") from refusal
            error, status = refusal, int(refusal.status_code)
        except replies.UnusableError as nothing:
            error, status = nothing, nothing.status or 0
        except (self._library.OpenAIError, ValueError, AttributeError, LookupError, TypeError) as other:
            error, status = other, 0
        said = _line(error)
        failures.said.append(said)
        reason = f"HTTP {status}" if status else said
        if status in replies.CODES:
            reason = TOO_LONG if replies.TOO_LONG.search(said) else f"refused ({status})"
            failures.refused[prompt.id] = reason
        return Completion("", FinishReason.ERROR, 0, 0, None, reason)

    async def _answer(self, client: Any, prompt: Prompt, seed: int, params: SamplingParams) -> Completion:
        """A completion; an answer that is none is asked for again, as the client does after a status that says so."""
        body = self._body(prompt, seed, params)
        most = self.extra.get("max_completion_tokens") or self.extra.get("max_tokens") or params.max_tokens
        for attempt in range(self.retries + 1):
            try:
                return replies.completion_of(await self._endpoint(client)(**body), prompt.stop, int(most))
            except (replies.UnusableError, json.JSONDecodeError) as error:
                if attempt == self.retries or getattr(error, "refused", False):
                    raise
            await asyncio.sleep(min(FIRST_WAIT * 2**attempt, LONGEST_WAIT))
        raise AssertionError("unreachable")

    def _refusal(self, failures: _Failures) -> EngineError:
        ways = (
            "a key that it does not take is left out by null, such as sampler.extra='{seed: null, max_tokens: null, "
            "max_completion_tokens: 256}'."
        )
        if self.api == "chat" and re.search(r"\bsystem\b|\brole", failures.said[-1], re.I):
            ways = "where it takes no system message, model.system='\"\"' puts the instruction into the user's first turn."
        return EngineError(f"sampler: {self.shown} refuses '{self._asked}': {failures.said[-1]}; {ways}")

    def _endpoint(self, client: Any) -> Any:
        return client.completions.create if self.api == "completions" else client.chat.completions.create

    def _body(self, prompt: Prompt, seed: int, params: SamplingParams) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._asked,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "max_tokens": params.max_tokens,
            "seed": seed % SEED_RANGE,
            "logprobs": 1 if self.api == "completions" else True,
        }
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        if self.api == "completions":
            body["prompt"] = prompt.text
        else:
            turns = prompt.messages if prompt.chat else (Message("user", prompt.text),)
            body["messages"] = [{"role": turn.role, "content": turn.content} for turn in turns]
        asked = {key: value for key, value in body.items() if self.extra.get(key, value) is not None}
        return {**asked, "extra_body": {key: value for key, value in self.extra.items() if value is not None}}

    def _report(self, completions: Sequence[Sequence[Completion]], failures: _Failures, params: SamplingParams) -> None:
        total, said = sum(map(len, completions)), failures.said
        by_prompt = self._works and 0 < len(failures.refused) == len(completions) < MANY
        too_long = sum(reason == TOO_LONG for reason in failures.refused.values())  # a stage's end tells that none fits
        if len(said) == total and not by_prompt and too_long < len(completions):
            if len(failures.refused) == len(completions):
                raise self._refusal(failures)
            raise EngineError(
                f"sampler: none of {total} requests to {self.shown} succeeded ({said[-1]}); see to the server, "
                "and the same command goes on from here."
            )
        if said:
            log.warning("sampler: %d of %d requests failed and are unjudged; the last: %s", len(said), total, said[-1])
        several = [group for group in completions if len(group) > 1]
        if params.temperature and several and all(len({c.text for c in group}) == 1 for group in several):
            log.warning(
                "sampler: all samples of each prompt are equal; the server may ignore the temperature (see sampler.extra)"
            )


@dataclass(slots=True)
class _Failures:
    """What went wrong in one chunk."""

    said: list[str] = field(default_factory=list)
    """A line for each request."""
    refused: dict[str, str] = field(default_factory=dict)
    """Prompts that the server refuses, by id: why, in a word or two."""


def _library() -> ModuleType:
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError("sampler=openai", 'pip install -c constraints.txt -e ".[openai]"') from error
    return openai


def _line(error: BaseException) -> str:
    """An error in a line, with what the server said; what no text can hold (half a surrogate pair) is replaced."""
    said = getattr(getattr(error, "response", None), "text", "")
    text = " ".join(str(error).split()) or type(error).__name__
    line = text if said in text else f"{text}: {' '.join(said.split())}"
    return line[:300].encode("utf-8", "replace").decode()
