"""Trainings on one CPU process: resumed to the bit, divided and laid out any way with the same end."""

import dataclasses
import functools
import json
import shutil
import statistics

import lightning
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from mmst.errors import ConfigError, ModelError
from mmst.training import loss
from mmst.training.batches import PREFIX
from mmst.training.checkpoint import adapted_base, load_model, load_tokenizer, save_checkpoint
from mmst.training.fit import UNCLEAR
from mmst.training.module import LossNotFiniteError
from mmst.training.options import OptimizerOptions
from tests.full_disk import done_in_spite
from tests.training.conftest import OPTIONS, TRAINER, Killed, Losses, equal

PACKED = dataclasses.replace(OPTIONS, layout="packed", row=32, longest=16)
SHARED = dataclasses.replace(OPTIONS, layout="packed", row=128, longest=96, batch_size=16)
HELD_OUT = dataclasses.replace(OPTIONS, held_out=0.3, measure_every=2, patience=2)


def with_dropout(nano, folder):
    model, tokenizer = load_model(nano), load_tokenizer(nano)
    model.config.attention_dropout = 0.2
    save_checkpoint(model, tokenizer, folder)
    return folder


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(trained):
    first = trained("a")
    assert equal(first, trained("b"))
    assert not equal(first, trained("c", seed=2))


def exemplified(rows, count=40):
    """Examples under few-shot prompts: 70 tokens of exemplars that all of an edge begin with."""
    exemplars = {"text -> code": tuple(range(2, 72)), "code -> text": tuple(range(102, 172))}
    return [
        dataclasses.replace(
            rows[n % len(rows)],
            id=f"{n}",
            tokens=exemplars[rows[n % len(rows)].edge] + rows[n % len(rows)].tokens,
            prompt_length=70 + rows[n % len(rows)].prompt_length,
        )
        for n in range(2 * count)
    ]


def test_exemplars_stand_in_a_packed_row_once(trained, rows):
    """Rows hold more examples, and what is learned is the same; losses and gradients are compared in test_loss.py."""
    few_shot, seen = exemplified(rows), {}
    tokens = {}
    for share in (False, True):
        seen[share] = Losses()
        options = dataclasses.replace(SHARED, share_prefixes=share, steps=20)
        whole = trained(f"shared {share}", options, rows=few_shot, callbacks=[seen[share]])
        tokens[share] = trained.record.tokens / trained.record.examples
    assert tokens[True] < 0.6 * tokens[False]
    assert statistics.mean(seen[True].seen) == pytest.approx(statistics.mean(seen[False].seen), rel=0.1)
    parts = trained("parts", options, rows=few_shot, trainer=functools.partial(TRAINER, accumulate_grad_batches=2))
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, atol=1e-3, rtol=0)


def test_a_training_whose_checkpoint_was_damaged_begins_anew_and_ends_alike(trained, tmp_path, caplog):
    whole = trained("whole")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trained("killed", callbacks=[Killed(5)])
    for path in (tmp_path / "killed").glob("step-*.ckpt"):
        path.write_bytes(path.read_bytes()[:-1000])
    assert equal(whole, trained("killed"))
    assert "is damaged" in caplog.text
    (tmp_path / "killed" / "end.ckpt").write_bytes(b"torn")
    shutil.rmtree(tmp_path / "killed-out")
    assert equal(whole, trained("killed"))


@pytest.mark.parametrize("options", [OPTIONS, PACKED, HELD_OUT], ids=["bucketed", "packed", "held out"])
@pytest.mark.parametrize("killed_at", [1, 4, 6, 7])
def test_a_killed_training_ends_with_the_same_weights_to_the_bit(trained, options, killed_at):
    whole = trained("whole", options)
    record = trained.record
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trained("killed", options, callbacks=[Killed(killed_at)])
    assert equal(whole, trained("killed", options))
    counted = ("steps", "examples", "tokens", "places", "loss", "loss_by_edge", "held_out_loss", "best_step")
    assert {key: getattr(trained.record, key) for key in counted} == {key: getattr(record, key) for key in counted}


def test_dropout_resumes_to_the_bit_as_well(trained, nano, tmp_path):
    start = with_dropout(nano, tmp_path / "dropout")
    whole = trained("whole", start=start)
    assert not equal(whole, trained("without dropout", start=nano))
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trained("killed", callbacks=[Killed(5)], start=start)
    assert equal(whole, trained("killed", start=start))


def test_a_training_killed_twice_and_one_that_had_ended_are_not_repeated(trained):
    whole = trained("whole")
    for step in (4, 7):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            trained("killed", callbacks=[Killed(step)])
    assert equal(whole, trained("killed"))
    seen = Losses()
    assert equal(whole, trained("killed", callbacks=[seen]))
    assert seen.seen == []


@pytest.mark.parametrize(("layout", "batch_size"), [("bucketed", 8), ("packed", 8), ("packed", 12)])
def test_accumulated_batches_do_what_one_batch_does(trained, layout, batch_size):
    """Of packed rows there are two a step, or three, which two batches share unevenly."""
    options = dataclasses.replace(OPTIONS, layout=layout, row=32, longest=16, batch_size=batch_size)
    whole = trained("whole", options)
    parts = trained("parts", options, trainer=functools.partial(TRAINER, accumulate_grad_batches=2))
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, atol=2e-4, rtol=0)


def test_a_row_at_a_time_is_the_same_training(trained):
    options, seen = dataclasses.replace(OPTIONS, layout="packed", row=32, longest=16, batch_size=12), Losses()
    whole = trained("whole", options)
    parts = trained("parts", dataclasses.replace(options, rows_at_once=1), callbacks=[seen])
    assert len(seen.seen) == 4 * options.steps, "a step has four rows"
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, atol=2e-4, rtol=0)


def test_a_step_with_fewer_packed_rows_than_batches_is_refused(trained):
    with pytest.raises(ConfigError, match=r"batch_size=4 examples is 1 packed rows of 32 tokens, too few for 2 batches"):
        trained("few", PACKED, trainer=functools.partial(TRAINER, accumulate_grad_batches=2))


class Calls(lightning.Callback):
    """Counts how often the first block is computed, and whether the model is compiled."""

    def on_train_start(self, trainer, module):
        self.count, self.compiled = 0, module.model._compiled_call_impl is not None
        module.model.model.layers[0].mlp.register_forward_pre_hook(self.add)

    def add(self, *_):
        self.count += 1


def test_recomputed_blocks_are_computed_twice(trained):
    plain, twice = Calls(), Calls()
    trained("plain", callbacks=[plain])
    trained("recomputed", dataclasses.replace(OPTIONS, recompute=True), callbacks=[twice])
    assert twice.count == 2 * plain.count > 0


def test_no_more_logits_than_a_chunk_are_there_at_a_time(trained, monkeypatch):
    sizes, plain = [], loss.functional.cross_entropy

    def noted(logits, *rest, **options):
        sizes.append(len(logits))
        return plain(logits, *rest, **options)

    monkeypatch.setattr(loss.functional, "cross_entropy", noted)
    trained("whole", dataclasses.replace(OPTIONS, steps=1))
    (whole,), sizes[:] = {sum(sizes)}, []
    trained("chunked", dataclasses.replace(OPTIONS, steps=1, loss_chunk=3))
    assert max(sizes) <= 3
    assert sum(sizes) == 2 * whole, "each is computed again in the backward pass"


@pytest.mark.parametrize("changed", [{"recompute": True}, {"loss_chunk": 3}, {"attention": "eager"}], ids=str)
def test_what_saves_memory_changes_no_weights(trained, changed):
    plain, saving = Losses(), Losses()
    trained("plain", callbacks=[plain])
    trained("saving", dataclasses.replace(OPTIONS, **changed), callbacks=[saving])
    assert saving.seen == pytest.approx(plain.seen, abs=1e-4)


def test_edges_weigh_as_they_are_told(trained, rows):
    only = [row for row in rows if row.edge == "text -> code"]
    without = dataclasses.replace(OPTIONS, edge_weights={"code -> text": 0.0})
    assert equal(trained("weighed", without), trained("only", rows=only))
    seen, weighed = Losses(), Losses()
    trained("plain", callbacks=[seen])
    trained("double", dataclasses.replace(OPTIONS, edge_weights={"code -> text": 2.0}), callbacks=[weighed])
    assert seen.seen[0] != weighed.seen[0]
    plain_names = dataclasses.replace(OPTIONS, edge_weights={"code_to_text": 0.0, "text -> text": 3.0})
    assert equal(trained("by plain names", plain_names), trained("only", rows=only)), "an arm may lack an edge"
    with pytest.raises(ConfigError, match=r"all edges of this arm \(text -> code\) have the weight 0"):
        trained("none", dataclasses.replace(OPTIONS, edge_weights={"text -> code": 0.0}), rows=only)
    with pytest.raises(ConfigError, match="'code -> txt' is no edge; there are code -> text"):
        dataclasses.replace(OPTIONS, edge_weights={"code -> txt": 2.0}).check_edges(["code -> text"])


def test_the_best_weights_on_held_out_problems_are_taken_and_the_training_stops(trained, rows):
    generator = torch.Generator().manual_seed(1)
    noise = [
        dataclasses.replace(row, tokens=tuple(torch.randint(2, 500, (len(row.tokens),), generator=generator).tolist()))
        for row in rows
    ]
    options = dataclasses.replace(
        OPTIONS, steps=60, held_out=0.3, measure_every=3, patience=2, optimizer=OptimizerOptions(lr=0.02)
    )
    trained("noise", options, rows=noise)
    record = trained.record
    assert record.steps == record.best_step + 2 * 3
    assert record.steps < 60
    shorter = dataclasses.replace(options, patience=None, steps=60)
    trained("all", shorter, rows=noise)
    assert trained.record.steps == 60
    assert trained.record.held_out_loss <= record.held_out_loss


def test_too_few_problems_to_hold_some_out_is_one_sentence(trained, rows):
    with pytest.raises(ConfigError, match=r"held_out=0\.01 leaves 2 examples to train on and 0 to measure"):
        trained("few", dataclasses.replace(OPTIONS, held_out=0.01), rows=rows[:2])


def test_the_last_checkpoints_are_kept_as_many_as_were_asked_for(trained, tmp_path):
    trained("kept", dataclasses.replace(OPTIONS, save_every=2, keep=2, held_out=0.3, measure_every=2))
    names = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert [name for name in names if name.startswith("step-")] == ["step-0000004.ckpt", "step-0000006.ckpt"]
    assert {"best.ckpt", "end.ckpt", "latest", "finished.json"} <= set(names)
    assert (tmp_path / "kept" / "latest").read_text() == "step-0000006.ckpt"


def test_adapters_are_merged_into_the_weights_that_come_out(trained, nano, tmp_path):
    pytest.importorskip("peft")
    seen = Losses()
    adapted = trained("lora", dataclasses.replace(OPTIONS, lora=4), callbacks=[seen])
    start = load_model(nano).state_dict()
    changed = {name for name, tensor in adapted.items() if not torch.equal(tensor, start[name])}
    assert changed
    assert all("_proj" in name for name in changed)
    assert seen.seen[-1] < seen.seen[0]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trained("lora killed", dataclasses.replace(OPTIONS, lora=4), callbacks=[Killed(5)])
    saved = max((tmp_path / "lora killed").glob("step-*.ckpt"))
    assert saved.stat().st_size < 0.5 * 4 * sum(tensor.numel() for tensor in start.values())  # what is not trained is left out
    assert equal(adapted, trained("lora killed", dataclasses.replace(OPTIONS, lora=4)))


def test_adapters_kept_alone_are_the_same_model_in_a_fraction_of_the_bytes(trained, nano, tmp_path):
    pytest.importorskip("peft")
    merged = trained("merged", dataclasses.replace(OPTIONS, lora=4))
    alone = dataclasses.replace(OPTIONS, lora=4, merge=False)
    assert all("lora_" in name for name in trained("alone", alone))
    sizes = {name: size_of(tmp_path / f"{name}-out") for name in ("merged", "alone")}
    assert sizes["alone"] < 0.2 * sizes["merged"]
    loaded = load_model(tmp_path / "alone-out").state_dict()
    for name, tensor in merged.items():
        torch.testing.assert_close(loaded[name], tensor, atol=1e-6, rtol=0)
    trained("again", dataclasses.replace(alone, optimizer=OptimizerOptions(lr=1e-12)), start=tmp_path / "alone-out")
    assert adapted_base(tmp_path / "again-out") == tmp_path / "alone-out"
    for name, tensor in load_model(tmp_path / "again-out").state_dict().items():
        torch.testing.assert_close(tensor, loaded[name], atol=1e-6, rtol=0)


def test_layers_that_are_trained_beside_adapters_are_kept(trained, nano):
    pytest.importorskip("peft")
    lora = {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["norm"]}
    merged = trained("saved", dataclasses.replace(OPTIONS, lora=lora))
    before = dict(load_model(nano).named_parameters())["model.norm.weight"]
    assert not torch.equal(merged["model.norm.weight"], before)


def test_exemplars_are_not_shared_under_an_attention_that_takes_no_mask(trained, rows, nano, tmp_path):
    """Also where the model's own configuration names it."""
    shutil.copytree(nano, tmp_path / "flex")
    config = json.loads((nano / "config.json").read_text())
    (tmp_path / "flex" / "config.json").write_text(json.dumps({**config, "attn_implementation": "flex_attention"}))
    seen = []

    class Segments(lightning.Callback):
        def on_train_batch_start(self, trainer, module, batch, number):
            seen.append(min(int(group["segments"].min()) for group in batch["groups"]))
            raise KeyboardInterrupt  # flex attention has no backward pass on a CPU

    for start, shared in ((tmp_path / "flex", False), (nano, True)):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            trained(start.name, SHARED, rows=exemplified(rows), callbacks=[Segments()], start=start)
        assert (seen.pop() == PREFIX) is shared


def size_of(folder):
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def test_settings_that_peft_refuses_are_one_sentence(trained):
    pytest.importorskip("peft")
    with pytest.raises(ConfigError, match=r"model\.lora=.*rank"):
        trained("lora", dataclasses.replace(OPTIONS, lora={"rank": 4}))


@pytest.mark.parametrize("backend", ["eager", pytest.param("inductor", marks=pytest.mark.soak)])
def test_a_compiled_model_is_saved_under_its_own_names(trained, nano, tmp_path, monkeypatch, backend):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    plain, compiled, calls = Losses(), Losses(), Calls()
    config = AutoConfig.from_pretrained(nano)
    config.num_hidden_layers = 1  # inductor takes a minute for four
    save_checkpoint(AutoModelForCausalLM.from_config(config), load_tokenizer(nano), tmp_path / "one layer")
    weights = trained("plain", callbacks=[plain], start=tmp_path / "one layer")
    options = dataclasses.replace(OPTIONS, compile=True)
    found = trained("compiled", options, callbacks=[compiled, calls], start=tmp_path / "one layer")
    assert found.keys() == weights.keys()
    assert calls.compiled
    assert compiled.seen == pytest.approx(plain.seen, abs=1e-3)


def test_packing_a_model_that_cannot_be_packed_is_refused(trained, nano, tmp_path):
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("bloom", vocab_size=1062, hidden_size=32, n_layer=1, n_head=4, bos_token_id=1, eos_token_id=1)
    )
    save_checkpoint(model, load_tokenizer(nano), tmp_path / "bloom")
    with pytest.raises(ConfigError, match="layout=packed does not work for bloom"):
        trained("bloom", PACKED, start=tmp_path / "bloom")
    assert trained("bloom bucketed", OPTIONS, start=tmp_path / "bloom")


def test_a_loss_that_is_no_number_leaves_the_ids_of_its_batch(trained, rows, tmp_path):
    options = dataclasses.replace(OPTIONS, optimizer=OptimizerOptions(lr=1e30, warmup=0.0))
    with pytest.raises(LossNotFiniteError):
        trained("wild", options)
    ids = (tmp_path / "wild" / UNCLEAR).read_text().split()
    assert len(ids) == 4
    assert set(ids) <= {row.id for row in rows}


class Poisoned(lightning.Callback):
    def on_train_batch_end(self, trainer, module, *rest):
        module.model.model.norm.weight.data[0] = torch.inf


@pytest.mark.parametrize(("steps", "save_every"), [(1, 9), (9, 1)])
def test_weights_that_are_no_numbers_are_never_saved(trained, tmp_path, steps, save_every):
    """The loss of a step may still be finite when its weights are not."""
    with pytest.raises(LossNotFiniteError, match="the weights after step 1 are not finite"):
        trained("wild", dataclasses.replace(OPTIONS, steps=steps, save_every=save_every), callbacks=[Poisoned()])
    assert not list((tmp_path / "wild").glob("*.ckpt"))


def test_weights_that_do_not_fit_their_configuration_are_named(trained, nano, tmp_path):
    model, tokenizer = load_model(nano), load_tokenizer(nano)
    save_checkpoint(model, tokenizer, tmp_path / "wrong")
    config = json.loads((tmp_path / "wrong" / "config.json").read_text())
    (tmp_path / "wrong" / "config.json").write_text(json.dumps({**config, "intermediate_size": 10}))
    with pytest.raises(ModelError, match=r"model\.layers\.0\.mlp\.down_proj\.weight, .* are missing or of another shape"):
        trained("wrong", start=tmp_path / "wrong")


def test_adapters_of_a_tied_output_layer_are_refused_before_any_step(trained):
    pytest.importorskip("peft")
    options = dataclasses.replace(OPTIONS, lora={"r": 4, "target_modules": ["lm_head", "q_proj"]})
    with pytest.raises(ConfigError, match=r"model\.lora: lm_head .* one matrix"):
        trained("both", options)


@pytest.mark.soak
def test_a_disk_that_is_full_at_one_write_after_the_other_is_a_sentence_and_changes_no_weight(trained, tmp_path):
    stops = done_in_spite(lambda: trained("disturbed"), most=5)
    assert stops >= 3
    assert equal(trained("disturbed"), trained("undisturbed"))
    assert {path.name for path in (tmp_path / "disturbed-out").iterdir()} == {
        path.name for path in (tmp_path / "undisturbed-out").iterdir()
    }
    assert not list(tmp_path.rglob("*.tmp"))
