"""Models in GGUF files (llama.cpp's format) -> folders in Hugging Face format, once for each content."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmst.errors import MissingExtraError, ModelError, first_line
from mmst.ledger.files import atomic_folder
from mmst.training.broken import is_pointer, quiet_bars
from mmst.training.digests import kept_digest
from mmst.training.quantized import is_quantized

MAGIC = b"GGUF"
DIGESTS = ".digests"
"""Below the folder of converted models: the hashes of their files, see `mmst.training.digests`."""


def converted(path: Path, cache: Path) -> Path:
    """The folder that a file was converted to; a file of the same content, wherever it lies, is not converted again.

    Raises:
        ModelError: there is no such file, or it does not load.
        MissingExtraError: the reader of its format is not installed.
    """
    if not path.is_file():
        raise ModelError(f"model: there is no file {path}.")
    if is_pointer(path):
        raise ModelError(f"model: {path} is a pointer of Git LFS, not the file itself; run `git lfs pull`, and try again.")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ModelError(f"model: {path} is no GGUF file, or its download was cut off at once; download it again.")
    target = cache / f"{path.stem}-{kept_digest(path, cache / DIGESTS)[:16]}"
    if not target.exists():
        if find_spec("gguf") is None:
            raise MissingExtraError(f"model.name={path.name}", "pip install gguf")
        convert_gguf(path, target)
    return target


def convert_gguf(path: Path, target: Path) -> None:
    """Write a GGUF file as a folder in Hugging Face format, dequantized to fp32.

    Raises:
        ModelError: the file does not load: it is cut off, or of an architecture that transformers does not read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        with quiet_bars():
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                path.parent, gguf_file=path.name, dtype=torch.float32, trust_remote_code=False
            )
    except MemoryError:
        raise
    except Exception as error:  # its reader raises what struct, numpy and mmap raise
        said = first_line(error)
        unknown = isinstance(error, NotImplementedError) or "not supported" in said
        what = "is of a kind that transformers does not read" if unknown else "is cut off or damaged; download it again"
        raise ModelError(f"model: {path} {what} ({said}).") from error
    model.hf_quantizer = None  # what it was dequantized from: the weights are plain now
    if is_quantized(model.config):
        del model.config.quantization_config
    (target.parent / DIGESTS).mkdir(parents=True, exist_ok=True)
    with atomic_folder(target) as work, quiet_bars():
        model.save_pretrained(work)
        tokenizer.save_pretrained(work)
