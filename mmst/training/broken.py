"""What is wrong with a model's files, in a sentence: half a download, a pointer of Git LFS, code of its own, an encoder."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from mmst.errors import ModelError, UserError, first_line

if TYPE_CHECKING:
    import torch

POINTER = b"version https://git-lfs"
LONGEST_POINTER = 1024
MARK = b"\xef\xbb\xbf"
"""What some editors write before UTF-8, and no library reads in JSON."""
READ = ("*.safetensors", "*.bin", "*.json", "*.model", "*.gguf", "*.txt", "*.jinja", "*.tiktoken")
"""Files that are looked at."""
LONGEST_HEADER = 100 * 2**20
"""Bytes: the format's own limit."""
SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""Small files, of which transformers passes over some that are damaged."""
ARCHIVE = b"PK\x03\x04"
"""How torch's files begin."""
PICKLE = b"\x80"
"""How torch's older files begin."""
LOADED = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "pytorch_model.bin.index.json")
"""One of these transformers looks for."""
ADAPTED = ("adapter_model.safetensors", "adapter_model.bin")
"""One of these peft looks for."""


def refuse_broken(folder: Path) -> None:
    """Look at the sizes and first bytes of a folder's files.

    Raises:
        ModelError: one of them is no more than a pointer, or is cut off; names it.
    """
    for file in sorted({file for pattern in READ for file in folder.glob(pattern) if file.is_file()}):
        if is_pointer(file):
            raise ModelError(
                f"model: {file} is a pointer of Git LFS, not the file itself; run `git lfs pull` in {folder}, and try again."
            )
        if file.name in SETTINGS or file.name.endswith(".index.json"):
            _refuse_no_json(file)
        wrong = {".safetensors": _damage, ".bin": _damage_of_archive}.get(file.suffix)
        if wrong is not None and (said := wrong(file)) is not None:
            raise ModelError(f"model: {file} is {said}; download it again.")
    for index in sorted(folder.glob("*.index.json")):
        absent = sorted({name for name in _weight_map(index) if not (folder / name).is_file()})
        if absent:
            more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
            raise ModelError(
                f"model: {folder} lacks {', '.join(absent[:3])}{more}, which {index.name} lists; download it again."
            )


def refuse_without_weights(folder: Path, adapters: bool) -> None:
    """Refuse a folder of which no weights would be loaded.

    Raises:
        ModelError: says what is there in their place.
    """
    if any((folder / name).is_file() for name in (*LOADED, *(ADAPTED if adapters else ()))):
        return
    if link := next((file for file in sorted(folder.iterdir()) if file.is_symlink() and not file.exists()), None):
        raise ModelError(f"model: {link} is a link to a file that is not there; download it again.")
    if shards := sorted(folder.glob("*-of-*.safetensors")) or sorted(folder.glob("pytorch_model-*-of-*.bin")):
        index = f"{shards[0].name.partition('-')[0]}{shards[0].suffix}.index.json"
        raise ModelError(f"model: {folder} holds {len(shards)} shards without {index}, which lists them; download it as well.")
    if named := sorted(file.name for file in folder.glob("*.gguf")):
        raise ModelError(f"model: {folder} holds a GGUF file; name the file itself, model.name={folder / named[0]}.")
    if named := sorted(file.name for file in folder.glob("*.safetensors")):
        raise ModelError(
            f"model: {folder} holds {named[0]}, and a model's weights are called model.safetensors; rename it where it is that."
        )
    raise ModelError(f"model: {folder} has a config.json but no weights (*.safetensors).")


def is_pointer(file: Path) -> bool:
    """Whether a file only says where Git LFS keeps its content."""
    if file.stat().st_size > LONGEST_POINTER:
        return False
    with file.open("rb") as opened:
        return opened.read(len(MARK) + len(POINTER)).removeprefix(MARK).startswith(POINTER)


def _refuse_no_json(file: Path) -> None:
    try:
        content = file.read_bytes()
        told = json.loads(content.decode())
    except ValueError as error:
        marked = content.startswith(MARK)
        said = "it begins with a byte order mark; save it as UTF-8 without one" if marked else first_line(error)
        raise ModelError(f"model: {file} is no JSON ({said}); download it again, or mend it.") from error
    if not isinstance(told, dict):
        raise ModelError(f"model: {file} holds no settings, but {str(told)[:40]}; download it again, or mend it.")
    if file.name.endswith(".index.json") and not isinstance(told.get("weight_map"), dict):
        raise ModelError(f"model: {file} lists no weights (weight_map); download it again.")


def _damage_of_archive(file: Path) -> str | None:
    """What is wrong with a file of torch's; of older ones no more can be told than how they begin."""
    with file.open("rb") as opened:
        begun = opened.read(len(ARCHIVE))
    if begun == ARCHIVE:
        return None if is_zipfile(file) else f"cut off ({file.stat().st_size:,} bytes, and no end of its archive)"
    return (
        None if begun.startswith(PICKLE) else f"cut off ({file.stat().st_size:,} bytes, which begin as none of torch's files)"
    )


def _weight_map(index: Path) -> set[str]:
    try:
        return set(json.loads(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _damage(file: Path) -> str | None:
    """What is wrong with a safetensors file by its size and its header; None where all is there."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        first = opened.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        if not 0 < length < LONGEST_HEADER:
            return f"cut off ({size:,} bytes, which begin with no header)"
        try:
            header = json.loads(opened.read(length)) if length + 8 <= size else None
        except ValueError:
            return f"cut off ({size:,} bytes, which begin with no header)"
    if header is None:
        return f"cut off ({size:,} bytes, and its header alone has {length + 8:,})"
    try:
        ends = [int(part["data_offsets"][1]) for name, part in header.items() if name != "__metadata__"]
    except (AttributeError, KeyError, TypeError, IndexError):
        return "damaged (its header lists no tensors)"
    whole = 8 + length + max(ends, default=0)
    if size < whole:
        return f"cut off ({size:,} of {whole:,} bytes)"
    return f"damaged ({size:,} bytes, and its header tells of {whole:,})" if size > whole else None


def refuse_encoder(config: Any, folder: object) -> None:
    """Refuse a model that does not continue texts.

    Raises:
        ModelError: it is an encoder, or has an encoder.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING_NAMES

    encodes = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)
    if encodes or getattr(config, "is_encoder_decoder", False):
        kind = "an encoder and a decoder" if getattr(config, "is_encoder_decoder", False) else "an encoder"
        raise ModelError(
            f"model: {folder} holds {kind} ({config.model_type}), which does not continue texts; give a causal language model."
        )
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ModelError(
            f"model: {folder} holds a model of the kind {config.model_type}, of which transformers makes no causal language "
            "model; give one that continues texts."
        )


def refuse_not_finite(model: torch.nn.Module, where: object) -> None:
    """Refuse weights that are no numbers, whose completions and losses would be none either, and those that are no more than
    zeros, as files are that a download made room for and did not fill.

    Raises:
        ModelError: names the tensors.
    """
    import torch

    parts = [(name, p.detach()) for name, p in model.named_parameters() if not p.is_meta]
    sums = {name: float(part.sum(dtype=torch.float32)) for name, part in parts}
    wrong = [name for name, part in parts if not math.isfinite(sums[name]) and not bool(part.isfinite().all())]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(
            f"model: {where} holds weights that are no finite numbers (NaN or inf), in {', '.join(wrong[:3])}{more}; "
            "take an earlier checkpoint, or download it again."
        )
    matrices = [(name, part) for name, part in parts if part.dim() > 1]
    empty = [name for name, part in matrices if sums[name] == 0 and not bool(part.any())]
    if 2 * len(empty) > len(matrices):
        raise ModelError(
            f"model: {len(empty)} of the {len(matrices)} matrices of {where} are nothing but zeros; its download did not "
            "end, or it was never trained; download it again."
        )


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Say whatever a library raises while it reads a model's files in one sentence that names them.

    Raises:
        ModelError: reading failed.
    """
    import torch

    try:
        with quiet_bars():
            yield
    except (UserError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # libraries raise what they like, plain `Exception` included
        said = _said(error)
        if "trust_remote_code" in str(error):
            said = (
                "it brings Python code of its own (auto_map), which is never run here; choose a model that transformers knows"
            )
        elif "untagged enum" in said:
            said = f"its format is not known to this version of tokenizers ({said}); update tokenizers, or save it anew"
        elif "Weights only load failed" in said:
            said = "a file of weights holds something else beside tensors, which is never run here, or is damaged"
        elif "instantiate the backend tokenizer" in said:
            said = "it has no vocabulary (tokenizer.json, tokenizer.model or vocab.json); download it as well"
        elif isinstance(error, json.JSONDecodeError):
            said = f"a file that should be JSON is cut off or damaged ({said}); download it again"
        raise ModelError(f"model: {what} does not load: {said}") from error


def _said(error: Exception) -> str:
    """What an error says, in a line that is whole: with its kind, where it is but a word, and with what a colon announces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = " ".join(lines[:2]) if lines and lines[0].endswith(":") else first_line(error, 300)
    unforeseen = isinstance(error, AttributeError | ArithmeticError | LookupError | TypeError)
    return (
        f"{type(error).__name__}: {said}; its files are damaged, or not what they are called"[:400]
        if unforeseen
        else said[:300]
    )


@contextmanager
def quiet_bars() -> Iterator[None]:
    """No bars of transformers while the block runs: they take the terminal from ours."""
    from transformers.utils import logging as library

    shown = library.is_progress_bar_enabled()
    library.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            library.enable_progress_bar()
