"""What a training lowers: the likelihood loss of right solutions, or one that sets right against wrong ones.

    sft   the mean loss of a completion token
    dpo   right over wrong, against what the start model preferred (Rafailov et al., arXiv 2305.18290, equation 7)
    rpo   the same, and `alpha` times the mean loss of the right one's tokens (Pang et al., arXiv 2404.19733)
    kto   each solution alone, right or wrong, against what is likely by chance (Ethayarajh et al., arXiv 2402.01306)

The start model is the reference: under adapters, the model beneath them. The losses are in `preference`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mmst.errors import ConfigError

VERSION = 2
"""Of how comparing losses are computed: raised where a training by one ends with other weights than before."""


class Aim(StrEnum):
    """What is lowered."""

    SFT = "sft"
    DPO = "dpo"
    RPO = "rpo"
    KTO = "kto"


@dataclass(frozen=True, slots=True)
class Objective:
    """An aim with its numbers.

    Raises:
        ConfigError: a number out of its range.
    """

    aim: Aim = Aim.SFT
    beta: float = 0.1
    """How strongly the model is held to the reference."""
    alpha: float = 1.0
    """Of `rpo`: how much the right solution's own loss counts."""
    right: float = 1.0
    """Of `kto`: the weight of right solutions."""
    wrong: float = 1.0
    """Of `kto`: the weight of wrong ones."""
    lr_share: float = 1.0
    """The learning rate, as a share of the trainer's: what compares likelihoods takes smaller steps."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "aim", Aim(self.aim))
        for name in ("beta", "alpha", "lr_share"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"objective.{name}={getattr(self, name)} must be above 0.")
        for name in ("right", "wrong"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"objective.{name}={getattr(self, name)} must be 0 or above.")

    @property
    def compares(self) -> bool:
        """Whether it needs wrong solutions, and a reference."""
        return self.aim is not Aim.SFT

    def settings(self) -> dict[str, Any]:
        """What determines the loss: the aim, the numbers that it has a use for, and how it is computed."""
        used = {Aim.SFT: (), Aim.DPO: ("beta",), Aim.RPO: ("beta", "alpha"), Aim.KTO: ("beta", "right", "wrong")}
        version = {"version": VERSION} if self.compares else {}
        return {"aim": str(self.aim), **version} | {name: getattr(self, name) for name in used[self.aim]}
