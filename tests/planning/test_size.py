import pytest
import torch
from transformers import AutoConfig

from mmst.planning.size import activations, model_size, shallow
from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import load_model

BLOOM = AutoConfig.for_model("bloom", hidden_size=14336, n_layer=70, n_head=112, vocab_size=250880)


def test_nano_is_counted_without_its_weights(nano):
    size = model_size(AutoConfig.from_pretrained(nano))
    model = load_model(nano)
    assert size.parameters == sum(p.numel() for p in model.parameters())
    assert size.parameters == size.outside + size.layers * size.block
    assert size.cached == 2 * 4 * 128


def test_blooms_176_billion_parameters_take_no_memory():
    size = model_size(BLOOM)
    assert size.parameters == 176_247_271_424
    assert (size.layers, size.hidden) == (70, 14336)


@pytest.mark.parametrize("layers", [1, 2])
def test_what_training_keeps_is_what_a_real_forward_pass_keeps(nano, layers):
    config = shallow(AutoConfig.from_pretrained(nano), layers)
    kept = activations(config, 8, 64, torch.float32)
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).train()
    assert kept.kept(layers, 0.0, recompute=False) == pytest.approx(_really_kept(model), rel=0.1)


def test_recomputation_keeps_less_and_mixed_precision_keeps_casts(nano):
    config = AutoConfig.from_pretrained(nano)
    plain, mixed = (activations(config, 8, 64, torch.float32, mixed=mixed) for mixed in (False, True))
    assert plain.kept(4, 8 * 64 * 128 * 4, recompute=True) < 0.5 * plain.kept(4, 0.0, recompute=False)
    assert mixed.layer < plain.layer
    assert mixed.copied == pytest.approx(2 * model_size(config).block, rel=0.05)
    assert plain.copied == 0


def test_a_shallow_configuration_leaves_the_whole_one_alone(nano):
    config = AutoConfig.from_pretrained(nano)
    assert (shallow(config, 1).num_hidden_layers, config.num_hidden_layers) == (1, 4)


def _really_kept(model):
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    rows = tuple((TokenRow(str(i), "e", tuple(range(2, 66)), 32),) for i in range(8))
    tokens = collate(rows, 0)["input_ids"]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.base_model(input_ids=tokens, use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in weights)
