"""Models in GGUF files (llama.cpp's format) -> folders in Hugging Face format, once for each content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmst.errors import MissingExtraError, ModelError, first_line
from mmst.ledger.files import atomic_folder
from mmst.training.broken import is_pointer, quiet_bars
from mmst.training.digests import kept_digest
from mmst.training.quantized import is_quantized

MAGIC = b"GGUF"
PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
"""How llama.cpp names the parts of a split file."""
DIGESTS = ".digests"
"""Below the folder of converted models: the hashes of their files, see `mmst.training.digests`."""


def converted(path: Path, cache: Path) -> Path:
    """The folder that a file was converted to; a file of the same content, wherever it lies, is not converted again.

    Raises:
        ModelError: there is no such file, or it does not load.
        MissingExtraError: the reader of its format is not installed.
    """
    target = _target(path, cache)
    if not target.exists():
        convert_gguf(path, target)
    return target


def described(path: Path, cache: Path) -> Path:
    """A folder that holds what prompts need of a file: its tokenizer and its configuration; with the weights, where it was
    converted before.

    Raises:
        ModelError: there is no such file, or it does not load.
        MissingExtraError: the reader of its format is not installed.
    """
    whole = _target(path, cache)
    told = whole.with_name(f"{whole.name}-tokenizer")
    if whole.exists() or told.exists():
        return whole if whole.exists() else told
    from transformers import AutoConfig, AutoTokenizer

    with _reading(path), quiet_bars():
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, trust_remote_code=False)
        config: Any = AutoConfig.from_pretrained(path.parent, gguf_file=path.name, trust_remote_code=False)
    with atomic_folder(told) as work:
        tokenizer.save_pretrained(work)
        config.save_pretrained(work)
    return told


def _target(path: Path, cache: Path) -> Path:
    """Where a file of this content is converted to."""
    if not path.is_file():
        raise ModelError(f"model: there is no file {path}.")
    if is_pointer(path):
        raise ModelError(f"model: {path} is a pointer of Git LFS, not the file itself; run `git lfs pull`, and try again.")
    if part := PART.search(path.name):
        raise ModelError(
            f"model: {path} is one of {int(part[2])} parts; join them by `llama-gguf-split --merge {path} WHOLE.gguf` of "
            "llama.cpp (give it the first part), and name the whole."
        )
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ModelError(f"model: {path} is no GGUF file, or its download was cut off at once; download it again.")
    if find_spec("gguf") is None:
        raise MissingExtraError(f"model.name={path.name}", "pip install gguf")
    return cache / f"{path.stem}-{kept_digest(path, cache / DIGESTS)[:16]}"


def convert_gguf(path: Path, target: Path) -> None:
    """Write a GGUF file as a folder in Hugging Face format, dequantized to fp32.

    Raises:
        ModelError: the file does not load: it is cut off, or of an architecture that transformers does not read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with _reading(path), quiet_bars(), _bar_on_terminals():
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, trust_remote_code=False
        )
    model.hf_quantizer = None  # what it was dequantized from: the weights are plain now
    if is_quantized(model.config):
        del model.config.quantization_config
    (target.parent / DIGESTS).mkdir(parents=True, exist_ok=True)
    with atomic_folder(target) as work, quiet_bars():
        model.save_pretrained(work)
        tokenizer.save_pretrained(work)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say what the library raises while it reads a file in one sentence."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # its reader raises what struct, numpy and mmap raise
        said = first_line(error)
        unknown = isinstance(error, NotImplementedError) or "not supported" in said
        what = "is of a kind that transformers does not read" if unknown else "is cut off or damaged; download it again"
        raise ModelError(f"model: {path} {what} ({said}).") from error


@contextmanager
def _bar_on_terminals() -> Iterator[None]:
    """The library's bar of tensors, which listens to no setting, on terminals alone: a log holds no carriage returns."""
    from transformers import modeling_gguf_pytorch_utils

    module: Any = modeling_gguf_pytorch_utils
    usual = getattr(module, "tqdm", None)
    if usual is None:
        yield
        return
    module.tqdm = partial(usual, disable=None)
    try:
        yield
    finally:
        module.tqdm = usual
