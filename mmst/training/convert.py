"""A checkpoint of any strategy -> a folder in Hugging Face format, one shard in memory at a time.

    python -m mmst.training.convert CHECKPOINT START TARGET [--shard 5GB] [--lora 16 [--adapters]]

CHECKPOINT is what a training wrote: a file (one device, DDP), a folder of torch's distributed checkpoints (FSDP, FSDP2), or
a folder of DeepSpeed's (ZeRO-1 to 3). START is the folder that the training began from: configuration, tokenizer and the
names of its weights are taken from there.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from mmst.errors import ModelError, TrainingError, UserError
from mmst.ledger.files import atomic_folder
from mmst.training.broken import quiet_bars
from mmst.training.checkpoint import load_config, load_model, load_tokenizer, tensor_names
from mmst.training.model import empty_model, with_adapters
from mmst.training.quantized import is_quantized, plain
from mmst.training.saving import read_state
from mmst.training.stored import as_loaded, as_saved, groups
from mmst.training.tokenization import turn_end

SHARD = "5GB"
GENERATION = "generation_config.json"


class Tensors(Protocol):
    """The weights of a checkpoint, read as they are asked for."""

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each tensor by its name."""

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Some tensors, in memory."""


class FileTensors:
    """A file that torch.save wrote, mapped into memory."""

    def __init__(self, path: Path) -> None:
        try:
            self.state: dict[str, Tensor] = read_state(path, "cpu", mmap=True)["state_dict"]
        except (TrainingError, KeyError, TypeError) as error:
            raise ModelError(f"convert: {path} is no checkpoint of a training (it holds no weights to read).") from error

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """See `Tensors`."""
        return {name: tuple(tensor.shape) for name, tensor in self.state.items()}

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """See `Tensors`."""
        return {name: self.state[name] for name in names}


class DistributedTensors:
    """A folder of torch.distributed.checkpoint."""

    def __init__(self, path: Path) -> None:
        from torch.distributed.checkpoint.filesystem import FileSystemReader

        self.reader = FileSystemReader(path)
        found = self.reader.read_metadata().state_dict_metadata
        self.there: dict[str, Any] = {name: data for name, data in found.items() if hasattr(data, "size")}

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """See `Tensors`."""
        return {name: tuple(data.size) for name, data in self.there.items()}

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """See `Tensors`."""
        from torch.distributed.checkpoint.state_dict_loader import load

        state = {name: torch.empty(self.there[name].size, dtype=self.there[name].properties.dtype) for name in names}
        load(state, storage_reader=self.reader, no_dist=True)
        return state


class ZeroTensors:
    """A folder of DeepSpeed's, whose optimizer states hold the weights in fp32."""

    def __init__(self, path: Path) -> None:
        from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

        tag = next((folder.name for folder in path.iterdir() if folder.is_dir()), None)
        self.state = get_fp32_state_dict_from_zero_checkpoint(str(path), tag=tag, lazy_mode=True)

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """See `Tensors`."""
        return {name: tuple(tensor.shape) for name, tensor in self.state.items()}

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """See `Tensors`."""
        return {name: self.state[name].contiguous() for name in names}


def opened(checkpoint: Path) -> Tensors:
    """The weights of a training's checkpoint.

    Raises:
        ModelError: there is none, or it is of no strategy that is known here.
    """
    if checkpoint.is_file():
        return FileTensors(checkpoint)
    if (checkpoint / ".metadata").is_file():
        return DistributedTensors(checkpoint)
    if checkpoint.is_dir() and any(checkpoint.rglob("*optim_states.pt")):
        return ZeroTensors(checkpoint)
    raise ModelError(f"convert: {checkpoint} is no checkpoint of a training (a .ckpt file or folder).")


def convert(
    checkpoint: Path,
    start: Path,
    target: Path,
    shard: str = SHARD,
    lora: int | Mapping[str, Any] | None = None,
    merge: bool = True,
) -> None:
    """Write a training's checkpoint as a folder in Hugging Face format, in the dtype that `start` has.

    Adapters are merged into the weights they adapt; that takes the whole model in memory. Without `merge` they are written
    alone, in peft's format, and the folder needs `start` for as long as it is used.

    Raises:
        ModelError: the checkpoint does not fit the model in `start`; names the tensors.
    """
    source = opened(checkpoint)
    tokenizer, config = load_tokenizer(start), load_config(start)
    dtype = config.dtype or torch.float32
    with atomic_folder(target) as work:
        if lora is not None:
            adapted = _adapted(source, start, checkpoint, lora)
            if merge:
                merged = adapted.merge_and_unload().to(dtype)
                if is_quantized(config):
                    merged._weight_conversions = None  # those of its quantized format; it is plain now
                with quiet_bars():
                    merged.save_pretrained(work, max_shard_size=shard)
                _save_generation(start, merged.generation_config, tokenizer, work)
            else:
                _save_adapters(adapted, start, work)
        else:
            model = _pattern(config, start)
            wanted = _unique_tensors(model)
            _write_shards(source, _sources(source.shapes(), wanted, checkpoint), model, work, dtype, shard)
            model.config.dtype = dtype
            model.config.save_pretrained(work)
            if model.can_generate():
                _save_generation(start, model.generation_config, tokenizer, work)
        tokenizer.save_pretrained(work)


def _unique_tensors(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Name -> shape of what a folder holds of a model: tied tensors once, and buffers that are saved."""
    unique = {name: tuple(p.shape) for name, p in model.named_parameters()}
    tied = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    buffers = {name: tuple(t.shape) for name, t in model.state_dict().items() if name not in tied}
    return {**unique, **buffers}


def _sources(have: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]], checkpoint: Path) -> dict[str, str]:
    """Name in the model -> name in the checkpoint, which puts one prefix before all of them."""
    first = next(iter(wanted))
    prefixes = sorted((name[: -len(first)] for name in have if name.endswith(first)), key=len) or [""]

    def wrong(prefix: str) -> list[str]:
        return [name for name, shape in wanted.items() if have.get(prefix + name) != shape]

    best = min(prefixes, key=lambda prefix: len(wrong(prefix)))
    if missing := wrong(best):
        raise ModelError(f"convert: {checkpoint} does not fit the model: {tensor_names(missing)}.")
    return {name: best + name for name in wanted}


def _pattern(config: Any, start: Path) -> PreTrainedModel:
    """The model without memory, which knows under which names `start` holds its tensors.

    A start in a quantized format gives no names: what is trained are plain weights, saved as such a model's are.
    """
    quantized = is_quantized(config)
    model = empty_model(plain(config), "float32")
    if not quantized:
        as_loaded(model, start)
    return model


def _write_shards(
    source: Tensors, names: Mapping[str, str], model: PreTrainedModel, folder: Path, dtype: torch.dtype, shard: str
) -> None:
    """Write tensors as `save_pretrained` would name them, a block and a shard in memory at a time."""
    shapes, parts = source.shapes(), groups(names)
    empty: dict[str, Tensor] = {}
    for part in parts:
        empty |= as_saved(model, {name: torch.empty(shapes[names[name]], dtype=dtype, device="meta") for name in part})
    split = split_torch_state_dict_into_shards(empty, max_shard_size=shard)
    ready: dict[str, Tensor] = {}
    left = {file: list(members) for file, members in split.filename_to_tensors.items()}
    for part in parts:
        read = source.read([names[name] for name in part])
        ready |= as_saved(model, {name: _saved(read[names[name]], dtype) for name in part})
        for file in [file for file, members in left.items() if all(name in ready for name in members)]:
            save_file({name: ready.pop(name).contiguous() for name in left.pop(file)}, folder / file, metadata={"format": "pt"})
    assert not left, f"not written: {left}"
    if split.is_sharded:
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


def _saved(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to(dtype if tensor.is_floating_point() else tensor.dtype).contiguous()


def _adapted(source: Tensors, start: Path, checkpoint: Path, lora: int | Mapping[str, Any]) -> Any:
    adapted = with_adapters(load_model(start, "float32"), lora)
    wanted = {name: tuple(p.shape) for name, p in adapted.named_parameters() if p.requires_grad}
    names = _sources(source.shapes(), wanted, checkpoint)
    read = source.read(names.values())
    adapted.load_state_dict({name: read[there] for name, there in names.items()}, strict=False)
    return adapted


def _save_adapters(adapted: Any, start: Path, folder: Path) -> None:
    for settings in adapted.peft_config.values():
        settings.base_model_name_or_path = str(start.absolute())
        for key, value in vars(settings).items():
            if isinstance(value, set):
                setattr(settings, key, sorted(value))  # else in another order in each process
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card
    load_config(start).save_pretrained(folder)


def _save_generation(start: Path, default: Any, tokenizer: Any, folder: Path) -> None:
    """Write the start's generation config as it is, or `default`; what ends a reply ends a text in it, for other tools."""
    target = folder / GENERATION
    if (start / GENERATION).is_file():
        shutil.copyfile(start / GENERATION, target)
    else:
        default.save_pretrained(folder)
    told, end = json.loads(target.read_text()), turn_end(tokenizer)
    ends = told.get("eos_token_id", tokenizer.eos_token_id)
    listed = ends if isinstance(ends, list) else [ends]
    if end is not None and end not in listed:
        told["eos_token_id"] = [*(known for known in listed if known is not None), end]
        target.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n")


def _size(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?[KMGT]?B", text):
        raise argparse.ArgumentTypeError(f"{text} is no size such as 500MB or 5GB")
    return text


def _lora(text: str) -> int | dict[str, Any]:
    try:
        loaded = json.loads(text)
    except ValueError:
        loaded = None
    if not isinstance(loaded, int | dict) or isinstance(loaded, bool):
        raise argparse.ArgumentTypeError(f"{text} is neither a rank nor settings as JSON")
    return loaded


def main() -> None:
    """Read the command line, and convert."""
    parser = argparse.ArgumentParser(prog="python -m mmst.training.convert", description=__doc__.partition("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="what a training wrote: a .ckpt file or folder")
    parser.add_argument("start", type=Path, help="the folder that the training began from")
    parser.add_argument("target", type=Path, help="the folder to write")
    parser.add_argument(
        "--shard", type=_size, default=SHARD, help="the most that a file, and the memory, holds (default: %(default)s)"
    )
    parser.add_argument("--lora", type=_lora, help="the same as model.lora: a rank, or peft's settings as JSON")
    parser.add_argument(
        "--adapters", action="store_true", help="with --lora: write the adapters alone, without START's weights"
    )
    arguments = parser.parse_args()
    if arguments.adapters and arguments.lora is None:
        parser.error("--adapters needs --lora: without it a checkpoint has none")
    try:
        if arguments.target.exists():
            raise ModelError(f"convert: {arguments.target} exists; give a folder that does not.")
        convert(
            arguments.checkpoint, arguments.start, arguments.target, arguments.shard, arguments.lora, not arguments.adapters
        )
    except UserError as error:
        sys.exit(f"mmst: {error}")


if __name__ == "__main__":
    main()
