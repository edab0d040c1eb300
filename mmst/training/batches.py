"""Examples as token rows, and rows of a batch as tensors.

Shapes: `B` rows in a batch, `T` tokens of its longest row.

  1. `tokenize` turns examples into token rows: prompt tokens, completion tokens, end-of-sequence.
  2. `mmst.training.prefixes` finds the few-shot exemplars that many of them begin with.
  3. `mmst.training.schedule` fixes which of them share a batch, and in packed layouts which of them share a row.
  4. `collate` makes the tensors of rows that are computed together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Protocol

from mmst.training.tokenization import example_tokens
from mmst.types import Contrasted, Dropped, DropReason, Example

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token without a loss (PyTorch's own convention)."""
PREFIX = -1
"""The segment of a prefix that all examples of a row see."""
BESIDE = ", beside"
"""Behind an edge's name, for the losses of what stands beside its examples."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One example in tokens."""

    id: str
    edge: str
    tokens: tuple[int, ...]
    prompt_length: int
    problem: str = ""
    weight: float = 1.0
    """How much each of its completion tokens counts in the loss."""
    shared: int = 0
    """How many of its first tokens may stand in a packed row once, for all examples that begin with them."""
    beside: TokenRow | None = None
    """What it is computed with, where an objective compares: a wrong solution of the same problem, or a mismatched one."""
    right: bool = True
    """Whether it is a right solution; wrong ones are trained on by an objective that takes each alone."""

    @property
    def parts(self) -> tuple[TokenRow, ...]:
        """Itself, and what it is computed with."""
        return (self,) if self.beside is None else (self, self.beside)

    @property
    def length(self) -> int:
        """Tokens that it takes in a packed row, its prefix counted once."""
        return sum(len(part.tokens) for part in self.parts) - self.shared * (len(self.parts) - 1)

    @property
    def forked(self) -> TokenRow:
        """The same, with what it and its neighbour begin with standing once, prompt and solution alike, but for its last token:
        each has its own, which predicts where they part.
        """
        return self.sharing(max(0, common_length([part.tokens for part in self.parts]) - 1))

    @property
    def labelled_from(self) -> int:
        """Its first token with a label of its own, where it is not the first of its row."""
        return max(self.prompt_length, self.shared + 1)

    @property
    def prefix(self) -> tuple[int, ...]:
        """The tokens that it shares with others."""
        return self.tokens[: self.shared]

    def sharing(self, length: int) -> TokenRow:
        """The same, with so many first tokens that it shares."""
        beside = self.beside
        return replace(self, shared=length, beside=None if beside is None else replace(beside, shared=length))

    @property
    def loss_weight(self) -> float:
        """The weight of the whole example: its completion tokens, weighed."""
        return self.weight * (len(self.tokens) - self.prompt_length)


@dataclass(frozen=True, slots=True)
class Batch:
    """One forward and backward pass of one process."""

    rows: tuple[tuple[TokenRow, ...], ...]
    """What stands in each row: one example, or several where rows are packed."""
    share: float
    """What each unit of loss weight adds to the step's loss: 1 over the weights of all batches of the step, times the number
    of these batches, since processes and accumulated batches are averaged. Where an objective compares, the weight is that of
    an example, whatever its length."""
    token_share: float = 0.0
    """The same by the loss weights of completion tokens, where an objective compares."""
    apart: tuple[tuple[TokenRow, ...], ...] = ()
    """Rows of what no gradient goes through: for `kto`, the mismatched completions."""


class Refusals(Protocol):
    """Where what was too long is noted: a list, or `mmst.ledger.spooled.Spooled`."""

    def append(self, row: Dropped, /) -> None:
        """One more."""


def tokenize(
    examples: Iterable[Example], tokenizer: PreTrainedTokenizerBase, longest: int, dropped: Refusals
) -> Iterator[TokenRow]:
    """Tokenize examples; one that is longer than `longest` tokens is dropped and named, never cut."""
    for example in examples:
        row = _row(example, tokenizer)
        if len(row.tokens) > longest:
            dropped.append(Dropped(example.id, example.edge, DropReason.TOO_LONG))
        else:
            yield row


def _row(example: Example, tokenizer: PreTrainedTokenizerBase) -> TokenRow:
    tokens, prompt = example_tokens(tokenizer, example)
    return TokenRow(example.id, example.edge, tuple(tokens), prompt, example.problem_id)


def tokenize_contrasted(
    rows: Iterable[Contrasted],
    tokenizer: PreTrainedTokenizerBase,
    longest: int,
    dropped: Refusals,
    together: int | None = None,
) -> Iterator[TokenRow]:
    """The same of examples that stand beside another completion. together: the most tokens of both; None: no limit."""
    for row in rows:
        name, edge = f"{row.example.id} beside {row.beside_id}", f"{row.example.edge}{BESIDE}"
        beside = _row(replace(row.example, id=name, edge=edge, completion=row.beside), tokenizer)
        whole = replace(_row(row.example, tokenizer), beside=beside, right=row.right, id=f"{name} itself")
        too_long = max(len(part.tokens) for part in whole.parts) > longest
        if too_long or (together is not None and whole.length > together):
            dropped.append(Dropped(row.example.id, row.example.edge, DropReason.TOO_LONG))
        else:
            yield whole


def row_length(row: Sequence[TokenRow]) -> int:
    """Tokens of the examples that share a row, their prefix counted once."""
    return row[0].shared + sum(len(part.tokens) - part.shared for part in row)


def common_length(sequences: Sequence[Sequence[Any]]) -> int:
    """How many first tokens all sequences have in common: what the first and the last of them in order do."""
    first, last = min(map(tuple, sequences)), max(map(tuple, sequences))
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def collate(
    rows: Sequence[Sequence[TokenRow]], pad_id: int, edges: Sequence[str] = (), packed: bool = False
) -> dict[str, Tensor]:
    """The tensors of some rows, each (B, T), padded on the right.

    `input_ids`, `labels`, `weights` (of each label), `segments` (1, 2, ... by example of the row, 0 on padding, `PREFIX` on
    what all of them begin with), and `edges` (the number of its example's edge in `edges`). Packed rows have `position_ids`,
    which start anew with each example, behind the prefix. Only the first example of a row brings its prefix along, and labels
    of the prefix and right behind it, where that reaches into a completion, stand in the first example alone.
    Labels are `IGNORED` on prompts and padding, by position and not by token: the end-of-sequence token is learned also
    where it is the padding token as well.
    """
    import torch

    width = max(map(row_length, rows))
    shape = (len(rows), width)
    tensors = {
        "input_ids": torch.full(shape, pad_id),
        "labels": torch.full(shape, IGNORED),
        "weights": torch.zeros(shape),
        "segments": torch.zeros(shape, dtype=torch.long),
        "edges": torch.zeros(shape, dtype=torch.long),
        "position_ids": torch.zeros(shape, dtype=torch.long),
    }
    number = {edge: i for i, edge in enumerate(edges)}
    for i, row in enumerate(rows):
        start = row[0].shared if packed else 0
        if start:
            told = slice(row[0].prompt_length, start)
            tensors["labels"][i, told] = torch.tensor(row[0].prefix)[told]
            tensors["weights"][i, told] = row[0].weight
            tensors["edges"][i, told] = number.get(row[0].edge, 0)
            tensors["input_ids"][i, :start] = torch.tensor(row[0].prefix)
            tensors["segments"][i, :start] = PREFIX
            tensors["position_ids"][i, :start] = torch.arange(start)
        for segment, part in enumerate(row, 1):
            first = part.shared if packed else 0
            tokens = torch.tensor(part.tokens[first:])
            silent = max(0, part.prompt_length - first) if segment == 1 or not packed else part.labelled_from - first
            here, learned = slice(start, start + len(tokens)), slice(start + silent, start + len(tokens))
            tensors["input_ids"][i, here] = tokens
            tensors["labels"][i, learned] = tokens[silent:]
            tensors["weights"][i, learned] = part.weight
            tensors["segments"][i, here] = segment
            tensors["edges"][i, here] = number.get(part.edge, 0)
            tensors["position_ids"][i, here] = torch.arange(first, first + len(tokens))
            start += len(tokens)
    if not packed:
        del tensors["position_ids"]
    return tensors
