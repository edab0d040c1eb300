import lightning
import pytest
import torch
from torch.nn import functional

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import load_model
from mmst.training.module import CausalLanguageModule, LossNotFiniteError
from mmst.training.options import OptimizerOptions

ROWS = (TokenRow("a", "e", (20, 30, 40, 50, 0), 2), TokenRow("b", "e", (21, 31, 41, 51, 61, 71, 0), 3, weight=3.0))


def batch(share=1.0):
    groups = [collate([[row]], 1) for row in ROWS]
    return {"groups": groups, "learned": len(ROWS), "masked": False, "share": share, "ids": [row.id for row in ROWS]}


@pytest.fixture
def module(nano):
    made = CausalLanguageModule(lambda module: load_model(nano), OptimizerOptions(lr=1.0, warmup=0.5, weight_decay=0.1), 10)
    made.trainer = lightning.Trainer(logger=False, accelerator="cpu")
    made.configure_model()
    return made


def test_the_loss_is_the_weighed_sum_over_completion_tokens_times_its_share_of_the_step(module):
    expected = torch.tensor(0.0)
    for row in ROWS:
        logits = module.model(torch.tensor([row.tokens])).logits[0]
        for i in range(row.prompt_length, len(row.tokens)):
            expected += row.weight * functional.cross_entropy(logits[i - 1][None], torch.tensor([row.tokens[i]]))
    assert module.training_step(batch(0.25), 0)["loss"].item() == pytest.approx(0.25 * expected.item(), abs=1e-4)


def test_norms_do_not_decay_and_the_rate_warms_up(module):
    made = module.configure_optimizers()
    matrices, vectors = made["optimizer"].param_groups
    assert matrices["weight_decay"] == 0.1
    assert vectors["weight_decay"] == 0.0
    assert all(p.ndim < 2 for p in vectors["params"])
    scheduler = made["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(10):
        rates.append(scheduler.get_last_lr()[0])
        made["optimizer"].step()
        scheduler.step()
    assert rates[0] == 0.0
    assert max(rates) == rates[5] == 1.0
    assert rates[-1] < 0.2


def test_a_loss_that_is_no_number_stops_the_training_and_names_its_examples(module, tmp_path):
    module.unclear = tmp_path / "work" / "ids.txt"
    with torch.no_grad():
        module.model.get_output_embeddings().weight[0] = float("inf")
    with pytest.raises(LossNotFiniteError, match=r"step 0 is not finite .*ids\.txt.*lower trainer\.options\.optimizer\.lr"):
        module.training_step(batch(), 0)
    assert module.unclear.read_text().split() == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.0}, r"optimizer\.lr=0\.0 must be above 0"),
        ({"lr": float("inf")}, "lr=inf"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"warmup": 2.0}, "warmup=2.0 is a share"),
        ({"schedule": "zigzag"}, "schedule=zigzag must be one of constant"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        OptimizerOptions(**options)
