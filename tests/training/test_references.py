"""Trainings by objectives that compare: the reference is the model that they start from, also where they are resumed."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from mmst.errors import ConfigError
from mmst.training.checkpoint import load_model
from mmst.training.objective import Aim, Objective
from mmst.training.options import OptimizerOptions
from mmst.training.references import FILE, completions_of
from mmst.training.schedule import Layout
from tests.training.conftest import OPTIONS, Killed, equal

COMPARED = replace(OPTIONS, objective=Objective(Aim.RPO), optimizer=OptimizerOptions(lr=1e-3))


@pytest.fixture
def pairs(rows):
    """The rows, each beside another completion of its prompt."""
    others = [replace(row, id=f"{row.id}b", edge="beside", tokens=(*row.tokens[:3], *row.tokens[:2:-1])) for row in rows]
    return [replace(row, beside=other) for row, other in zip(rows, others, strict=True)]


def logprob(model, row):
    logits = model(torch.tensor([row.tokens])).logits[0, row.prompt_length - 1 : -1]
    return -float(functional.cross_entropy(logits, torch.tensor(row.tokens[row.prompt_length :]), reduction="sum"))


@pytest.mark.parametrize("lora", [None, 4])
@pytest.mark.parametrize("layout", list(Layout))
def test_the_reference_is_the_start_model_and_the_right_ones_become_likelier(nano, trained, pairs, tmp_path, lora, layout):
    options = replace(COMPARED, lora=lora, layout=layout, row=64, longest=32)
    trained("work", options, rows=pairs)
    found = json.loads((tmp_path / "work" / FILE).read_text())
    base = load_model(nano)
    assert found.keys() == {part.id for part in completions_of(pairs)}
    with torch.no_grad():
        for part in completions_of(pairs)[:6]:
            assert found[part.id] == pytest.approx(logprob(base, part), abs=1e-3)
    last = trained.record.curve[-1]
    assert last["margin"] > 0
    assert 0.5 < last["right_likelier"] <= 1


def test_a_killed_training_ends_with_the_same_weights(trained, pairs, tmp_path):
    undisturbed = trained("whole", COMPARED, rows=pairs)
    with pytest.raises(SystemExit):
        trained("killed", COMPARED, rows=pairs, callbacks=[Killed(5)])
    kept = (tmp_path / "killed" / FILE).read_text()
    assert equal(trained("killed", COMPARED, rows=pairs), undisturbed)
    assert (tmp_path / "killed" / FILE).read_text() == kept


def test_an_objective_without_use_for_a_number_is_keyed_without_it():
    assert "objective" not in OPTIONS.settings()
    dpo = replace(OPTIONS, objective=Objective(Aim.DPO, alpha=2.0))
    assert dpo.settings()["objective"] == {"aim": "dpo", "beta": 0.1}
    assert dpo.settings() == replace(OPTIONS, objective=Objective(Aim.DPO)).settings()
    assert dpo.settings() != replace(OPTIONS, objective=Objective(Aim.DPO, beta=0.2)).settings()


@pytest.mark.parametrize("bad", [{"beta": 0.0}, {"alpha": -1.0}, {"right": float("inf")}, {"lr_share": 0}])
def test_numbers_out_of_range_are_refused(bad):
    with pytest.raises(ConfigError, match=f"objective.{next(iter(bad))}="):
        Objective(Aim.DPO, **bad)
