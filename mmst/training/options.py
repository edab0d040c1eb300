"""What a training may be told. Neither Lightning nor torch is imported here: they take seconds, and most commands
train nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow
from mmst.training.objective import Objective
from mmst.training.schedule import Layout
from mmst.training.token_rows import ChosenRows

BY_POSITION = ("flash_attention_2", "flash_attention_3", "flex_attention")
"""Attention implementations that find the boundaries of packed examples in position ids."""
SCHEDULES = (
    "constant", "constant_with_warmup", "cosine", "cosine_with_restarts", "inverse_sqrt", "linear", "polynomial"
)  # fmt: skip
"""Those of transformers.get_scheduler that need no more than the steps and the warm-up."""


class TooLong(StrEnum):
    """What becomes of an example that is longer than a row. It is never cut."""

    DROP = "drop"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """AdamW with warm-up and decay (Loshchilov and Hutter, arXiv 1711.05101)."""

    lr: float = 1e-3
    """Peak learning rate."""
    weight_decay: float = 0.01
    """On matrices only; never on norms and biases."""
    betas: tuple[float, float] = (0.9, 0.95)
    warmup: float = 0.05
    """Share of the steps, from 0 to 1."""
    schedule: str = "cosine"
    """One of `SCHEDULES`."""
    offloaded: bool = False
    """DeepSpeed's AdamW on the CPU, for strategies that offload optimizer states."""

    def __post_init__(self) -> None:
        if not 0 < self.lr < float("inf"):
            raise ConfigError(f"trainer.options.optimizer.lr={self.lr} must be above 0.")
        if not 0 <= self.weight_decay < float("inf"):
            raise ConfigError(f"trainer.options.optimizer.weight_decay={self.weight_decay} must be 0 or above.")
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"trainer.options.optimizer.warmup={self.warmup} is a share of the steps, from 0 to 1.")
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"trainer.options.optimizer.schedule={self.schedule} must be one of {', '.join(SCHEDULES)}.")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a model is trained on examples, whatever the machine."""

    steps: int | None = 400
    """Optimizer steps. None: as many as `epochs` take."""
    epochs: float | None = None
    """Passes over the examples; used where `steps` is None."""
    batch_size: int = 32
    """Examples a step, over all processes and accumulated batches; of packed rows, as many as hold so many on average."""
    longest: int = 256
    """Tokens of the longest example."""
    too_long: TooLong = TooLong.DROP
    """Longer examples are dropped, counted and reported, or they are an error."""
    layout: Layout = Layout.BUCKETED
    """How examples are laid into rows; see `mmst.training.schedule`."""
    groups: int = 4
    """Groups of like length that a bucketed batch is computed in, one after the other: the more, the less padding."""
    row: int = 512
    """Tokens of a packed row, at least `longest`."""
    rows_at_once: int | None = None
    """Packed rows that one process computes at a time, at most: a step is accumulated over as many batches as that takes."""
    share_prefixes: bool = True
    """Whether few-shot exemplars stand once in a packed row, for all its examples, and the prompt of a pair once, for both of
    its solutions; never with FlashAttention and the like."""
    attention: str | None = None
    """An attention implementation of transformers; None: its own choice."""
    recompute: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more time."""
    loss_chunk: int | None = None
    """Completion tokens whose logits are held at a time; None: all of a batch."""
    compile: bool = False
    """torch.compile."""
    lora: int | dict[str, Any] | None = None
    """Train low-rank adapters, of this rank or with these settings of peft.LoraConfig; None: all weights."""
    merge: bool = True
    """Whether adapters are merged into the model; else a checkpoint holds them alone, and needs the one it started from."""
    edge_weights: dict[str, float] | None = None
    """How much a completion token of an edge counts in the loss, by its name (`code -> text`, or `code_to_text`); else 1."""
    held_out: float = 0.0
    """Share of the problems whose examples are held out, to choose the best weights by; 0: the last weights are taken."""
    measure_every: int = 50
    """Steps between two measurements of the held-out loss."""
    patience: int | None = 3
    """Measurements without a better one until a training stops; None: never."""
    objective: Objective = field(default_factory=Objective)
    """What is lowered."""
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    save_every: int = 100
    """Steps between the checkpoints that a killed training resumes from."""
    keep: int = 1
    """How many of them are kept while the training runs."""
    keep_after: bool = False
    """Whether they stay when it has ended."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "too_long", TooLong(self.too_long))
        object.__setattr__(self, "layout", Layout(self.layout))
        if (self.steps is None) == (self.epochs is None):
            raise ConfigError("trainer.options: give either steps or epochs, and set the other to null.")
        positive = (
            "steps", "epochs", "batch_size", "longest", "groups", "row", "save_every", "keep", "measure_every", "patience",
            "loss_chunk", "rows_at_once",
        )  # fmt: skip
        for key in positive:
            value = getattr(self, key)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"trainer.options.{key}={value} must be above 0.")
        if self.rows_at_once is not None and not self.packed:
            raise ConfigError(
                "trainer.options.rows_at_once is of packed rows; set trainer.options.layout=packed, or accumulate."
            )
        _check_attention(self.attention)
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"trainer.options.held_out={self.held_out} is a share of the problems, from 0 to below 1.")
        if isinstance(self.lora, int) and self.lora < 1:
            raise ConfigError(f"model.lora={self.lora} is a rank and must be at least 1.")
        if any(not 0 <= weight < float("inf") for weight in (self.edge_weights or {}).values()):
            raise ConfigError("trainer.options.edge_weights must be 0 or above.")

    @property
    def packed(self) -> bool:
        """Whether rows hold several examples."""
        return self.layout is Layout.PACKED

    @property
    def masked(self) -> bool:
        """Whether rows have a mask of blocks, in which all examples of a row can see one prefix."""
        return self.packed and self.attention not in BY_POSITION

    @property
    def shares_prefixes(self) -> bool:
        """Whether a packed row holds once what its examples begin with."""
        return self.masked and self.share_prefixes

    @property
    def longest_row(self) -> int:
        """Tokens of the longest example that is trained on."""
        return min(self.longest, self.row) if self.packed else self.longest

    def accumulated(self, rows: int, processes: int, accumulate: int) -> int:
        """Batches that each process adds up in a step of so many rows: `accumulate`, or what `rows_at_once` takes."""
        if self.rows_at_once is None:
            return accumulate
        each = -(-rows // (processes * self.rows_at_once))
        return max(accumulate, min(each, rows // processes))  # no batch without a row

    def step_count(self, rows: int) -> int:
        """Optimizer steps for a training set of `rows` examples."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * rows / self.batch_size))

    def check_edges(self, edges: Iterable[str]) -> None:
        """Refuse weights of edges that no recipe can have; an arm may lack an edge that is given one.

        Raises:
            ConfigError: a name is misspelt.
        """
        known = list(edges)
        unknown = sorted(set(self.edge_weights or {}) - set(known) - set(map(_plain_name, known)))
        if unknown:
            raise ConfigError(f"trainer.options.edge_weights: '{unknown[0]}' is no edge; there are {', '.join(known)}.")

    def weighed(self, rows: Sequence[TokenRow]) -> Sequence[TokenRow]:
        """The rows, weighed by their edges as well; those of weight 0 are left out.

        Raises:
            ConfigError: none is left.
        """
        weights = self.edge_weights
        if not weights:
            return rows

        def weight(edge: str) -> float:
            return weights.get(edge, weights.get(_plain_name(edge), 1.0))

        numbers = array("q", (number for number, row in enumerate(rows) if weight(row.edge)))
        found = ChosenRows(rows, numbers, weight)
        if rows and not found:
            edges = ", ".join(sorted({row.edge for row in rows}))
            raise ConfigError(f"trainer.options.edge_weights: all edges of this arm ({edges}) have the weight 0.")
        return found

    def settings(self) -> dict[str, Any]:
        """What determines what comes out: everything but how often is saved, and what this training has no use for."""
        idle = {"save_every", "keep", "keep_after"}
        idle |= set() if self.masked or self.objective.compares else {"share_prefixes"}
        idle |= {"merge"} if self.merge or self.lora is None else set()
        idle |= {"groups"} if self.packed else {"row", "rows_at_once"}
        idle |= set() if self.held_out else {"measure_every", "patience"}
        found = {key: value for key, value in asdict(self).items() if key not in {*idle, "objective"}}
        return {**found, "objective": self.objective.settings()} if self.objective.compares else found


def _check_attention(name: str | None) -> None:
    """Refuse an implementation that transformers does not know; those of the Hub's kernels have a slash in their names."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    known = ["eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()]
    if name is not None and "/" not in name and name not in known:
        raise ConfigError(f"trainer.options.attention={name} must be one of {', '.join(sorted(known))}, or null.")


def _plain_name(edge: str) -> str:
    """An edge's name as a command line can have it."""
    return edge.replace(" -> ", "_to_")
