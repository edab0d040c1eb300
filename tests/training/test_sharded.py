"""What two processes read of a folder, each its own shard (FSDP2), is what one process reads."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.training.convert import convert
from tests.commands import LIMIT, ROOT
from tests.families.table import model_of
from tests.training.read_shards import PROCESSES, WHOLE
from tests.waiting import until


def prefixed(folder, nano):
    save_checkpoint(model_of("bloom", 300), load_tokenizer(nano), folder)


def bare(folder, nano):
    """Names without a prefix, as those of openai-community/gpt2."""
    model = model_of("gpt2", 300)
    save_checkpoint(model, load_tokenizer(nano), folder)
    weights = load_file(folder / "model.safetensors")
    bare = {name.removeprefix(f"{model.base_model_prefix}."): part for name, part in weights.items()}
    save_file(bare, folder / "model.safetensors", metadata={"format": "pt"})


def experts(folder, nano):
    """Experts that are one tensor in memory."""
    save_checkpoint(model_of("mixtral", 300), load_tokenizer(nano), folder)


def trained(folder, nano):
    """What a training writes, in shards."""
    start, checkpoint = folder.with_name("start"), folder.with_name("end.ckpt")
    tokenizer = load_tokenizer(nano)
    model = model_of("qwen2_moe", len(tokenizer))
    save_checkpoint(model, tokenizer, start)
    state = {f"model.{name}": tensor + 1 for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state}, checkpoint)
    convert(checkpoint, start, folder, shard="40KB")


KINDS = {made.__name__: made for made in (prefixed, bare, experts, trained)}


def read_by_two(folders, where):
    """Let two processes read folders; one that fails, or both that wait for ever, fail the test with what they said."""
    store, logs = where / "store", [where / f"{rank}.log" for rank in range(PROCESSES)]
    running = []
    try:
        for rank, log in enumerate(logs):
            command = [sys.executable, "-m", "tests.training.read_shards", str(rank), str(store), *map(str, folders)]
            with log.open("w") as output:
                running.append(subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output))
        until(lambda: any(process.poll() for process in running) or all(process.poll() == 0 for process in running))
        said = "\n".join(log.read_text() for log in logs)
        assert [process.poll() for process in running] == [0] * PROCESSES, said
    finally:
        for process in running:
            process.kill()
            process.wait(LIMIT)


@pytest.fixture(scope="module")
def read(nano, tmp_path_factory):
    where = tmp_path_factory.mktemp("sharded")
    for kind, made in KINDS.items():
        made(where / kind, nano)
    read_by_two([where / kind for kind in KINDS], where)
    return where


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_read_what_one_reads(read, kind):
    found = torch.load(read / kind / WHOLE)
    expected = dict(load_model(read / kind, "float32").named_parameters())
    assert found["sharded"] > 0, "each process holds a part"
    assert found["whole"].keys() == expected.keys()
    for name, parameter in expected.items():
        torch.testing.assert_close(found["whole"][name], parameter.detach(), atol=0, rtol=0)


@pytest.mark.soak
@pytest.mark.slow
def test_a_folder_that_lacks_a_tensor_fails_in_both_processes(nano, tmp_path):
    prefixed(tmp_path / "lacks", nano)
    weights = load_file(tmp_path / "lacks" / "model.safetensors")
    del weights[next(name for name in weights if name.endswith("h.1.mlp.dense_h_to_4h.weight"))]
    save_file(weights, tmp_path / "lacks" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AssertionError, match=r"ModelError: .*does not fit its own configuration: .*dense_h_to_4h\.weight"):
        read_by_two([tmp_path / "lacks"], tmp_path)
