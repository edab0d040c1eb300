"""Packed, chunked and plain: the same logits, losses and gradients."""

import dataclasses

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from mmst.errors import ConfigError
from mmst.training.batches import PREFIX, TokenRow, collate
from mmst.training.checkpoint import load_model
from mmst.training.loss import CompletionLoss, attention, block_mask, check_isolation, check_window, labelled
from mmst.training.model import with_adapters

TOLERANCE = 1e-5
ROWS = (
    TokenRow("a", "e", (20, 30, 40, 50, 0), 2),
    TokenRow("b", "e", (21, 31, 41, 51, 61, 71, 0), 3),
    TokenRow("c", "e", (99, 98, 0), 1),
)
PACKED = (ROWS[:2], ROWS[2:])
PLAIN = tuple((row,) for row in ROWS)


@pytest.fixture
def model(nano):
    return load_model(nano)


def made(name, **numbers):
    torch.manual_seed(0)
    size = {"vocab_size": 120, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, **numbers}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **size)).eval()


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def losses_and_gradients(model, batch, packed, chunk=None):
    model.zero_grad()
    losses = CompletionLoss(model, chunk)(collate(batch, 1, packed=packed), packed)
    losses.mean().backward()
    return losses.detach(), gradients(model)


def reference(model):
    """Each example alone, by hand."""
    model.zero_grad()
    losses = []
    for row in ROWS:
        logits = model(torch.tensor([row.tokens])).logits[0]
        losses += [
            functional.cross_entropy(logits[i - 1][None], torch.tensor([row.tokens[i]]))
            for i in range(row.prompt_length, len(row.tokens))
        ]
    torch.stack(losses).mean().backward()
    return torch.stack(losses).detach(), gradients(model)


@pytest.mark.parametrize(
    ("packed", "chunk"), [(False, None), (True, None), (False, 4), (True, 4), (True, 1), (True, 999)], ids=str
)
def test_losses_and_gradients_are_those_of_each_example_alone(nano, packed, chunk):
    expected_losses, expected = reference(load_model(nano))
    losses, found = losses_and_gradients(load_model(nano), PACKED if packed else PLAIN, packed, chunk)
    torch.testing.assert_close(losses, expected_losses, atol=TOLERANCE, rtol=0)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=TOLERANCE, rtol=0)


@given(st.lists(st.lists(st.integers(2, 500), min_size=1, max_size=12), min_size=1, max_size=6))
@settings(max_examples=settings.default.max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_logits_of_packed_examples_are_those_of_each_alone(model, examples):
    rows = tuple(TokenRow(str(i), "e", tuple(tokens), 0) for i, tokens in enumerate(examples))
    batch = collate([rows], 1, packed=True)
    model.eval()
    with torch.no_grad():
        packed = model(input_ids=batch["input_ids"], use_cache=False, **attention(model, batch, True)).logits[0]
        alone = torch.cat([model(torch.tensor([row.tokens]), use_cache=False).logits[0] for row in rows])
    torch.testing.assert_close(packed, alone, atol=TOLERANCE * max(1.0, float(alone.abs().max())), rtol=TOLERANCE)


@pytest.mark.parametrize("implementation", ["sdpa", "eager", pytest.param("flex_attention", marks=pytest.mark.soak)])
def test_every_attention_that_runs_here_keeps_packed_examples_apart(nano, implementation):
    check_isolation(load_model(nano, attention=implementation).eval())


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("qwen3", {"intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8}),
        ("gemma2", {"intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8}),
        ("gpt2", {"n_embd": 32}),
    ],
)
def test_models_with_positions_of_their_own_can_be_packed(name, numbers):
    check_isolation(made(name, **numbers))


@pytest.mark.parametrize(
    ("name", "numbers"), [("bloom", {"n_head": 4, "n_layer": 2}), ("mamba", {"state_size": 4}), ("rwkv", {})], ids=str
)
def test_a_model_that_cannot_keep_examples_apart_is_refused_by_its_name(name, numbers):
    with pytest.raises(ConfigError, match=f"layout=packed does not work for {name}"):
        check_isolation(made(name, **numbers))


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("chunk", [None, 4])
def test_a_shared_prefix_changes_no_loss_and_no_gradient(nano, implementation, chunk):
    prefix = (20, 30, 40, 50)
    rows = [
        TokenRow(str(n), "e", (*prefix, *own), len(prefix) + 2) for n, own in enumerate([(21, 31, 41, 0), (99, 9, 8, 7, 0)])
    ]
    shared = tuple(dataclasses.replace(row, shared=len(prefix)) for row in rows)
    alone = losses_and_gradients(load_model(nano, attention=implementation), [(row,) for row in rows], False, chunk)
    found = losses_and_gradients(load_model(nano, attention=implementation), [shared], True, chunk)
    torch.testing.assert_close(found[0], alone[0], atol=TOLERANCE, rtol=0)
    assert found[1].keys() == alone[1].keys()
    for name, gradient in alone[1].items():
        torch.testing.assert_close(found[1][name], gradient, atol=TOLERANCE, rtol=0)


def test_examples_longer_than_a_sliding_window_are_not_packed():
    config = AutoConfig.for_model("mistral", sliding_window=64)
    check_window(config, 64)
    with pytest.raises(ConfigError, match="mistral: its attention sees 64 tokens, and examples may have 65"):
        check_window(config, 65)


def test_without_the_mask_packed_examples_would_see_each_other(model):
    batch = collate(PACKED, 1, packed=True)
    with torch.no_grad():
        kept = model(input_ids=batch["input_ids"], use_cache=False, **attention(model, batch, True)).logits
        leaked = model(input_ids=batch["input_ids"], attention_mask=torch.ones_like(batch["input_ids"])).logits
    assert (kept - leaked).abs().max() > 0.1


def test_the_mask_is_causal_within_segments():
    assert block_mask(torch.tensor([[1, 1, 2]]))[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_what_all_of_a_row_share_is_seen_by_all_of_it():
    mask = block_mask(torch.tensor([[PREFIX, 1, 2, 0]]))[0, 0].int().tolist()
    assert mask == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]


def test_what_a_batch_says_of_its_labelled_tokens_is_in_the_order_of_the_losses():
    batch = collate(PACKED, 1, edges=["e"], packed=True)
    assert labelled(batch, "labels").tolist() == [40, 50, 0, 51, 61, 71, 0, 98, 0]


def test_prompts_and_padding_get_no_logits(model):
    seen = []
    loss = CompletionLoss(model)
    model.get_output_embeddings().register_forward_hook(lambda head, inputs, output: seen.append(output.shape[0]))
    loss(collate(PLAIN, 1))
    assert seen == [3 + 4 + 2]


def test_chunks_are_refused_where_a_model_scales_its_logits():
    model = made("gemma2", intermediate_size=64, num_key_value_heads=2, head_dim=8)
    with pytest.raises(ConfigError, match="loss_chunk: gemma2"):
        CompletionLoss(model, 4)


def test_logits_that_are_asked_for_elsewhere_stay_whole(model):
    CompletionLoss(model, 2)
    assert model(torch.tensor([[5, 6, 7]])).logits.shape[:2] == (1, 3)


def test_chunks_would_go_past_adapters_of_the_output_layer():
    pytest.importorskip("peft")
    adapted = with_adapters(made("llama", intermediate_size=32), {"r": 2, "target_modules": ["lm_head"]})
    with pytest.raises(ConfigError, match="loss_chunk"):
        CompletionLoss(adapted, 3)
