import pytest

from mmst.training.batches import TokenRow
from mmst.training.data import ExampleDataModule

ROWS = [TokenRow(str(i), "e", (1, 2, 3 + i), 1) for i in range(6)]
SCHEDULE = [[0, 1], [2, 3], [4, 5], [0, 5]]


def ids(batch):
    return batch["input_ids"][:, 2].tolist()


def test_batches_come_in_the_schedules_order():
    loader = ExampleDataModule(ROWS, SCHEDULE, pad_id=0).train_dataloader()
    assert [ids(batch) for batch in loader] == [[3, 4], [5, 6], [7, 8], [3, 8]]


@pytest.mark.parametrize("taken", [1, 3])
def test_a_restored_loader_goes_on_with_the_next_batch(taken):
    loader = ExampleDataModule(ROWS, SCHEDULE, pad_id=0).train_dataloader()
    iterator = iter(loader)
    for _ in range(taken):
        next(iterator)
    restored = ExampleDataModule(ROWS, SCHEDULE, pad_id=0).train_dataloader()
    restored.load_state_dict(loader.state_dict())
    assert [ids(batch) for batch in restored] == [[3, 4], [5, 6], [7, 8], [3, 8]][taken:]
