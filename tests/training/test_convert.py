import json
import shutil
import sys

import pytest
import torch

from mmst.errors import ModelError
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.training.convert import convert, main
from mmst.training.model import with_adapters
from tests.made_tokenizers import TURN, made_tokenizer


@pytest.mark.parametrize("content", [b"junk", b"", None])
def test_a_file_that_is_no_checkpoint_is_one_sentence(tmp_path, nano, content):
    path = tmp_path / "x.ckpt"
    torch.save({"other": 1}, path) if content is None else path.write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.ckpt is no checkpoint of a training"):
        convert(path, nano, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_adapters_that_are_not_there_are_missed_in_the_checkpoint(tmp_path, nano):
    pytest.importorskip("peft")
    torch.save({"state_dict": {"model.x": torch.zeros(1)}}, tmp_path / "x.ckpt")
    with pytest.raises(ModelError, match=r"x\.ckpt does not fit the model.*lora_"):
        convert(tmp_path / "x.ckpt", nano, tmp_path / "out", lora=4)


@pytest.mark.parametrize("flags", [["--shard", "abc"], ["--lora", "x"], ["--lora", "true"]])
def test_flags_that_say_nothing_are_named(tmp_path, nano, flags, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["convert", "a", str(nano), str(tmp_path / "out"), *flags])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert f"{flags[1]} is n" in capsys.readouterr().err


def trained_folder(start, folder, lora):
    """What is written of a training that changed nothing."""
    model = load_model(start)
    if lora is None:
        state = {f"model.{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    else:
        pytest.importorskip("peft")
        state = {name: part.clone() for name, part in with_adapters(model, lora).state_dict().items() if "lora_" in name}
    torch.save({"state_dict": state}, folder / "end.ckpt")
    convert(folder / "end.ckpt", start, folder / "out", lora=lora)
    return json.loads((folder / "out" / "generation_config.json").read_text())


@pytest.mark.parametrize("lora", [None, 2])
@pytest.mark.parametrize(
    "told",
    [
        {"eos_token_id": 0, "temperature": 0.9, "top_p": 0.6},
        {"eos_token_id": [0, 3], "do_sample": False, "temperature": 1e-6, "of_tomorrow": 1},
    ],
    ids=["Llama 2", "odd"],
)
def test_a_generation_config_stays_as_it_is_also_one_that_transformers_finds_amiss(nano, tmp_path, told, lora):
    shutil.copytree(nano, tmp_path / "start")
    (tmp_path / "start" / "generation_config.json").write_text(json.dumps(told))
    assert trained_folder(tmp_path / "start", tmp_path, lora) == told


@pytest.mark.parametrize("lora", [None, 2])
def test_other_tools_are_told_what_ends_a_reply(nano, tmp_path, lora):
    model = load_model(nano)
    model.resize_token_embeddings(1000)
    tokenizer = made_tokenizer("qwen", template=f"{{% for m in messages %}}{{{{ m['content'] + '{TURN}' }}}}{{% endfor %}}")
    save_checkpoint(model, tokenizer, tmp_path / "start")
    told = trained_folder(tmp_path / "start", tmp_path, lora)
    assert told["eos_token_id"] == [0, load_tokenizer(tmp_path / "start").convert_tokens_to_ids(TURN)]
