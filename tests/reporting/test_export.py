import json
import os
import shutil

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mmst.cli.main import main
from mmst.reporting.models import MODELS
from mmst.training.checkpoint import load_model, load_tokenizer
from tests.reporting.made import CONFIG, made_run


@pytest.fixture
def run(tmp_path, nano):
    """A run whose arm `multi` has the embedded model for a model, as files of their owner alone."""
    folder = tmp_path / "run"
    made_run(folder, tmp_path / "ledger", config={**CONFIG, "seed": 0})
    shutil.copytree(nano, folder / MODELS / "multi")
    for path in (folder / MODELS / "multi").iterdir():
        path.chmod(0o600)
    return folder


def adapt(folder, nano):
    """Make a model's folder hold adapters of nano that change it."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    made = peft.get_peft_model(load_model(nano), peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    made.save_pretrained(folder)
    (folder / "model.safetensors").unlink()
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**settings, "base_model_name_or_path": str(nano)}))


def refused(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(["export", *map(str, words)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_the_folder_needs_transformers_alone_and_has_the_users_modes(run, tmp_path, capsys):
    before = os.umask(0o027)
    try:
        main(["export", str(run), "multi", str(tmp_path / "out")])
    finally:
        os.umask(before)
    assert f"model multi: {tmp_path / 'out'}" in capsys.readouterr().out.replace("\n", "")
    model, tokenizer = (kind.from_pretrained(tmp_path / "out") for kind in (AutoModelForCausalLM, AutoTokenizer))
    prompt = tokenizer("Question:", return_tensors="pt")
    assert torch.equal(model(**prompt).logits, load_model(run / MODELS / "multi")(**prompt).logits)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o640}
    card = (tmp_path / "out" / "README.md").read_text()
    assert "license: apache-2.0\n" in card
    assert "| test | text |" in card


def test_adapters_are_merged(run, nano, tmp_path):
    adapt(run / MODELS / "multi", nano)
    main(["export", str(run), "multi", str(tmp_path / "out")])
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    prompt = load_tokenizer(nano)("Question:", return_tensors="pt")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out")(**prompt).logits
    assert torch.allclose(merged, load_model(run / MODELS / "multi")(**prompt).logits, atol=1e-5)
    assert not torch.allclose(merged, load_model(nano)(**prompt).logits, atol=1e-3)


def test_a_licence_of_the_base_goes_along(run, tmp_path):
    found = json.loads((run / "results.json").read_text())
    base = tmp_path / "base"
    base.mkdir()
    (base / "LICENSE.txt").write_text("Do as you like.")
    for row in found["rounds"]:
        row["checkpoint"] = str(base)
    (run / "results.json").write_text(json.dumps(found))
    main(["export", str(run), "multi", str(tmp_path / "out")])
    assert (tmp_path / "out" / "LICENSE.txt").read_text() == "Do as you like."


def test_what_is_not_there_is_one_sentence(run, tmp_path, capsys):
    assert "is no finished run" in refused(capsys, tmp_path / "nothing", "multi", tmp_path / "out")
    assert "no such arm); it holds multi." in refused(capsys, run, "mutli", tmp_path / "out")
    assert "trained on nothing" in refused(capsys, run, "base", tmp_path / "out")
    (tmp_path / "out").mkdir()
    assert "is there already" in refused(capsys, run, "multi", tmp_path / "out")


def test_a_gguf_file_is_for_llama_cpp_to_make(run, tmp_path, capsys):
    assert "convert_hf_to_gguf.py" in refused(capsys, run, "multi", tmp_path / "out", "--gguf")
    assert (tmp_path / "out" / "config.json").is_file()


def test_the_card_holds_the_command_without_its_secrets(run, tmp_path):
    (run / ".hydra").mkdir()
    words = [
        "method=multi",
        "policy=[one]",
        "sampler.api_key=abc",
        "sampler.base_url=http://me:abc@host/v1",
        "+sampler.extra={a: abc}",
    ]
    (run / ".hydra" / "overrides.yaml").write_text("".join(f"- {json.dumps(word)}\n" for word in words))
    main(["export", str(run), "multi", str(tmp_path / "out")])
    card = (tmp_path / "out" / "README.md").read_text()
    assert "mmst train method=multi 'policy=[one]' 'sampler.api_key=***'" in card
    assert "abc" not in card
