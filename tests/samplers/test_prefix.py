import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from mmst.samplers.prefix import prefix_of, shared_prefix_attention, supports


@pytest.mark.parametrize(("heads", "groups"), [(4, 1), (2, 3), (1, 4)])
@pytest.mark.parametrize("new", [1, 5])
def test_it_equals_attention_over_the_joined_tokens(heads, groups, new):
    torch.manual_seed(0)
    rows, prefix, own, width = 3, 7, 9, 8
    query = torch.randn(rows, heads * groups, new, width)
    key, value = torch.randn(2, rows, heads, own, width)
    prefix_key, prefix_value = torch.randn(2, heads, prefix, width)
    seen = torch.ones(rows, 1, new, own, dtype=torch.bool).tril(own - new)
    seen[1, :, :, :2] = False  # padding on the left of the second row
    mask = torch.zeros_like(seen, dtype=torch.float).masked_fill(~seen, torch.finfo(torch.float).min)
    module = nn.Module()
    module.layer_idx = 0
    out, _ = shared_prefix_attention(
        module, query, key, value, mask, scaling=width**-0.5, shared_prefix=[(prefix_key, prefix_value)]
    )
    joined_key = torch.cat([prefix_key.expand(rows, -1, -1, -1), key], dim=2).repeat_interleave(groups, dim=1)
    joined_value = torch.cat([prefix_value.expand(rows, -1, -1, -1), value], dim=2).repeat_interleave(groups, dim=1)
    joined_mask = torch.cat([torch.ones(rows, 1, new, prefix, dtype=torch.bool), seen], dim=3)
    expected = nn.functional.scaled_dot_product_attention(query, joined_key, joined_value, attn_mask=joined_mask)
    torch.testing.assert_close(out, expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_a_models_logits_do_not_change():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=48, intermediate_size=64, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=2
    )
    model = LlamaForCausalLM(config).eval()
    ids = torch.randint(0, 50, (1, 20))
    with torch.inference_mode():
        expected = model(ids).logits[:, 12:]
        prefix = prefix_of(model(ids[:, :12], use_cache=True).past_key_values)
        model.set_attn_implementation("shared_prefix")
        mask, positions = torch.ones(1, 8, dtype=torch.long), torch.arange(12, 20)[None]
        found = model(ids[:, 12:], attention_mask=mask, position_ids=positions, use_cache=True, shared_prefix=prefix).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_large_keys_in_bf16_keep_their_scores():
    """Biases of keys make scores of hundreds (Qwen2), which bf16 rounds by one; the models' own attention does not."""
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 1, 64).to(torch.bfloat16)
    key = key + 40  # (B, N, S, D) of four heads, one token of a row's own
    prefix_key, prefix_value = (torch.randn(4, 30, 64) + 40).to(torch.bfloat16), torch.randn(4, 30, 64).to(torch.bfloat16)
    module = nn.Module()
    module.layer_idx = 0
    out, _ = shared_prefix_attention(module, query, key, value, None, scaling=0.125, shared_prefix=[(prefix_key, prefix_value)])
    joined = [
        torch.cat([part.expand(2, -1, -1, -1), own], 2).float() for part, own in ((prefix_key, key), (prefix_value, value))
    ]
    expected = nn.functional.scaled_dot_product_attention(query.float(), *joined).transpose(1, 2)
    torch.testing.assert_close(out.float(), expected, atol=0.03, rtol=0)


def test_a_model_with_a_sliding_window_is_left_alone():
    sizes = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes |= {"num_key_value_heads": 1}
    assert supports(LlamaForCausalLM(LlamaConfig(**sizes)))
    assert not supports(MistralForCausalLM(MistralConfig(**sizes, sliding_window=8)))
