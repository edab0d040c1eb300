import pytest

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow
from mmst.training.objective import Aim, Objective
from mmst.training.options import OptimizerOptions, TrainingOptions


def test_steps_or_epochs():
    assert TrainingOptions(steps=None, epochs=2, batch_size=10).step_count(25) == 5
    assert TrainingOptions(steps=7).step_count(25) == 7


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 1, "epochs": 1}, {"steps": None}, {"steps": 0}, {"batch_size": 0}, {"held_out": 1.0}, {"lora": 0},
        {"edge_weights": {"a": -1}}, {"loss_chunk": 0}, {"keep": 0}, {"row": 0}, {"attention": "foo"}, {"rows_at_once": 1},
        {"layout": "packed", "rows_at_once": 0},
        {"steps": None, "epochs": float("nan")}, {"steps": None, "epochs": float("inf")},
    ],
    ids=str,
)  # fmt: skip
def test_options_that_cannot_be_are_refused(bad):
    with pytest.raises(ConfigError, match=r"trainer\.options|model\.lora"):
        TrainingOptions(**bad)


@pytest.mark.parametrize("bad", [{"schedule": "reduce_lr_on_plateau"}, {"weight_decay": float("nan")}, {"lr": -1}], ids=str)
def test_optimizers_that_cannot_be_are_refused(bad):
    with pytest.raises(ConfigError, match=r"trainer\.options\.optimizer"):
        OptimizerOptions(**bad)


@pytest.mark.parametrize(
    ("rows", "processes", "accumulate", "expected"), [(4, 1, 1, 4), (7, 1, 2, 7), (2, 1, 4, 4), (3, 2, 1, 1), (8, 2, 1, 4)]
)
def test_a_row_at_a_time_takes_as_many_batches_as_there_are_rows(rows, processes, accumulate, expected):
    options = TrainingOptions(layout="packed", rows_at_once=1)
    assert options.accumulated(rows, processes, accumulate) == expected
    assert TrainingOptions().accumulated(rows, processes, accumulate) == accumulate
    assert TrainingOptions(layout="packed", rows_at_once=9).accumulated(rows, processes, accumulate) == accumulate


def test_how_often_is_saved_does_not_determine_the_weights():
    assert TrainingOptions(save_every=3, keep=2, keep_after=True).settings() == TrainingOptions().settings()
    assert TrainingOptions(edge_weights={"a": 2.0}).settings() != TrainingOptions().settings()
    assert TrainingOptions(share_prefixes=False, merge=False).settings() == TrainingOptions().settings()
    dpo = Objective(Aim.DPO)
    for changed in (
        {"share_prefixes": False, "layout": "packed"},
        {"share_prefixes": False, "objective": dpo},
        {"merge": False, "lora": 4},
    ):
        used = {**changed, next(iter(changed)): True}
        assert TrainingOptions(**changed).settings() != TrainingOptions(**used).settings()
    assert TokenRow("a", "e", (1, 2), 1).weight == 1.0
