"""Sampling by a server that speaks OpenAI's protocol: vLLM, llama.cpp, `transformers serve`, or OpenAI itself.

Every sample is one request with a seed of its own, so that it can fail and be tried again alone; a server with a prefix cache
computes a prompt once all the same. Whether equal seeds give equal samples is up to the server.
"""

from __future__ import annotations

import asyncio
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from mmst.errors import ConfigError, EngineError, MissingExtraError
from mmst.samplers.sampler import SamplingParams, Watch, nobody
from mmst.training.checkpoint import refuse_adapters, served_name
from mmst.types import Completion, FinishReason, Message, Prompt

log = logging.getLogger(__name__)

APIS = ("completions", "chat")
FINISHES = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
"""Any other reason, such as a content filter, is an error: the model did not end the text."""
SEED_RANGE = 2**31
"""Seeds are sent modulo this: the widest range that all servers take."""


class OpenAISampler:
    """Bounded concurrency, retries with back-off, and failures that stay rows of their own."""

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
    ) -> None:
        """`timeout`: seconds for one attempt. `extra`: more keys of each request's body."""
        if api not in APIS:
            raise ConfigError(f"sampler.api={api} must be one of {', '.join(APIS)}.")
        if not base_url.startswith(("http://", "https://")):
            raise ConfigError(f"sampler.base_url={base_url} must be the server's address, such as http://localhost:8000/v1.")
        if concurrency < 1 or retries < 0 or timeout <= 0:
            raise ConfigError(
                f"sampler: concurrency={concurrency}, retries={retries}, timeout={timeout}: at least 1, 0, above 0."
            )
        self.base_url, self.model, self.api = base_url, model, api
        self.concurrency, self.retries, self.timeout = concurrency, retries, timeout
        self.api_key = os.environ.get(api_key_variable) or "none"
        self.extra = dict(extra or {})
        self._library = _library()
        self._answered = False
        self._asked = ""
        """The model's name in requests."""

    @property
    def engine(self) -> str:
        """The protocol and the model's name; the server does not tell its version."""
        return f"openai-{self.api}-{self.model or 'checkpoint'}" + "".join(f"-{k}={v}" for k, v in sorted(self.extra.items()))

    @property
    def loads(self) -> bool:
        """Whether the server is asked for each checkpoint by its folder (`transformers serve` loads on demand)."""
        return self.model is None

    @property
    def takes_adapters(self) -> bool:
        """A server is asked for whole checkpoints."""
        return False

    def load(self, checkpoint: Path) -> None:
        """Ask for this checkpoint from now on: by the name in the configuration, the name of a served model, or its folder."""
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
            raise EngineError(
                f"sampler: no server answers at {self.base_url} ({reason}); start it, or set base_url."
            ) from error
        self._answered = True

    async def _complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch) -> list[list[Completion]]:
        gate = asyncio.Semaphore(self.concurrency)
        failures: list[str] = []
        async with self._library.AsyncOpenAI(
            base_url=self.base_url, api_key=self.api_key, max_retries=self.retries, timeout=self.timeout
        ) as client:

            async def one(prompt: Prompt, seed: int) -> Completion:
                async with gate:
                    completion = await self._request(client, prompt, seed, params, failures)
                watch(1, completion.completion_tokens)
                return completion

            groups = (asyncio.gather(*(one(prompt, seed) for seed in prompt.seeds)) for prompt in prompts)
            completions: list[list[Completion]] = await asyncio.gather(*groups)
        self._report(completions, failures, params)
        return completions

    async def _request(self, client: Any, prompt: Prompt, seed: int, params: SamplingParams, failures: list[str]) -> Completion:
        try:
            response = await self._endpoint(client)(**self._body(prompt, seed, params))
            return _completion(response, prompt.stop)
        except self._library.APIStatusError as error:
            if error.status_code in (401, 403, 404):
                raise EngineError(f"sampler: {self.base_url} refuses '{self._asked}': {_line(error)}") from error
            failures.append(_line(error))
        except (self._library.OpenAIError, ValueError, AttributeError, IndexError, TypeError) as error:
            failures.append(_line(error))
        return Completion("", FinishReason.ERROR, 0, 0, None)

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
            turns = prompt.messages or (Message("user", prompt.text),)
            body["messages"] = [{"role": turn.role, "content": turn.content} for turn in turns]
        return {**body, "extra_body": self.extra}

    def _report(self, completions: Sequence[Sequence[Completion]], failures: Sequence[str], params: SamplingParams) -> None:
        total = sum(map(len, completions))
        if len(failures) == total:
            raise EngineError(
                f"sampler: none of {total} requests to {self.base_url} succeeded ({failures[-1]}); see to the server, "
                "and the same command goes on from here."
            )
        if failures:
            log.warning("sampler: %d of %d requests failed and are unjudged; the last: %s", len(failures), total, failures[-1])
        several = [group for group in completions if len(group) > 1]
        if params.temperature and several and all(len({c.text for c in group}) == 1 for group in several):
            log.warning(
                "sampler: all samples of each prompt are equal; the server may ignore the temperature (see sampler.extra)"
            )


def _completion(response: Any, stops: Sequence[str]) -> Completion:
    choice = response.choices[0]
    text = choice.message.content if hasattr(choice, "message") else choice.text
    finish = FINISHES.get(choice.finish_reason, FinishReason.ERROR)
    if text is None or finish is FinishReason.ERROR:
        raise ValueError(f"the server ended a completion for '{choice.finish_reason}'")
    cuts = [text.index(stop) for stop in stops if stop in text]
    if cuts:
        text, finish = text[: min(cuts)], FinishReason.STOP
    usage = response.usage
    logprobs = _logprobs(choice)
    mean = round(sum(logprobs) / len(logprobs), 6) if logprobs else None
    return Completion(text, finish, usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0, mean)


def _logprobs(choice: Any) -> list[float]:
    """The tokens' log-probabilities, where the server tells them."""
    told = getattr(choice, "logprobs", None)
    listed = getattr(told, "token_logprobs", None)
    if listed is None:
        listed = [token.logprob for token in getattr(told, "content", None) or []]
    return [value for value in listed if value is not None]


def _library() -> ModuleType:
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError("sampler=openai", 'pip install -c constraints.txt -e ".[openai]"') from error
    return openai


def _line(error: BaseException) -> str:
    """An error in a line, with what the server said."""
    said = getattr(getattr(error, "response", None), "text", "")
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if said in text else f"{text}: {' '.join(said.split())}")[:300]
