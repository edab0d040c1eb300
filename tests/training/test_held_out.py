import dataclasses

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmst.training.batches import TokenRow
from mmst.training.held_out import held_out_batches, split_by_problem
from mmst.training.options import OptimizerOptions
from tests.training.conftest import OPTIONS


@given(st.lists(st.integers(0, 30), max_size=80), st.floats(0, 0.9), st.integers(0, 9))
def test_no_problem_is_both_trained_on_and_held_out(problems, share, seed):
    rows = [TokenRow(str(i), "e", (1, 2), 1, f"problem-{n}") for i, n in enumerate(problems)]
    train, held = split_by_problem(rows, share, seed)
    assert sorted(row.id for row in (*train, *held)) == sorted(row.id for row in rows)
    assert not {row.problem for row in train} & {row.problem for row in held}


def test_about_the_share_is_held_out():
    rows = [TokenRow(str(i), "e", (1, 2), 1, f"problem-{i}") for i in range(2000)]
    assert abs(len(split_by_problem(rows, 0.3, 0)[1]) / 2000 - 0.3) < 0.04


def test_every_held_out_row_is_measured_once_by_any_number_of_processes():
    rows = [TokenRow(str(i), "e", (1,) * (2 + i), 1) for i in range(7)]
    parts = held_out_batches(rows, 2, 3)
    assert len({len(part) for part in parts}) == 1
    weighed = [row.id for part in parts for batch in part if batch.share for (row,) in batch.rows]
    assert sorted(weighed) == sorted(row.id for row in rows)


def test_the_weights_of_the_best_step_come_out_and_not_the_last_ones(trained, rows, tmp_path):
    """Noise cannot be learned: the held-out loss rises."""
    generator = torch.Generator().manual_seed(1)
    noise = [
        dataclasses.replace(row, tokens=tuple(torch.randint(2, 500, (len(row.tokens),), generator=generator).tolist()))
        for row in rows
    ]
    options = dataclasses.replace(OPTIONS, steps=30, held_out=0.3, measure_every=3, optimizer=OptimizerOptions(lr=0.02))
    found = trained("noise", options, rows=noise)
    best, last = (torch.load(tmp_path / "noise" / name, weights_only=False)["state_dict"] for name in ("best.ckpt", "end.ckpt"))
    name = "model.layers.0.mlp.up_proj.weight"
    assert torch.equal(found[name], best[f"model.{name}"])
    assert not torch.equal(found[name], last[f"model.{name}"])
