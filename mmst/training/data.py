"""The LightningDataModule: token rows by a fixed schedule, with a loader that resumes in mid-epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import lightning
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from mmst.training.batches import TokenRow, collate


class RowDataset(Dataset[TokenRow]):
    """Token rows by number."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def __getitem__(self, index: int) -> TokenRow:
        """One row."""
        return self.rows[index]


class ExampleDataModule(lightning.LightningDataModule):
    """Feeds the batches of a schedule, in its order.

    The whole run is one epoch of the schedule. The loader is stateful: a run that was killed goes on with the batch that
    would have come next (Lightning with a plain loader starts the epoch anew).
    """

    def __init__(self, rows: Sequence[TokenRow], schedule: Sequence[Sequence[int]], pad_id: int) -> None:
        super().__init__()
        self.rows = rows
        self.schedule = schedule
        self.pad_id = pad_id

    def train_dataloader(self) -> StatefulDataLoader[TokenRow]:
        """The loader of the whole run."""
        return StatefulDataLoader(
            RowDataset(self.rows),
            batch_sampler=[list(batch) for batch in self.schedule],
            collate_fn=partial(collate, pad_id=self.pad_id),
        )
