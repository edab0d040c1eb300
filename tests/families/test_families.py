"""The matrix: what holds for every architecture, whichever caches, names and positions it has."""

import pytest
import torch

from mmst.samplers.hf import HFSampler
from mmst.samplers.sampler import SamplingParams
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.types import Prompt
from tests.families.table import FEW, TABLE, model_of

NEW = 12
"""Tokens of a greedy row."""
PREFIX = "Question: Ana has 3 bags of 4 nuts. How many nuts is that?\nAnswer: The total is 3 * 4 = 12.\n\n"
QUESTIONS = [
    "Question: What is 2 + 3?",
    "Bo?",
    "Question: Cy has 17 cups, and gives 5 of them to Di. How many are left?",
    "A and B",
]
EVERY = [kind if kind in FEW else pytest.param(kind, marks=pytest.mark.families) for kind in TABLE]


@pytest.fixture(scope="module", params=EVERY)
def family(request, nano, tmp_path_factory):
    """A folder of one architecture, with the tokenizer of nano."""
    folder = tmp_path_factory.mktemp(request.param) / "start"
    tokenizer = load_tokenizer(nano)
    save_checkpoint(model_of(request.param, len(tokenizer)), tokenizer, folder)
    return folder


@torch.inference_mode()
def generated(folder, text):
    """The tokens of `generate`, one prompt at a time."""
    model, tokenizer = load_model(folder).eval(), load_tokenizer(folder)
    ids = torch.tensor([tokenizer.encode(text)])
    ends = [tokenizer.eos_token_id, model.generation_config.eos_token_id]
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False, eos_token_id=ends)
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("before", ["", PREFIX], ids=["bare", "shared prefix"])
def test_greedy_rows_equal_generate(family, before):
    sampler = HFSampler(batch_size=3, device="cpu")
    sampler.load(family)
    prompts = [Prompt(str(n), before + text, (n,)) for n, text in enumerate(QUESTIONS)]
    found = [group[0].text for group in sampler.complete(prompts, SamplingParams(0, max_tokens=NEW))]
    assert found == [generated(family, prompt.text) for prompt in prompts]
