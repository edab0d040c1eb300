"""Trainings by objectives that compare: the reference is the model that they start from, also where they are resumed."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from mmst.errors import ConfigError
from mmst.training.checkpoint import load_model
from mmst.training.objective import VERSION, Aim, Objective
from mmst.training.options import OptimizerOptions
from mmst.training.references import FILE, completions_of, reference_batches
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


@pytest.mark.parametrize("behind_one", [1, 4])
@pytest.mark.parametrize("processes", [1, 3])
def test_every_text_is_computed_once_behind_its_prompt_by_one_process(pairs, behind_one, processes):
    again = [replace(row, id=f"{row.id} again", beside=replace(row.beside, id=f"{row.id} too")) for row in pairs[:3]]
    known = completions_of([*pairs, *again])
    parts = reference_batches(known, behind_one, processes)
    assert len({len(part) for part in parts}) == 1
    rows = [row for part in parts for batch in part if batch.share for row in batch.rows]
    texts = [part.tokens for row in rows for part in row]
    assert sorted(texts) == sorted({part.tokens for part in known})
    assert max(map(len, rows)) == min(behind_one, 2)
    for row in rows:
        assert {part.prefix for part in row} == {row[0].tokens[: row[0].prompt_length - 1] if behind_one > 1 else ()}
        assert len({part.tokens[: part.prompt_length] for part in row}) == 1


def test_only_what_is_met_has_a_reference(trained, pairs, tmp_path):
    """A training that is shorter than a pass asks the start model of no more than its steps do; equal texts have one value."""
    doubled = [*pairs[:1], replace(pairs[0], id="again", beside=replace(pairs[0].beside, id="again b")), *pairs[1:]]
    trained("short", replace(COMPARED, steps=2, batch_size=3), rows=doubled)
    found = json.loads((tmp_path / "short" / FILE).read_text())
    assert len(found) == 12
    trained("whole", COMPARED, rows=doubled)
    found = json.loads((tmp_path / "whole" / FILE).read_text())
    assert found["again"] == found[pairs[0].id]
    assert found["again b"] == found[pairs[0].beside.id]


def test_a_model_that_takes_no_mask_of_blocks_has_each_completion_behind_a_prompt_of_its_own(trained, pairs, monkeypatch):
    """And learns the same."""
    shared = trained("shared", COMPARED, rows=pairs)
    tokens = trained.record.tokens
    monkeypatch.setattr("mmst.training.building.check_isolation", refused)
    alone = trained("alone", COMPARED, rows=pairs)
    assert trained.record.tokens > tokens
    for name, weight in alone.items():
        torch.testing.assert_close(weight, shared[name], atol=1e-4, rtol=0)
    assert equal(trained("told", replace(COMPARED, share_prefixes=False), rows=pairs), alone)


def refused(model):
    raise ConfigError("it takes no mask of blocks")


@pytest.mark.parametrize("aim", [Aim.RPO, Aim.KTO])
def test_a_killed_training_ends_with_the_same_weights(trained, pairs, tmp_path, aim):
    options = replace(COMPARED, objective=Objective(aim))
    undisturbed = trained("whole", options, rows=pairs)
    with pytest.raises(SystemExit):
        trained("killed", options, rows=pairs, callbacks=[Killed(5)])
    kept = (tmp_path / "killed" / FILE).read_text()
    assert equal(trained("killed", options, rows=pairs), undisturbed)
    assert (tmp_path / "killed" / FILE).read_text() == kept


def test_an_objective_without_use_for_a_number_is_keyed_without_it():
    assert "objective" not in OPTIONS.settings()
    dpo = replace(OPTIONS, objective=Objective(Aim.DPO, alpha=2.0))
    assert dpo.settings()["objective"] == {"aim": "dpo", "version": VERSION, "beta": 0.1}
    assert dpo.settings() == replace(OPTIONS, objective=Objective(Aim.DPO)).settings()
    assert dpo.settings() != replace(OPTIONS, objective=Objective(Aim.DPO, beta=0.2)).settings()


@pytest.mark.parametrize("bad", [{"beta": 0.0}, {"alpha": -1.0}, {"right": float("inf")}, {"lr_share": 0}])
def test_numbers_out_of_range_are_refused(bad):
    with pytest.raises(ConfigError, match=f"objective.{next(iter(bad))}="):
        Objective(Aim.DPO, **bad)
