"""Prompts that are longer than a model has positions: rows of their own, known before anything is sampled."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from mmst.errors import ModelError
from mmst.samplers.sampler import Watch
from mmst.types import Completion, FinishReason, Prompt

log = logging.getLogger(__name__)

TOO_LONG = "prompt too long"
"""The reason of a row whose prompt leaves no room for its completion."""


def positions(config: Any) -> int | None:
    """The most tokens that a model's configuration allows; None where it names no limit."""
    text = config.get_text_config()
    most = getattr(text, "max_position_embeddings", None) or getattr(text, "max_seq_len", None)
    return int(most) if most else None


class Fitting:
    """Tells prompts that fit from those that do not; remembers whether any did."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.any_did = False

    def places(self, prompts: Sequence[Prompt], lengths: Sequence[int], new: int) -> list[int]:
        """The places of the prompts that leave room for `new` tokens. lengths: tokens, of each.

        Raises:
            ModelError: of several prompts, the first that are asked for, not one does: what is wrong is a setting.
        """
        if self.most is None:
            return list(range(len(prompts)))
        fit = [place for place, length in enumerate(lengths) if length + new <= self.most]
        if not fit and not self.any_did and (len(prompts) > 1 or new >= self.most):
            raise ModelError(
                f"model: a prompt of {min(lengths)} tokens and max_tokens={new} are more than the {self.most} positions of "
                "the model, and no prompt is shorter; lower model.max_tokens or model.shots."
            )
        self.any_did = self.any_did or bool(fit)
        if len(fit) < len(prompts):
            kept = set(fit)
            longest = max((length, prompts[n].id) for n, length in enumerate(lengths) if n not in kept)
            log.warning(
                "sampler: %d of %d prompts are too long for the model's %d positions and unjudged; the longest is %s with %d "
                "tokens",
                len(prompts) - len(fit),
                len(prompts),
                self.most,
                longest[1],
                longest[0],
            )
        return fit


def put_back(
    prompts: Sequence[Prompt],
    lengths: Sequence[int],
    places: Sequence[int],
    made: Iterable[list[Completion]],
    watch: Watch,
) -> list[list[Completion]]:
    """Completions of all prompts, where those at `places` have what was made of them, and the others are refused."""
    fit = set(places)
    whole = [[] if place in fit else _refused(prompt, lengths[place]) for place, prompt in enumerate(prompts)]
    if none := sum(map(len, whole)):
        watch(none, 0)
    for place, group in zip(places, made, strict=True):
        whole[place] = group
    return whole


def _refused(prompt: Prompt, tokens: int) -> list[Completion]:
    return [Completion("", FinishReason.ERROR, tokens, 0, None, TOO_LONG) for _ in prompt.seeds]
