import subprocess
import sys

import pytest
import torch

from mmst.errors import ModelError
from mmst.training.convert import convert


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
def test_flags_that_say_nothing_are_named(tmp_path, nano, flags):
    command = [sys.executable, "-m", "mmst.training.convert", "a", str(nano), str(tmp_path / "out"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{flags[1]} is n" in done.stderr
    assert "Traceback" not in done.stderr
