import pytest
import torch
from torch import nn

from mmst.samplers.abilities import abilities_of, attends_to_all
from tests.families.table import config_of, model_of


@torch.inference_mode()
def abilities(kind):
    return abilities_of(model_of(kind, 300))


@pytest.mark.parametrize(
    ("kind", "rows", "batches", "prefix"),
    [
        ("llama", True, True, True),
        ("gpt2", True, True, True),
        ("bloom", True, True, False),
        ("deepseek_v2", True, True, False),
        ("gemma2", False, True, False),
        ("mamba", False, False, False),
        ("rwkv", False, False, False),
        ("recurrent_gemma", False, False, False),
        ("jamba", False, False, False),
    ],
)
def test_what_a_cache_can_do_is_found_by_trying(kind, rows, batches, prefix):
    found = abilities(kind)
    assert (found.rows, found.batches, found.prefix) == (rows, batches, prefix)


def test_a_model_that_looks_at_padding_gets_no_batches():
    class Counting(nn.Module):
        """Adds the number of all tokens in a row, padding too, to the logits of a model."""

        def __init__(self, model):
            super().__init__()
            self.model, self.config, self.dtype, self.device = model, model.config, model.dtype, model.device

        def forward(self, input_ids, **how):
            output = self.model(input_ids, **how)
            cached = how.get("attention_mask", input_ids).shape[1]
            output.logits = output.logits * (1 + cached)
            return output

    with torch.inference_mode():
        found = abilities_of(Counting(model_of("llama", 300)))
    assert not found.batches


def test_one_token_leaves_what_its_cache_holds():
    assert abilities("llama").numbers == 2 * 2 * 2 * 8  # keys and values, layers, key heads, width
    assert abilities("deepseek_v2").numbers == 2 * (16 + 4)  # layers, the latent and the rotated part


def test_what_forgets_is_known_by_its_configuration():
    assert attends_to_all(config_of("llama", 300))
    assert not attends_to_all(config_of("mistral", 300))
    assert not attends_to_all(config_of("gemma2", 300))
