import dataclasses

import lightning
import pytest
import torch
from torch.nn import functional
from transformers import AutoConfig

from mmst.training.checkpoint import load_model
from mmst.training.objective import Aim, Objective
from mmst.training.schedule import bucketed_steps
from tests.training.conftest import OPTIONS


def test_tokens_places_and_operations_are_counted(trained, rows, nano):
    """One pass over all rows: each is counted once."""
    trained("counted", dataclasses.replace(OPTIONS, steps=6, batch_size=4, groups=1))
    record, lengths = trained.record, [len(row.tokens) for row in rows]
    steps = bucketed_steps(len(rows), 4, 6, seed=1)
    assert (record.steps, record.examples, record.tokens) == (6, 24, sum(lengths))
    assert record.places == sum(4 * max(lengths[n] for (n,) in step) for step in steps)
    config, size = AutoConfig.from_pretrained(nano), sum(p.numel() for p in load_model(nano).parameters())
    attention = 6 * config.num_hidden_layers * config.hidden_size * sum(n * n for n in lengths)
    assert record.flops == pytest.approx(6 * size * sum(lengths) + attention)
    assert record.rate > 0
    assert record.seconds > 0


def test_what_no_gradient_goes_through_takes_a_third_of_the_operations(trained, rows, nano):
    units = [dataclasses.replace(row, beside=dataclasses.replace(row, id=f"{row.id}b")) for row in rows]
    kto = Objective(Aim.KTO)
    trained("counted", dataclasses.replace(OPTIONS, steps=6, batch_size=4, groups=1, objective=kto), rows=units)
    record, lengths = trained.record, [len(row.tokens) for row in rows]
    config, size = AutoConfig.from_pretrained(nano), sum(p.numel() for p in load_model(nano).parameters())
    attention = 6 * config.num_hidden_layers * config.hidden_size * sum(n * n for n in lengths)
    assert (record.examples, record.tokens) == (48, 2 * sum(lengths))
    assert record.flops == pytest.approx((6 * size * sum(lengths) + attention) * 4 / 3)


def test_losses_by_edge_and_the_gradient_norm_are_those_of_the_plain_way(trained, rows, nano):
    """One step over all rows, against each row alone."""
    trained("one", dataclasses.replace(OPTIONS, steps=1, batch_size=len(rows)))
    model, losses = load_model(nano), {}
    for row in rows:
        tokens = torch.tensor([row.tokens])
        logits = model(input_ids=tokens).logits[0, row.prompt_length - 1 : -1]
        losses.setdefault(row.edge, []).append(
            functional.cross_entropy(logits, tokens[0, row.prompt_length :], reduction="none")
        )
    by_edge = {edge: torch.cat(parts) for edge, parts in losses.items()}
    whole = torch.cat(list(by_edge.values())).mean()
    whole.backward()
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
    record = trained.record
    assert record.loss == pytest.approx(float(whole), abs=1e-4)
    assert record.loss_by_edge == {edge: pytest.approx(float(part.mean()), abs=1e-4) for edge, part in by_edge.items()}
    assert record.gradient_norm == pytest.approx(float(norm), rel=1e-4)


class Stopped(lightning.Callback):
    def on_train_batch_end(self, trainer, *rest):
        trainer.should_stop = trainer.global_step == 5


def test_a_training_that_stops_early_is_counted_to_its_end(trained):
    trained("stopped", dataclasses.replace(OPTIONS, steps=60, save_every=100), callbacks=[Stopped()])
    assert (trained.record.steps, trained.record.examples) == (5, 20)
