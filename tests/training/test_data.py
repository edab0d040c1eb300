import pytest

from mmst.training.batches import TokenRow
from mmst.training.data import BatchDataset, ExampleDataModule

ROWS = [TokenRow(str(i), "e", (1, 2, 3 + i), 1) for i in range(6)]
SCHEDULE = [[(0,), (1,)], [(2,), (3,)], [(4,), (5,)], [(0,), (5,)]]


def ids(batch):
    return [token for group in batch["groups"] for token in group["input_ids"][:, 2].tolist()]


def module():
    return ExampleDataModule(ROWS, SCHEDULE, pad_id=0, edges=["e"], packed=False)


def test_batches_come_in_the_schedules_order():
    assert [ids(batch) for batch in module().train_dataloader()] == [[3, 4], [5, 6], [7, 8], [3, 8]]


@pytest.mark.parametrize("taken", [1, 3])
def test_a_restored_loader_goes_on_with_the_next_batch(taken):
    loader = module().train_dataloader()
    iterator = iter(loader)
    for _ in range(taken):
        next(iterator)
    restored = module().train_dataloader()
    restored.load_state_dict(loader.state_dict())
    assert [ids(batch) for batch in restored] == [[3, 4], [5, 6], [7, 8], [3, 8]][taken:]


@pytest.mark.parametrize(("processes", "accumulated"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_processes_and_accumulated_batches_share_a_step_and_its_loss_weight(processes, accumulated):
    steps = [[(0,), (1,), (2,), (3,)], [(4,), (5,), (0,), (1,)]]
    sets = [BatchDataset(ROWS, steps, process, processes, accumulated) for process in range(processes)]
    assert {len(mine) for mine in sets} == {2 * accumulated}
    for step in range(2):
        batches = [mine[step * accumulated + turn] for mine in sets for turn in range(accumulated)]
        met = sorted(row[0].id for batch in batches for row in batch.rows)
        assert met == sorted(ROWS[number].id for (number,) in steps[step])
        weight = sum(batch.share * row[0].loss_weight for batch in batches for row in batch.rows)
        assert weight / (processes * accumulated) == pytest.approx(1.0)  # processes and accumulated batches are averaged


def test_a_batch_is_computed_in_groups_of_like_length():
    rows = [TokenRow(str(n), "e", tuple(range(n)), 1) for n in (9, 2, 8, 3)]
    module = ExampleDataModule(rows, [[(0,), (1,), (2,), (3,)]], pad_id=0, edges=["e"], packed=False, groups=2)
    (batch,) = list(module.train_dataloader())
    assert [tuple(group["input_ids"].shape) for group in batch["groups"]] == [(2, 3), (2, 9)]
    assert batch["ids"] == ["9", "2", "8", "3"]
