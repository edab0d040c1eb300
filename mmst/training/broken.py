"""What is wrong with a model's files, in a sentence: half a download, a pointer of Git LFS, code of its own, an encoder."""

from __future__ import annotations

import json
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
READ = ("*.safetensors", "*.bin", "*.json", "*.model", "*.gguf", "*.txt")
"""Files that are looked at."""
LONGEST_HEADER = 100 * 2**20
"""Bytes: the format's own limit."""
SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""Small files, of which transformers passes over some that are damaged."""
ARCHIVE = b"PK\x03\x04"
"""How torch's files begin."""


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
        if file.name in SETTINGS:
            _refuse_no_json(file)
        cut = {".safetensors": _cut, ".bin": _cut_archive}.get(file.suffix)
        if cut is not None and (there := cut(file)) is not None:
            raise ModelError(f"model: {file} is cut off ({there}); download it again.")
    for index in sorted(folder.glob("*.index.json")):
        absent = sorted({name for name in _weight_map(index) if not (folder / name).is_file()})
        if absent:
            more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
            raise ModelError(
                f"model: {folder} lacks {', '.join(absent[:3])}{more}, which {index.name} lists; download it again."
            )


def is_pointer(file: Path) -> bool:
    """Whether a file only says where Git LFS keeps its content."""
    if file.stat().st_size > LONGEST_POINTER:
        return False
    with file.open("rb") as opened:
        return opened.read(len(POINTER)) == POINTER


def _refuse_no_json(file: Path) -> None:
    try:
        json.loads(file.read_bytes())
    except ValueError as error:
        raise ModelError(f"model: {file} is no JSON ({first_line(error)}); download it again, or mend it.") from error


def _cut_archive(file: Path) -> str | None:
    """What is there of torch's archive without an end; older files are none."""
    with file.open("rb") as opened:
        begun = opened.read(len(ARCHIVE))
    return f"{file.stat().st_size:,} bytes, and no end of its archive" if begun == ARCHIVE and not is_zipfile(file) else None


def _weight_map(index: Path) -> set[str]:
    try:
        return set(json.loads(index.read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _cut(file: Path) -> str | None:
    """What is there of a safetensors file, where its header promises more; None where all is there."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        first = opened.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        if not 0 < length < LONGEST_HEADER:
            return f"{size:,} bytes, which begin with no header"
        try:
            header = json.loads(opened.read(length)) if length + 8 <= size else None
        except ValueError:
            return f"{size:,} bytes, which begin with no header"
    if header is None:
        return f"{size:,} bytes, and its header alone has {length + 8:,}"
    ends = [part["data_offsets"][1] for name, part in header.items() if name != "__metadata__"]
    whole = 8 + length + max(ends, default=0)
    return f"{size:,} of {whole:,} bytes" if size < whole else None


def refuse_encoder(config: Any, folder: object) -> None:
    """Refuse a model that does not continue texts.

    Raises:
        ModelError: it is an encoder, or has an encoder.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    encodes = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)
    if encodes or getattr(config, "is_encoder_decoder", False):
        kind = "an encoder and a decoder" if getattr(config, "is_encoder_decoder", False) else "an encoder"
        raise ModelError(
            f"model: {folder} holds {kind} ({config.model_type}), which does not continue texts; give a causal language model."
        )


def refuse_not_finite(model: torch.nn.Module, where: object) -> None:
    """Refuse weights that are no numbers, whose completions and losses would be none either.

    Raises:
        ModelError: names the tensors.
    """
    import torch

    wrong = [
        name
        for name, p in model.named_parameters()
        if not p.is_meta and not bool(p.detach().sum(dtype=torch.float32).isfinite())
    ]
    wrong = [name for name in wrong if not bool(model.get_parameter(name).isfinite().all())]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(
            f"model: {where} holds weights that are no finite numbers (NaN or inf), in {', '.join(wrong[:3])}{more}; "
            "take an earlier checkpoint, or download it again."
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
        said = first_line(error, 300)
        if "trust_remote_code" in str(error):
            said = (
                "it brings Python code of its own (auto_map), which is never run here; choose a model that transformers knows"
            )
        elif "untagged enum" in said:
            said = f"its format is not known to this version of tokenizers ({said}); update tokenizers, or save it anew"
        raise ModelError(f"model: {what} does not load: {said}") from error


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
