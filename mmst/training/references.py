"""What the start model thinks of every completion, found once before the first step, for objectives that compare with it.

Before its first step the model in training is the start model itself: its weights, or adapters that change nothing yet. So it
is asked as it is, sharded or not, each process a part of the completions; what is found lies beside the training's
checkpoints, from where a resumed training takes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import distributed

from mmst.ledger.files import atomic_write
from mmst.training.batches import Batch, TokenRow, collate
from mmst.training.module import CausalLanguageModule

FILE = "references.json"
AT_ONCE = 16
"""Completions that are computed together."""


def completions_of(rows: Sequence[TokenRow]) -> list[TokenRow]:
    """Every completion once, by its id."""
    return list({part.id: part for row in rows for part in row.parts}.values())


class References(Callback):
    """Gives the module the reference's log-probabilities.

    Args:
        batches: (processes) -> each one's batches, equally many; a batch that is repeated to that end has the share 0.
        tensors: (a batch) -> its tensors.
        folder: where they are kept.
    """

    def __init__(
        self,
        batches: Callable[[int], Sequence[Sequence[Batch]]],
        tensors: Callable[[Batch], Mapping[str, Any]],
        folder: Path,
    ) -> None:
        self.batches, self.tensors, self.folder = batches, tensors, folder

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
        for number, batch in enumerate(self.batches(trainer.world_size)[trainer.global_rank]):
            moved = trainer.strategy.batch_to_device(self.tensors(batch), module.device)
            losses = trainer.strategy.validation_step(moved, number)
            assert isinstance(losses, torch.Tensor)
            parts = [part for row in batch.rows for part in row]
            counts = [len(part.tokens) - part.prompt_length for part in parts]
            sums = [-float(each.float().sum()) for each in losses.split(counts)]
            mine |= {part.id: value for part, value in zip(parts, sums, strict=True)}
        module.train()
        if trainer.world_size == 1:
            return mine
        gathered: list[dict[str, float]] = [{}] * trainer.world_size
        distributed.all_gather_object(gathered, mine)
        return {id: value for part in gathered for id, value in part.items()}


def alone(batch: Batch, pad_id: int, edges: Sequence[str]) -> dict[str, Any]:
    """The tensors of completions that do not share rows; position ids do for both layouts."""
    return dict(collate(batch.rows, pad_id, edges, packed=True))
