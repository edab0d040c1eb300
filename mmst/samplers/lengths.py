"""Prompts that are longer than a model has positions: rows of their own, known before anything is sampled."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmst.errors import ModelError
from mmst.samplers.sampler import Watch
from mmst.types import Completion, FinishReason, Prompt, Sample

log = logging.getLogger(__name__)

TOO_LONG = "prompt too long"
"""The reason of a row whose prompt leaves no room for its completion."""


def positions(config: Any) -> int | None:
    """The most tokens that a model's configuration allows; None where it names no limit."""
    text = config.get_text_config()
    most = getattr(text, "max_position_embeddings", None) or getattr(text, "max_seq_len", None)
    return int(most) if most else None


class Fitting:
    """Tells prompts that fit from those that do not.

    It sees one call, which may hold the few longest prompts of a stage. That not one of a whole stage fits is told at its
    end (`refuse_if_none_fits`).
    """

    def __init__(self, most: int | None) -> None:
        self.most = most

    def places(self, prompts: Sequence[Prompt], lengths: Sequence[int], new: int) -> list[int]:
        """The places of the prompts that leave room for `new` tokens. lengths: tokens, of each.

        Raises:
            ModelError: `new` tokens alone are more than the model has positions, so that no prompt of any length fits.
        """
        if self.most is None:
            return list(range(len(prompts)))
        if new >= self.most:
            raise ModelError(
                f"model: max_tokens={new} leaves no prompt any room in the {self.most} positions of the model; lower "
                "model.max_tokens."
            )
        fit = [place for place, length in enumerate(lengths) if length + new <= self.most]
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


class Fits:
    """Counts the rows of a stage whose prompts were too long."""

    def __init__(self) -> None:
        self.rows = self.too_long = 0
        self.shortest: int | None = None
        """Tokens of the shortest prompt that did not fit; None where no engine counted them."""

    def add(self, rows: Iterable[Sample]) -> None:
        """More rows."""
        for row in rows:
            self.rows += 1
            if row.error == TOO_LONG:
                self.too_long += 1
                if row.prompt_tokens:
                    self.shortest = min(self.shortest or row.prompt_tokens, row.prompt_tokens)

    def facts(self) -> dict[str, int | None]:
        """What to write into the stage's manifest, where some were."""
        return {"too_long": self.too_long, "shortest_too_long": self.shortest} if self.too_long else {}


def refuse_if_none_fits(manifest: Mapping[str, Any], title: str, new: int, units: int) -> None:
    """Stop where all of a whole stage's prompts were too long. `units`: rows a prompt; one prompt alone may be too long.

    Raises:
        ModelError: they were: what is wrong is a setting.
    """
    rows, shortest = manifest["rows"], manifest.get("shortest_too_long")
    if manifest.get("too_long") == rows > units:
        tokens = f", not even one of {shortest} tokens" if shortest else ""
        raise ModelError(
            f"model: {' '.join(title.split())}: no prompt leaves room for max_tokens={new} in the model's positions{tokens}; "
            "lower model.max_tokens or model.shots."
        )


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
