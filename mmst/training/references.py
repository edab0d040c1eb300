"""What the start model thinks of every completion, found once before the first step, for objectives that compare with it.

Before its first step the model in training is the start model itself: its weights, or adapters that change nothing yet. So it
is asked as it is, sharded or not, each process a part of the completions; what is found lies beside the training's
checkpoints, from where a resumed training takes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import distributed

from mmst.ledger.files import atomic_write
from mmst.training.batches import Batch, TokenRow, collate, row_length
from mmst.training.module import CausalLanguageModule

FILE = "references.json"
AT_ONCE = 16
"""Completions that are computed together."""
BEHIND_ONE = 8
"""Completions behind one prompt, at most: each may look at no other, but its row's mask holds them all."""


def completions_of(rows: Iterable[TokenRow]) -> list[TokenRow]:
    """Every completion once, by its id."""
    return list({part.id: part for row in rows for part in row.parts}.values())


def reference_batches(completions: Sequence[TokenRow], behind_one: int, processes: int) -> list[list[Batch]]:
    """Each process's batches, equally many, with every text once; behind one prompt so many completions at most.

    Where texts run out, a batch is repeated.
    """
    texts: dict[tuple[int, ...], dict[tuple[int, ...], TokenRow]] = {}
    for part in completions:
        texts.setdefault(part.tokens[: part.prompt_length], {}).setdefault(part.tokens, replace(part, beside=None))
    rows = [
        tuple(
            part.sharing(len(prompt) - 1 if behind_one > 1 else 0) for part in list(found.values())[start : start + behind_one]
        )
        for prompt, found in texts.items()
        for start in range(0, len(found), behind_one)
    ]
    groups: list[list[tuple[TokenRow, ...]]] = []
    count = AT_ONCE
    for row in sorted(rows, key=row_length):
        if count + len(row) > AT_ONCE:
            groups.append([])
            count = 0
        groups[-1].append(row)
        count += len(row)
    batches = [Batch(tuple(group), 1.0) for group in groups]
    batches += [Batch(batches[0].rows, 0.0)] * (-len(batches) % processes)
    return [batches[process::processes] for process in range(processes)]


class References(Callback):
    """Gives the module the reference's log-probabilities.

    Args:
        completions: of whom.
        tensors: (a batch) -> its tensors.
        folder: where they are kept.
    """

    def __init__(
        self,
        completions: Sequence[TokenRow],
        tensors: Callable[[Batch], Mapping[str, Any]],
        folder: Path,
    ) -> None:
        self.completions, self.tensors, self.folder = completions, tensors, folder

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Find them, or read what an earlier process found."""
        assert isinstance(pl_module, CausalLanguageModule)
        path = self.folder / FILE
        there = trainer.strategy.broadcast(path.is_file())
        if not there:
            found = self._found(trainer, pl_module)
            if trainer.is_global_zero:
                atomic_write(path, json.dumps(found).encode())
            trainer.strategy.barrier("mmst: the references are there")
        pl_module.references = json.loads(path.read_text())

    @torch.no_grad()
    def _found(self, trainer: lightning.Trainer, module: CausalLanguageModule) -> dict[str, float]:
        module.eval()
        mine: dict[str, float] = {}
        shares = module.shares_prompts
        batches = reference_batches(self.completions, BEHIND_ONE if shares else 1, trainer.world_size)[trainer.global_rank]
        for number, batch in enumerate(batches):
            tensors = {**self.tensors(batch), "masked": shares or module.packed}
            moved = trainer.strategy.batch_to_device(tensors, module.device)
            losses = trainer.strategy.validation_step(moved, number)
            assert isinstance(losses, torch.Tensor)
            parts = [part for row in batch.rows for part in row]
            counts = [len(part.tokens) - part.prompt_length for part in parts]
            sums = [-float(each.float().sum()) for each in losses.split(counts)]
            mine |= {part.id: value for part, value in zip(parts, sums, strict=True)}
        module.train()
        gathered: list[dict[str, float]] = [mine] * trainer.world_size
        if trainer.world_size > 1:
            distributed.all_gather_object(gathered, mine)
        found = {id: value for part in gathered for id, value in part.items()}
        by_text = {(part.prompt_length, part.tokens): found[part.id] for part in self.completions if part.id in found}
        return {part.id: by_text[part.prompt_length, part.tokens] for part in self.completions}


def alone(batch: Batch, pad_id: int, edges: Sequence[str]) -> dict[str, Any]:
    """The tensors of completions with position ids, which do for all layouts."""
    return dict(collate(batch.rows, pad_id, edges, packed=True))
