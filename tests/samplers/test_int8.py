import pytest
import torch
from torch import nn

from mmst.datasets.arithmetic.world import draw_problems
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers.hf import HFSampler
from mmst.samplers.int8 import LARGEST, Int8Linear, rounded
from mmst.samplers.sampler import SamplingParams
from mmst.types import Prompt


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_outputs_are_those_of_the_layer_but_for_rounding(bias, dtype):
    torch.manual_seed(0)
    layer = nn.Linear(96, 40, bias=bias)
    inputs = torch.randn(3, 5, 96)
    outputs = Int8Linear(layer)(inputs.to(dtype))
    expected = layer(inputs)
    assert outputs.dtype == dtype
    assert outputs.shape == expected.shape
    assert (outputs.float() - expected).norm() < 0.02 * expected.norm()


@torch.inference_mode()
def test_a_row_does_not_depend_on_the_rows_beside_it():
    torch.manual_seed(0)
    layer = Int8Linear(nn.Linear(64, 32))
    row, loud = torch.randn(1, 64), 1000 * torch.randn(7, 64)
    torch.testing.assert_close(layer(torch.cat([loud, row]))[-1:], layer(row), atol=0, rtol=0)


def test_zeros_and_the_largest_have_integers():
    integers, scale = rounded(torch.tensor([[0.0, 0.0], [-2.0, 1.0]]))
    assert integers.tolist() == [[0, 0], [-LARGEST, 64]]
    assert torch.isfinite(scale).all()


def test_samples_in_int8_depend_on_their_seeds_alone_and_are_nearly_those_in_fp32(nano):
    form = PromptFormat(cue="Answer:", lead=" ", key="text")
    problems = draw_problems("validation", 16, 5)
    prompts = [Prompt(p.id, PromptWriter().solve(p, form), seeds=(i,)) for i, p in enumerate(problems)]
    made = {}
    for dtype, size in (("float32", 64), ("int8", 64), ("int8", 3)):
        sampler = HFSampler(batch_size=size, device="cpu", dtype=dtype)
        sampler.load(nano)
        made[dtype, size] = [g[0].text for g in sampler.complete(prompts, SamplingParams(1.0, max_tokens=40))]
    assert sampler.engine.endswith("-cpu-int8")
    assert made["int8", 64] == made["int8", 3]
    same = sum(a == b for a, b in zip(made["float32", 64], made["int8", 64], strict=True))
    assert same >= 8
