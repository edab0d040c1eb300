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


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "marked"])
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "pytorch_model.bin", "chat_template.jinja"])
def test_a_pointer_of_git_lfs_is_named_with_the_way_out(folder, name, mark):
    (folder / name).write_text(mark + POINTER)
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


def as_header(told):
    content = json.dumps(told).encode()
    return len(content).to_bytes(8, "little") + content


@pytest.mark.parametrize("told", [[1, 2], {"a": {"dtype": "F32", "shape": [2]}}, {"a": 1}])
def test_a_header_that_lists_no_tensors_is_named(folder, told):
    (folder / "model.safetensors").write_bytes(as_header(told))
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged \(its header lists no tensors\); download it again"):
        hub_checkpoint(str(folder), folder)


def test_a_file_that_goes_on_after_its_end_is_named(folder):
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged \([0-9,]+ bytes, and its header tells of [0-9,]+\)"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize("content", [b"", b"<html>", b"no archive of any kind"])
def test_what_is_no_file_of_torch_is_named(folder, content):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(
        ModelError, match=r"pytorch_model\.bin is cut off \([0-9,]+ bytes, which begin as none of torch's files"
    ):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("consolidated.safetensors", r"holds consolidated\.safetensors, and a model's weights are called model\.safetensors"),
        (
            "model-00001-of-00002.safetensors",
            r"holds 1 shards without model\.safetensors\.index\.json, .*; download it as well",
        ),
        ("model.onnx", "has a config.json but no weights"),
        ("x.gguf", r"holds a GGUF file; name the file itself, model\.name=.*x\.gguf"),
    ],
)
def test_weights_under_a_name_that_nothing_loads_are_told_before_any_work(folder, name, said):
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(ModelError, match=said):
        hub_checkpoint(str(folder), folder)


def test_a_folder_with_nothing_but_a_gguf_file_says_to_name_the_file(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"name the file itself, model\.name=.*x\.gguf"):
        hub_checkpoint(str(tmp_path), tmp_path)


def test_a_link_to_nothing_is_named(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "gone")
    with pytest.raises(ModelError, match=r"model\.safetensors is a link to a file that is not there; download it again"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{cut", "is no JSON"), ("[]", "holds no settings"), ("{}", r"lists no weights \(weight_map\)")],
)
def test_an_index_that_lists_nothing_is_named(folder, content, said):
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match=rf"model\.safetensors\.index\.json {said}"):
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


@pytest.mark.parametrize("content", ["[]", "null", "7"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"])
def test_settings_that_are_none_are_named_before_any_work(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(ModelError, match=rf"{name} holds no settings, but .*download it again"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8-sig", "it begins with a byte order mark; save it as UTF-8 without one"), ("utf-16", "utf-8")]
)
def test_settings_in_another_encoding_are_named(folder, encoding, said):
    (folder / "config.json").write_bytes((folder / "config.json").read_text().encode(encoding))
    with pytest.raises(ModelError, match=rf"config\.json is no JSON \(.*{said}"):
        hub_checkpoint(str(folder), folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_size": "big"}, "field 'hidden_size': .*expected int, got str"),
        ({"num_attention_heads": 7}, r"hidden size \(128\) is not a multiple of the number of attention heads \(7\)"),
        ({"num_attention_heads": 0}, "ZeroDivisionError: .*; its files are damaged"),
        ({"hidden_act": "of_tomorrow"}, "KeyError: 'of_tomorrow'; its files are damaged"),
    ],
)
def test_what_a_library_says_of_a_configuration_is_a_whole_sentence(folder, changes, said):
    edited(folder / "config.json", **changes)
    with pytest.raises(ModelError, match=said) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "<html>", '{"version": "1.0", "trunc'])
def test_a_tokenizer_that_is_cut_off_says_so(folder, content):
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match=r"the tokenizer in .* JSON is cut off or damaged .*download it again"):
        load_tokenizer(folder)


@pytest.mark.parametrize("kind", ["LlamaTokenizer", "PreTrainedTokenizerFast"])
def test_a_tokenizer_without_a_vocabulary_is_refused(folder, kind):
    (folder / "tokenizer.json").unlink()
    edited(folder / "tokenizer_config.json", tokenizer_class=kind)
    with pytest.raises(ModelError, match=r"the tokenizer in .* vocabulary"):
        load_tokenizer(folder)


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


@pytest.mark.parametrize("kind", ["vit", "clip", "qwen2_vl", "wav2vec2"])
def test_what_is_no_language_model_is_refused(folder, kind):
    AutoConfig.for_model(kind).save_pretrained(folder)
    with pytest.raises(ModelError, match=rf"a model of the kind {kind}, of which transformers makes no causal language model"):
        load_model(folder)


def test_a_file_that_a_download_made_room_for_and_did_not_fill_is_refused(folder):
    weights = {name: torch.zeros_like(tensor) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="nothing but zeros; its download did not end"):
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
