"""A sampler without a model: completions come from a function. For tests, and for trying a pipeline out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmst.samplers.sampler import SamplingParams, Watch, Weightless, nobody
from mmst.types import Completion, FinishReason, Prompt

Script = Callable[[str, int], str]
"""(prompt, seed) -> completion."""


class ScriptedSampler(Weightless):
    """Completes each prompt as its script says. Tokens are counted as words."""

    def __init__(self, script: Script, finish: FinishReason = FinishReason.STOP) -> None:
        self.script = script
        self.finish = finish
        self.calls = 0
        """Prompts completed so far: what a resumed run must not do twice."""

    @property
    def engine(self) -> str:
        """`scripted`."""
        return "scripted"

    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`."""
        self.calls += len(prompts)
        made = [self._completions(prompt) for prompt in prompts]
        watch(sum(map(len, made)), sum(c.completion_tokens for group in made for c in group))
        return made

    def _completions(self, prompt: Prompt) -> list[Completion]:
        words = len(prompt.text.split())
        texts = (self.script(prompt.text, seed) for seed in prompt.seeds)
        return [Completion(text, self.finish, words, len(text.split()), None) for text in texts]
