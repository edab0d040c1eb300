import pytest
import torch
from torch.nn import functional

from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import load_model
from mmst.training.module import CausalLanguageModule, OptimizerOptions, completion_loss

ROWS = [TokenRow("a", "e", (20, 30, 40, 50, 0), 2), TokenRow("b", "e", (21, 31, 41, 51, 61, 71, 0), 3)]


@pytest.fixture
def model(nano):
    return load_model(nano)


def test_the_loss_is_the_mean_over_completion_tokens(model):
    expected = []
    for row in ROWS:
        logits = model(torch.tensor([row.tokens])).logits[0]
        for i in range(row.prompt_length, len(row.tokens)):
            expected.append(functional.cross_entropy(logits[i - 1][None], torch.tensor([row.tokens[i]])))
    assert completion_loss(model, collate(ROWS, 1)).item() == pytest.approx(torch.stack(expected).mean().item(), abs=1e-5)


def test_the_prompt_has_no_gradient_of_its_own(model):
    batch = collate(ROWS, 1)
    loss = completion_loss(model, batch)
    batch["labels"][:, :2] = -100
    assert completion_loss(model, batch).item() == loss.item()


def test_norms_do_not_decay_and_the_rate_warms_up(model):
    module = CausalLanguageModule(model, OptimizerOptions(lr=1.0, warmup=0.5, weight_decay=0.1), steps=10)
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


def test_a_loss_that_is_no_number_stops_the_training(model):
    module = CausalLanguageModule(model, OptimizerOptions(), steps=10)
    with pytest.raises(FloatingPointError, match="not finite"):
        module.on_train_batch_end({"loss": torch.tensor(float("nan"))}, None, 0)
