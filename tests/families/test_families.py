"""The matrix: what holds for every architecture, whichever caches, names and positions it has."""

import json
from contextlib import suppress

import pytest
import torch
from safetensors.torch import load_file

from mmst.errors import ConfigError
from mmst.samplers.hf import HFSampler
from mmst.samplers.sampler import SamplingParams
from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.training.convert import convert
from mmst.training.loss import CompletionLoss, check_isolation, check_window
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


@torch.no_grad()
def test_a_trained_folder_is_what_save_pretrained_writes(family, tmp_path):
    model = load_model(family).eval()
    for parameter in model.parameters():
        parameter.mul_(1.5)
    state = {f"model.{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "end.ckpt")
    convert(tmp_path / "end.ckpt", family, tmp_path / "trained", shard="20KB")
    save_checkpoint(model, load_tokenizer(family), tmp_path / "expected")
    expected, found = stored(tmp_path / "expected"), stored(tmp_path / "trained")
    assert set(found) == set(expected) == set(stored(family))
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert json.loads((tmp_path / "trained" / "config.json").read_text()) == json.loads((family / "config.json").read_text())
    ids = torch.arange(5, 20)[None]
    torch.testing.assert_close(load_model(tmp_path / "trained").eval()(ids).logits, model(ids).logits)


def stored(folder):
    """The tensors of a folder by their names in its files."""
    found = {}
    for file in folder.glob("*.safetensors"):
        found |= load_file(file)
    return found


@torch.no_grad()
def test_losses_of_a_batch_equal_those_of_single_rows(family):
    model = load_model(family).eval()
    generator = torch.Generator().manual_seed(1)
    drawn = [torch.randint(5, 200, (length,), generator=generator).tolist() for length in (7, 11, 5)]
    rows = [TokenRow(str(n), "e", tuple(tokens), 2) for n, tokens in enumerate(drawn)]
    layouts = [("padded", [(row,) for row in rows], False)]
    with suppress(ConfigError):  # what cannot be packed says so before any work
        check_window(model.config, 11)
        check_isolation(model)
        layouts.append(("packed", [tuple(rows)], True))
    loss = CompletionLoss(model)
    single = torch.cat([loss(collate([(row,)], 1)) for row in rows])
    for name, batch, packed in layouts:
        found = loss(collate(batch, 1, packed=packed), packed)
        torch.testing.assert_close(found, single, atol=1e-4, rtol=1e-4, msg=name)
