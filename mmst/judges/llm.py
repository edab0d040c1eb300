"""A language model as a judge, behind a server that speaks OpenAI's protocol.

It is asked greedily, once for each sample. A reply is `right` or `wrong`, as its first word or as a JSON object's `verdict`;
any other reply, and a server that fails, leave the sample unjudged with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmst.answers.thinking import without_thinking
from mmst.errors import ConfigError, EngineError
from mmst.judges.judge import Judgement
from mmst.methods.method import Reading
from mmst.samplers.openai import OpenAISampler
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.secrets import masked
from mmst.types import Completion, FinishReason, Message, Problem, Prompt, Verdict

PROMPT = Path(__file__).parent / "llm_prompt.txt"
REASONS = Path(__file__).parent / "llm_reasons_prompt.txt"
FIELD = re.compile(r"\{(question|gold|answer|completion)\}")
OBJECT = re.compile(r"\{[^{}]*\}")
WORD = re.compile(r"[^\W\d_]+")
NONE = "(none)"
"""What stands for a gold answer that is not known, and for an answer that was not found."""
SAID = ("right", "wrong")
FIRST = 40
"""Characters of a reply in a reason."""


class Llm:
    """Asks a model. What determines a verdict is the prompt's text, the model and how it is asked; not where it is served."""

    version = 1

    def __init__(
        self,
        base_url: str,
        model: str,
        prompt: str | None = None,
        api: str = "chat",
        max_tokens: int = 512,
        concurrency: int = 16,
        retries: int = 6,
        timeout: float = 300.0,
        api_key_variable: str = "OPENAI_API_KEY",
        extra: Mapping[str, Any] | None = None,
        reasons: str | None = None,
    ) -> None:
        """`prompt`, `reasons`: files, one to ask about steps. `timeout`: an attempt's seconds. `extra`: of each request.

        Raises:
            ConfigError: the file cannot be read, or does not name the answer; or a setting is no setting of a server.
        """
        self.prompt, self.model, self.api, self.max_tokens = _template(prompt), model, api, max_tokens
        self.extra = masked(dict(extra or {}))
        self._reasons = str(REASONS) if reasons is None else reasons
        _template(self._reasons)
        self._server: dict[str, Any] = {
            "base_url": base_url,
            "model": model,
            "api": api,
            "concurrency": concurrency,
            "retries": retries,
            "timeout": timeout,
            "api_key_variable": api_key_variable,
            "extra": extra,
        }
        try:
            self._sampler()
        except ConfigError as error:
            raise ConfigError(_of_judge(error)) from error

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """The judgement of one sample."""
        return self.judge_all([problem], [reading])[0]

    def of_reasons(self) -> Llm:
        """The same model, asked whether a solution's steps are right."""
        return Llm(prompt=self._reasons, max_tokens=self.max_tokens, **self._server)

    def judge_all(self, problems: Sequence[Problem], readings: Sequence[Reading]) -> list[Judgement]:
        """The judgements of samples, several requests at a time."""
        pairs = list(zip(problems, readings, strict=True))
        asked = [n for n, (_, reading) in enumerate(pairs) if reading.judged and self._asks(reading)]
        prompts = [self._prompt(n, *pairs[n]) for n in asked]
        try:
            replies = self._sampler().complete(prompts, SamplingParams(temperature=0.0, max_tokens=self.max_tokens))
            said = {n: _judgement(group[0]) for n, group in zip(asked, replies, strict=True)}
        except EngineError as error:
            said = dict.fromkeys(asked, Judgement(Verdict.UNJUDGED, _of_judge(error)))
        return [said[n] if n in said else _unasked(reading) for n, (_, reading) in enumerate(pairs)]

    def _asks(self, reading: Reading) -> bool:
        """Whether there is something to judge: an answer, or a completion that the prompt shows."""
        return reading.answer is not None or ("{completion}" in self.prompt and bool(reading.completion.strip()))

    def _prompt(self, number: int, problem: Problem, reading: Reading) -> Prompt:
        shown = {
            "question": problem.statement,
            "gold": problem.answer or "\n".join(problem.tests) or NONE,
            "answer": NONE if reading.answer is None else reading.answer,
            "completion": reading.completion or NONE,
        }
        text = FIELD.sub(lambda found: shown[found[1]], self.prompt)
        return Prompt(str(number), text, (0,), messages=(Message("user", text),), chat=True)

    def _sampler(self) -> OpenAISampler:
        made = OpenAISampler(**self._server)
        made.load(Path())
        return made


def verdict_in(reply: str) -> Judgement:
    """What a reply says; what was thought before it does not count."""
    text = without_thinking(reply).strip()
    for found in reversed(OBJECT.findall(text)):
        said = _object(found)
        if said is not None:
            return said
    first = WORD.search(text)
    word = first[0].lower() if first else ""
    if word in SAID:
        return Judgement(Verdict(word), "model")
    return Judgement(Verdict.UNJUDGED, f"the judge replied neither right nor wrong: {' '.join(text.split())[:FIRST]}".rstrip())


def _object(text: str) -> Judgement | None:
    """The verdict of a JSON object; None where it has none."""
    try:
        said = str(json.loads(text).get("verdict", "")).strip().lower()
    except (ValueError, RecursionError):
        return None
    return Judgement(Verdict(said), "model") if said in SAID else None


def _judgement(completion: Completion) -> Judgement:
    if completion.finish is FinishReason.ERROR:
        return Judgement(Verdict.UNJUDGED, f"the judge's server failed: {completion.error or 'no reply'}")
    said = verdict_in(completion.text)
    if said.verdict is Verdict.UNJUDGED and completion.finish is FinishReason.LENGTH:
        return Judgement(Verdict.UNJUDGED, "the judge's reply was cut; raise judge.max_tokens")
    return said


def _unasked(reading: Reading) -> Judgement:
    return Judgement(Verdict.NO_ANSWER if reading.judged else Verdict.UNJUDGED, reading.reason)


def _template(file: str | None) -> str:
    path = PROMPT if file is None else Path(file).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"judge.prompt={file} cannot be read ({error}); name a text file.") from error
    if not {"answer", "completion"} & set(FIELD.findall(text)):
        raise ConfigError(f"judge.prompt={file} holds neither {{answer}} nor {{completion}}, so there is nothing to judge.")
    return text


def _of_judge(error: Exception) -> str:
    """A sampler's sentence, said of the judge."""
    return str(error).replace("sampler", "judge")
