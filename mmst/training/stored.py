"""Tensors as a folder names and shapes them, and as transformers has them in memory: the conversion is transformers' own.

In memory it fuses experts, renames layers, and puts a prefix on; `save_pretrained` undoes what loading did. Here both are done
without the whole model: for the names alone (`as_loaded`), for some tensors at a time (`fill`), or backwards (`as_saved`).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import convert_and_load_state_dict_in_model, revert_weight_conversion
from transformers.modeling_utils import LoadStateDictConfig

from mmst.errors import ModelError, first_line
from mmst.training.broken import quiet_bars
from mmst.training.checkpoint import tensor_names

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")


def stored_tensors(folder: Path) -> dict[str, Any]:
    """The tensors of a folder by their names there, each read when it is asked for a part (`[...]`).

    Raises:
        ModelError: there are none, or a file of them is damaged.
    """
    files = _files(folder)
    found: dict[str, Any] = {}
    for file in files:
        try:
            if file.suffix == ".safetensors":
                opened: Any = safe_open(file, framework="pt", device="cpu")
                found.update({name: opened.get_slice(name) for name in opened.keys()})  # noqa: SIM118
            else:
                found.update(torch.load(file, map_location="cpu", weights_only=True, mmap=True))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"model: {file} does not load: {first_line(error)}") from error
    return found


def _files(folder: Path) -> list[Path]:
    for name in INDEXES:
        if (folder / name).is_file():
            return sorted({folder / file for file in json.loads((folder / name).read_text())["weight_map"].values()})
    for pattern in ("model.safetensors", "*.safetensors", "pytorch_model*.bin"):
        if files := sorted(folder.glob(pattern)):
            return files
    raise ModelError(f"model: {folder} has no weights (*.safetensors).")


def as_loaded(model: PreTrainedModel, folder: Path) -> None:
    """Let a model without memory know how the folder's names became its own, which `as_saved` undoes."""
    stored = stored_tensors(folder)
    shapes = {name: torch.empty(_shape(part), dtype=model.dtype, device="meta") for name, part in stored.items()}
    _load(model, shapes, torch.device("meta"), conversions(model))
    model.tie_weights()


def as_saved(model: PreTrainedModel, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the model's names -> as a folder holds them."""
    return dict(revert_weight_conversion(model, dict(tensors)))


def groups(names: Iterable[str]) -> list[list[str]]:
    """Names that are converted together: those of one block, and those outside all blocks."""
    found: dict[str, list[str]] = {}
    for name in names:
        block = re.match(r"(.*?\.)?\d+\.", name)
        found.setdefault(block.group() if block else "", []).append(name)
    return list(found.values())


def conversions(model: PreTrainedModel) -> list[Any]:
    """How transformers converts a folder's tensors for this model; asked before sharding, which renames its class."""
    return list(get_model_conversion_mapping(model, None, None))


def fill(model: PreTrainedModel, folder: Path, device: torch.device, how: Sequence[Any]) -> None:
    """Fill a model, whose parameters may be sharded over processes: each reads its own part, a block at a time.

    `how`: its `conversions`.

    Raises:
        ModelError: names the tensors that the folder lacks, or that have another shape there.
    """
    stored = stored_tensors(folder)
    own = dict(model.named_parameters())
    missing = set(own) | (set(model.state_dict()) - {name for name, _ in model.named_parameters(remove_duplicate=False)})
    wrong: set[str] = set()
    for names in groups(stored):
        info = _load(model, {name: stored[name] for name in names}, device, how)
        wrong |= {key[0] for key in info.mismatched_keys}
        missing &= set(info.missing_keys)
        _into(model, own)
    ignored = [re.compile(pattern) for pattern in model._keys_to_ignore_on_load_missing or ()]
    wrong |= {name for name in missing if not any(pattern.search(name) for pattern in ignored)}
    if wrong:
        raise ModelError(f"model: {folder} does not fit its own configuration: {tensor_names(wrong)}.")


def _load(model: PreTrainedModel, tensors: dict[str, Any], device: torch.device, how: Sequence[Any]) -> Any:
    fresh = copy.deepcopy(list(how))  # they remember what they matched
    config = LoadStateDictConfig(dtype=model.dtype, device_map={"": device}, weight_mapping=fresh)
    with quiet_bars():
        return convert_and_load_state_dict_in_model(model, tensors, config)[0]


def _into(model: PreTrainedModel, own: Mapping[str, Tensor]) -> None:
    """Put what was loaded beside the parameters that a strategy knows into them."""
    for name, parameter in own.items():
        module = model.get_submodule(name.rpartition(".")[0])
        loaded = getattr(module, name.rpartition(".")[2])
        if loaded is not parameter:
            with torch.no_grad():
                parameter.copy_(loaded)
            setattr(module, name.rpartition(".")[2], parameter)


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(part.shape) if isinstance(part, Tensor) else tuple(part.get_shape())
