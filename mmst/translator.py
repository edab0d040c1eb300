"""Another model that translates in place of the one that is trained: the bound of what better translations could be worth."""

from __future__ import annotations

from dataclasses import dataclass

from mmst.methods.prompt import PromptWriter
from mmst.samplers.sampler import Sampler
from mmst.stages.sets import Checkpoint


@dataclass(frozen=True, slots=True)
class Translator:
    """A model with what asks it."""

    checkpoint: Checkpoint
    writer: PromptWriter
    """By its own chat template, or as few-shot text."""
    sampler: Sampler
    """The run's own, which loads one model after the other, or one of its own."""
