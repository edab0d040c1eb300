import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from mmst.errors import ModelError
from mmst.training.checkpoint import content_hash, hub_checkpoint, load_model, load_tokenizer

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4000000\n"


@pytest.fixture
def folder(nano, tmp_path):
    shutil.copytree(nano, tmp_path / "model")
    return tmp_path / "model"


def edited(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "pytorch_model.bin"])
def test_a_pointer_of_git_lfs_is_named_with_the_way_out(folder, name):
    (folder / name).write_text(POINTER)
    with pytest.raises(ModelError, match=rf"{name} is a pointer of Git LFS.*git lfs pull"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize("left", [0.5, 0.99, 0.001])
def test_half_a_download_is_named_with_its_bytes(folder, left):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: int(len(content) * left)])
    with pytest.raises(ModelError, match=r"model\.safetensors is cut off \([0-9,]+ .*download it again"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", b"\x08" + bytes(7) + b"no json!"])
def test_what_is_no_file_of_weights_is_named(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors is cut off \([0-9,]+ bytes, .*download it again"):
        hub_checkpoint(str(folder), folder)


def test_half_an_archive_of_torch_is_named(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    hub_checkpoint(str(folder), folder)
    content = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"pytorch_model\.bin is cut off \([0-9,]+ bytes.*download it again"):
        hub_checkpoint(str(folder), folder)


def test_a_shard_that_an_index_lists_and_is_not_there_is_named(folder):
    load_model(folder).save_pretrained(folder / "shards", max_shard_size="500KB")
    first = min((folder / "shards").glob("*.safetensors"))
    hub_checkpoint(str(folder / "shards"), folder)
    first.unlink()
    with pytest.raises(ModelError, match=rf"lacks {first.name}, which model\.safetensors\.index\.json lists; download it"):
        hub_checkpoint(str(folder / "shards"), folder)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer_config.json"])
def test_settings_that_are_no_json_are_named_before_any_work(folder, name):
    (folder / name).write_text((folder / name).read_text()[:-10])
    with pytest.raises(ModelError, match=rf"{name} is no JSON .*download it again"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize("part", ["model", "pre_tokenizer", "normalizer"])
def test_a_tokenizer_of_an_unknown_kind_is_one_sentence(folder, part):
    edited(folder / "tokenizer.json", **{part: {"type": "OfTomorrow"}})
    with pytest.raises(ModelError, match=r"the tokenizer in .* does not load") as caught:
        load_tokenizer(folder)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_without_an_end_says_what_to_write(folder):
    edited(folder / "tokenizer_config.json", eos_token=None)
    with pytest.raises(ModelError, match=r"no end-of-sequence token.*name one as eos_token"):
        load_tokenizer(folder)


@pytest.mark.parametrize("kind", ["bert", "roberta", "t5"])
def test_what_does_not_continue_texts_is_refused(folder, kind):
    AutoConfig.for_model(kind).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"holds an encoder.*does not continue texts"):
        load_model(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(folder, value):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "q_proj" in name)
    weights[name][1, 2] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"no finite numbers.*q_proj"):
        load_model(folder)


@pytest.mark.parametrize("known", [True, False])
def test_code_that_a_folder_brings_is_never_run(folder, monkeypatch, known):
    ran = folder.parent / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass C: pass\n")
    names = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.C", "AutoTokenizer": ["evil.C", "evil.C"]}
    edited(folder / "config.json", auto_map=names, **({} if known else {"model_type": "of_tomorrow"}))
    edited(folder / "tokenizer_config.json", auto_map=names)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))
    if known:
        load_model(folder)
        load_tokenizer(folder)
    else:
        with pytest.raises(ModelError, match="code of its own"):
            load_model(folder)
    assert not ran.exists()


@pytest.mark.parametrize(
    "name",
    ["special_tokens_map.json", "added_tokens.json", "chat_template.json", "chat_template.jinja", "spm.model", "tekken.json"],
)
def test_every_file_of_a_tokenizer_counts_in_the_hash(folder, nano, name):
    (folder / name).write_text("{}")
    assert content_hash(folder) != content_hash(nano)


def test_a_file_that_is_no_gguf_file_is_named(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelError, match=r"x\.gguf is no GGUF file"):
        hub_checkpoint(str(tmp_path / "x.gguf"), tmp_path)
    (tmp_path / "y.gguf").write_bytes(b"GGUF\x03\x00\x00\x00" + b"\x05" * 30)
    pytest.importorskip("gguf")
    with pytest.raises(ModelError, match=r"y\.gguf is cut off or damaged; download it again"):
        hub_checkpoint(str(tmp_path / "y.gguf"), tmp_path)


def test_a_part_of_a_split_gguf_file_says_how_to_join_them(tmp_path):
    (tmp_path / "x-00002-of-00003.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"x-00002-of-00003\.gguf is one of 3 parts; join them by `llama-gguf-split --merge"):
        hub_checkpoint(str(tmp_path / "x-00002-of-00003.gguf"), tmp_path)


def test_a_pickle_is_never_unpickled(folder):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("its code ran",))

    (folder / "model.safetensors").unlink()
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="does not load"):
        load_model(folder)
