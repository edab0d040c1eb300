import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from mmst.errors import ConfigError, ModelError
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.training.convert import convert
from mmst.training.model import empty_model, refuse_tied, with_adapters
from mmst.training.quantized import refuse_untrainable
from mmst.training.stored import conversions, fill, groups
from tests.families.table import config_of, model_of


def filled(folder):
    model = empty_model(AutoConfig.from_pretrained(folder), "float32")
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.to_empty(device="cpu")
    model.tie_weights()
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    fill(model, folder, torch.device("cpu"), conversions(model))
    model.tie_weights()
    return model.eval()


@pytest.mark.parametrize("kind", ["gpt2", "bloom", "opt", "mixtral", "qwen3_moe", "gpt_neox", "deepseek_v3", "llama"])
@pytest.mark.parametrize("prefixed", [True, False])
@torch.no_grad()
def test_a_folder_is_read_by_parts_as_it_is_read_whole(tmp_path, kind, prefixed):
    model = model_of(kind, 300)
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    if not prefixed:  # as openai-community/gpt2, bigscience/bloom-560m and facebook/opt-125m
        for file in tmp_path.glob("*.safetensors"):
            bare = {name.removeprefix(f"{model.base_model_prefix}."): part for name, part in load_file(file).items()}
            save_file(bare, file, metadata={"format": "pt"})
        index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
        index["weight_map"] = {n.removeprefix(f"{model.base_model_prefix}."): f for n, f in index["weight_map"].items()}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    ids = torch.arange(5, 20)[None]
    torch.testing.assert_close(filled(tmp_path)(ids).logits, load_model(tmp_path).eval()(ids).logits)


def test_what_a_folder_lacks_is_named(tmp_path):
    model_of("llama", 300).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    weights["model.norm.weight"] = torch.ones(3)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=r"model\.layers\.1\.mlp\.up_proj\.weight, model\.norm\.weight are missing or of another"
    ):
        filled(tmp_path)


def test_names_of_a_block_are_one_group():
    names = [
        "model.embed.weight",
        "model.layers.0.a",
        "model.layers.10.b",
        "lm_head.weight",
        "model.layers.0.experts.3.w",
        "h.1.x",
    ]
    assert groups(names) == [[names[0], names[3]], [names[1], names[4]], [names[2]], [names[5]]]


def mxfp4_start(folder, nano):
    """A gpt-oss whose experts are in blocks and scales, as OpenAI's own files are."""
    tokenizer = load_tokenizer(nano)
    save_checkpoint(model_of("gpt_oss", len(tokenizer), hidden_size=64, intermediate_size=64), tokenizer, folder)
    weights = load_file(folder / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    for name in [name for name in weights if name.endswith(("gate_up_proj", "down_proj"))]:
        experts, wide, out = weights.pop(name).shape
        blocks = torch.randint(0, 255, (experts, out, -(-wide // 32), 16), dtype=torch.uint8, generator=generator)
        weights |= {f"{name}_blocks": blocks, f"{name}_scales": torch.full(blocks.shape[:3], 120, dtype=torch.uint8)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}
    (folder / "config.json").write_text(json.dumps(config))


def fp8_start(folder, nano):
    """A Llama whose layers are in 8 bits with a scale for each block of 128 by 128, as the files of DeepSeek V3 are."""
    pytest.importorskip("accelerate")
    tokenizer = load_tokenizer(nano)
    save_checkpoint(model_of("llama", len(tokenizer), hidden_size=128, intermediate_size=256), tokenizer, folder)
    weights = load_file(folder / "model.safetensors")
    for name in [name for name in weights if name.endswith("proj.weight")]:
        out, wide = weights[name].shape
        weights[name] = (weights[name] * 16).to(torch.float8_e4m3fn)
        weights[f"{name}_scale_inv"] = torch.full((-(-out // 128), -(-wide // 128)), 1 / 16)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("lora", [None, 2])
@pytest.mark.parametrize("quantized_start", [mxfp4_start, fp8_start])
def test_a_quantized_start_becomes_a_plain_folder(tmp_path, nano, quantized_start, lora):
    quantized_start(tmp_path / "start", nano)
    start = load_model(tmp_path / "start", "float32").eval()
    if lora is None:
        state = {f"model.{name}": tensor.clone() for name, tensor in start.state_dict().items()}
    else:
        pytest.importorskip("peft")
        adapted = with_adapters(load_model(tmp_path / "start", "float32"), lora)
        state = {name: tensor.clone() for name, tensor in adapted.state_dict().items() if "lora_" in name}
    torch.save({"state_dict": state}, tmp_path / "end.ckpt")
    convert(tmp_path / "end.ckpt", tmp_path / "start", tmp_path / "out", lora=lora)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert "quantization_config" not in config
    assert not [
        name
        for name in load_file(tmp_path / "out" / "model.safetensors")
        if name.endswith(("_blocks", "_scales", "_scale_inv"))
    ]
    ids = torch.arange(5, 20)[None]
    with torch.no_grad():
        torch.testing.assert_close(
            load_model(tmp_path / "out", "float32").eval()(ids).logits, start(ids).logits, atol=1e-2, rtol=1e-2
        )


def test_a_start_in_another_format_than_can_be_trained_is_refused():
    config = config_of("llama", 300)
    config.quantization_config = {"quant_method": "gptq", "bits": 4}
    with pytest.raises(ModelError, match=r"quantized \(gptq\), which cannot be trained"):
        refuse_untrainable(config, "x")


@pytest.mark.parametrize("target", [["q_proj", "lm_head"], ["embed_tokens"]])
@pytest.mark.parametrize("tied", [True, False])
def test_adapters_of_one_of_two_tied_embeddings_are_refused(target, tied):
    pytest.importorskip("peft")
    config = config_of("llama", 300)
    config.tie_word_embeddings = tied
    if not tied:
        refuse_tied(config, {"r": 2, "target_modules": target})
        return
    with pytest.raises(ConfigError, match=rf"model\.lora: .*{target[-1]}.*one matrix"):
        refuse_tied(config, {"r": 2, "target_modules": target})


def test_a_whole_embedding_that_is_trained_beside_adapters_is_refused_where_it_is_tied():
    pytest.importorskip("peft")
    config = config_of("llama", 300)
    config.tie_word_embeddings = True
    refuse_tied(config, {"r": 2, "target_modules": ["q_proj"]})
    with pytest.raises(ConfigError, match="lm_head"):
        refuse_tied(config, {"r": 2, "target_modules": ["q_proj"], "modules_to_save": ["lm_head"]})
