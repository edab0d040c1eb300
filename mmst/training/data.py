"""The LightningDataModule: batches by a fixed schedule, with a loader that resumes in mid-epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import lightning
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from mmst.training.batches import Batch, TokenRow, collate, row_length
from mmst.training.module import CausalLanguageModule
from mmst.training.schedule import Row, like_lengths, parts_of_step
from mmst.training.units import Units, compares, units_of


class BatchDataset(Dataset[Batch]):
    """The batches of one process, made as they are asked for.

    Args:
        rows: all examples.
        steps: the rows of each step, by the numbers of their examples.
        process, processes: which of how many this is.
        accumulated: batches that each process adds up in a step.
        packed: whether what is computed together shares a row.
        laid: how units of an objective that compares are laid out.
    """

    def __init__(
        self,
        rows: Sequence[TokenRow],
        steps: Sequence[Sequence[Row]],
        process: int = 0,
        processes: int = 1,
        accumulated: int = 1,
        packed: bool = False,
        laid: Units = Units.APART,
    ) -> None:
        self.rows = rows
        self.packed = packed
        self.laid = laid
        self.steps = steps
        self.process = process
        self.parts = processes * accumulated
        self.processes, self.accumulated = processes, accumulated

    def __len__(self) -> int:
        """How many batches this process has."""
        return len(self.steps) * self.accumulated

    def __getitem__(self, index: int) -> Batch:
        """One batch."""
        step, turn = divmod(index, self.accumulated)
        rows = self.steps[step]
        found = {number: self.rows[number] for row in rows for number in row}
        units = [found[number] for row in rows for number in row]
        dealt = parts_of_step(rows, self.parts)[turn * self.processes + self.process]
        mine = [tuple(found[number] for number in row) for row in dealt]
        by_tokens = self.parts / sum(unit.loss_weight for unit in units)
        if units[0].beside is None:
            return Batch(tuple(mine), by_tokens)
        rows_of, apart = _laid(mine, self.laid, self.packed)
        return Batch(rows_of, self.parts / sum(unit.weight for unit in units), by_tokens, apart)


def _laid(
    rows: Sequence[tuple[TokenRow, ...]], how: Units, packed: bool
) -> tuple[tuple[tuple[TokenRow, ...], ...], tuple[tuple[TokenRow, ...], ...]]:
    """(rows of a batch, those that no gradient goes through), of rows of units."""
    if how is Units.UNGRADED:
        beside = (tuple(unit.beside for unit in row if unit.beside is not None) for row in rows)
        return tuple(rows), tuple(beside)
    if how is Units.FORKED and not packed:
        return tuple(unit.forked.parts for row in rows for unit in row), ()
    whole = [tuple(part for unit in row for part in unit.parts) for row in rows]
    return tuple(whole if packed else [(part,) for row in whole for part in row]), ()


class ExampleDataModule(lightning.LightningDataModule):
    """Feeds the batches of a schedule, in its order; each process its own part of every step.

    The whole run is one epoch of the schedule. The loader is stateful: a run that was killed goes on with the batch that
    would have come next (Lightning with a plain loader starts the epoch anew).
    """

    def __init__(
        self,
        rows: Sequence[TokenRow],
        steps: Sequence[Sequence[Row]],
        pad_id: int,
        edges: Sequence[str],
        packed: bool,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.rows = rows
        self.steps = steps
        self.packed = packed
        self.collate = partial(_grouped, pad_id=pad_id, edges=edges, packed=packed, groups=groups)

    def train_dataloader(self) -> StatefulDataLoader[Batch]:
        """The loader of the whole run."""
        trainer = self.trainer
        place = (trainer.global_rank, trainer.world_size, trainer.accumulate_grad_batches) if trainer else (0, 1, 1)
        module = trainer.lightning_module if trainer else None
        laid = module.laid if isinstance(module, CausalLanguageModule) else Units.APART
        batches = BatchDataset(self.rows, self.steps, *place, self.packed, laid)
        return StatefulDataLoader(batches, batch_size=1, collate_fn=self.collate)


def _grouped(batches: Sequence[Batch], pad_id: int, edges: Sequence[str], packed: bool, groups: int) -> dict[str, Any]:
    """The tensors of a batch's groups of like length, what their losses count, and the ids of its examples.

    `learned`: through how many groups, the first ones, gradients go. `masked`: whether rows hold several completions.
    """
    (batch,) = batches
    masked = packed or any(len(row) > 1 for row in batch.rows)
    learned, apart = (
        [[rows[place] for place in places] for places in like_lengths(list(map(row_length, rows)), groups)]
        for rows in (batch.rows, batch.apart)
    )
    made = {
        "groups": [collate(rows, pad_id, edges, masked) for rows in (*learned, *apart)],
        "learned": len(learned),
        "masked": masked,
        "share": batch.share,
        "ids": [part.id for row in batch.rows for part in row],
    }
    if not compares(batch):
        return made
    return {**made, **units_of([row for rows in (*learned, *apart) for row in rows], batch, edges)}
