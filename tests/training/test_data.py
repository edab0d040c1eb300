from dataclasses import replace

import pytest

from mmst.training.batches import IGNORED, PREFIX, TokenRow
from mmst.training.data import BatchDataset, ExampleDataModule, _grouped
from mmst.training.units import Units

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


UNITS = [
    replace(row, tokens=(5, 6, 7, *row.tokens), prompt_length=4, beside=TokenRow(f"{row.id}b", "e", (5, 6, 7, 1, 9, 8), 4))
    for row in ROWS
]


def batch_of(laid, packed=False):
    step = [(0, 1), (2,)] if packed else [(0,), (1,), (2,)]
    (batch,) = BatchDataset(UNITS, [step], packed=packed, laid=laid)
    return batch, _grouped([batch], 0, ["e"], packed, 1)


def test_a_pair_stands_behind_one_prompt_but_for_its_last_token_which_predicts_a_label():
    batch, made = batch_of(Units.FORKED)
    (group,) = made["groups"]
    assert group["input_ids"][1].tolist() == [5, 6, 7, 1, 2, 4, 1, 9, 8]
    assert group["segments"][1].tolist() == [PREFIX] * 3 + [1] * 3 + [2] * 3
    assert group["position_ids"][1].tolist() == [0, 1, 2, 3, 4, 5, 3, 4, 5]
    assert (made["masked"], made["learned"], made["completions"]) == (True, 1, ["0", "0b", "1", "1b", "2", "2b"])
    assert sum(len(row[0].parts) for row in batch.rows) == 6


def test_what_solutions_begin_with_stands_once_too_and_is_counted_for_both():
    """From the last token before they part each has its own: it predicts where they do."""
    right = TokenRow("a", "e", (5, 6, 7, 8, 9, 1, 0), 2, beside=TokenRow("b", "f", (5, 6, 7, 8, 9, 2, 3, 0), 2), weight=0.5)
    other = TokenRow("c", "e", (5, 6, 1, 0), 2, beside=TokenRow("d", "f", (5, 6, 2, 0), 2))
    (batch,) = BatchDataset([other, right], [[(0,), (1,)]], laid=Units.FORKED)
    made = _grouped([batch], 4, ["e", "f"], False, 1)
    (group,) = made["groups"]
    assert group["input_ids"].tolist() == [[5, 6, 1, 0, 6, 2, 0, 4, 4, 4, 4], [5, 6, 7, 8, 9, 1, 0, 9, 2, 3, 0]]
    none = IGNORED
    assert group["labels"].tolist() == [
        [none, none, 1, 0, none, 2, 0, none, none, none, none],
        [none, none, 7, 8, 9, 1, 0, none, 2, 3, 0],
    ]
    assert group["position_ids"][1].tolist() == [0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 7]
    assert group["weights"][1].tolist() == [0, 0, *[0.5] * 5, 0, 1, 1, 1]
    assert made["completion"].tolist() == [0] * 2 + [1] * 2 + [2] * 5 + [3] * 6
    assert made["token"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 6, 9, 10, 11]
    assert made["edge"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_measured_alone_is_in_groups_of_its_own_without_gradients(packed):
    made = batch_of(Units.UNGRADED, packed)[1]
    assert (len(made["groups"]), made["learned"], made["masked"]) == (2, 1, packed)
    names = made["completions"]
    assert sorted(names[:3]) == ["0", "1", "2"]
    assert [names[place] for place in made["beside"]] == [f"{names[place]}b" for place in made["solution"]]
    assert [9 in group["input_ids"] for group in made["groups"]] == [False, True]
