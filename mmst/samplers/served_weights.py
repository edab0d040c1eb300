"""New weights for a server that is at work, so that rounds can sample from what was just trained.

Each way loads a checkpoint by its folder, which the server must see under the same path, and then asks the server what it
answers from: SGLang tells the folder, a list of models tells an adapter's name, and with vLLM's own weights the
log-probabilities of a fixed text must have changed.
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from mmst.errors import ConfigError, EngineError, ModelError
from mmst.samplers.secrets import masked_address
from mmst.training.checkpoint import adapted_base, content_hash, refuse_adapters

WAYS = ("sglang", "vllm", "lora")
FIXED_TEXT = "Question: How many are 2 and 3?\nAnswer:"
FIXED_TOKENS = 8


class ServedWeights:
    """The weights of one server.

    Args:
        way: `sglang` (`/update_weights_from_disk`), `vllm` (`/collective_rpc`, a server with VLLM_SERVER_DEV_MODE=1) or `lora`
            (`/load_lora_adapter`, a vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1).
        base_url: of OpenAI's protocol, such as http://localhost:8000/v1.
        model: what the server calls the model that it was started with.
        timeout: seconds that loading may take.
        api_key: sent with each request.
    """

    def __init__(self, way: str, base_url: str, model: str | None, timeout: float, api_key: str) -> None:
        if way not in WAYS:
            raise ConfigError(f"sampler.weights={way} must be one of {', '.join(WAYS)}, or null.")
        if model is None:
            raise ConfigError(
                f"sampler.weights={way}: sampler.model must be what the server calls the model that it started with."
            )
        self.way, self.base_url, self.model = way, base_url.rstrip("/"), model
        self.root = self.base_url.removesuffix("/v1")
        self.timeout, self.api_key = timeout, api_key
        self._loaded = ""
        """The hash of the checkpoint that the server answers from; empty where that is not known."""
        self._told: Path | None = None
        """The folder that vLLM was last told to load: before the first one nobody knows what it answers from."""
        self._keys: dict[Path, str] = {}
        """Folder -> its hash, which takes a while to find."""

    def load(self, checkpoint: Path) -> str:
        """Let the server answer from a checkpoint; returns the name to ask it for.

        Raises:
            EngineError: the server refuses, or answers from other weights.
            ModelError: the checkpoint is adapters alone, and this way loads whole models, or the other way round.
        """
        folder = checkpoint.absolute()
        key = self._keys.get(folder) or self._keys.setdefault(folder, content_hash(folder))
        if self.way == "lora":
            return self._adapter(folder, key)
        refuse_adapters(checkpoint, f"sampler.weights={self.way}")
        if key != self._loaded:
            self._loaded = ""
            (self._sglang if self.way == "sglang" else self._vllm)(folder)
            self._loaded = key
        return self.model

    def _sglang(self, folder: Path) -> None:
        told = self._ask(f"{self.root}/update_weights_from_disk", {"model_path": str(folder), "flush_cache": True})
        if not told.get("success", False):
            raise EngineError(f"sampler: {self._shown} did not load {folder}: {told.get('message', told)}.")
        found = self._ask(f"{self.root}/get_model_info").get("model_path")
        if found != str(folder):
            raise EngineError(f"sampler: {self._shown} answers from {found}, and not from {folder}.")

    def _vllm(self, folder: Path) -> None:
        before = self._fingerprint()
        self._ask(f"{self.root}/collective_rpc", {"method": "reload_weights", "kwargs": {"weights_path": str(folder)}})
        self._ask(f"{self.root}/reset_prefix_cache", {})
        if self._fingerprint() == before and self._told is not None and self._told != folder:
            raise EngineError(
                f"sampler: {self._shown} answers a fixed text with the same log-probabilities as before it loaded {folder}; "
                "it did not take the weights."
            )
        self._told = folder

    def _adapter(self, folder: Path, key: str) -> str:
        if adapted_base(folder) is None:
            if self._loaded not in ("", key):
                raise ModelError(
                    f"sampler.weights=lora: {folder} is a whole model, and the server has only the one that it started with; "
                    "train adapters by trainer.options.lora=16 trainer.options.merge=false."
                )
            self._loaded = key
            return self.model
        name = f"mmst-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        if name not in self._names():
            self._ask(f"{self.base_url}/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
            if name not in self._names():
                raise EngineError(f"sampler: {self._shown} does not list the adapters of {folder} after it loaded them.")
        return name

    def _names(self) -> set[str]:
        return {str(model.get("id")) for model in self._ask(f"{self.base_url}/models").get("data", [])}

    def _fingerprint(self) -> str:
        """What the server answers to a fixed text, with its log-probabilities."""
        body = {"model": self.model, "prompt": FIXED_TEXT, "max_tokens": FIXED_TOKENS, "temperature": 0.0, "logprobs": 1}
        choice = self._ask(f"{self.base_url}/completions", body).get("choices", [{}])[0]
        return json.dumps([choice.get("text"), (choice.get("logprobs") or {}).get("token_logprobs")])

    @property
    def _shown(self) -> str:
        return masked_address(self.base_url)

    def _ask(self, address: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A reply that is an object; {} for any other. With a body it is a POST."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.api_key}"}
        request = urllib.request.Request(address, data, headers)
        place = address.removeprefix(self.root)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                text = reply.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            said = " ".join(error.read().decode("utf-8", "replace").split())[:300]
            hint = WANTS.get(self.way, "") if error.code == 404 else ""
            raise EngineError(f"sampler: {self._shown} refuses {place} (HTTP {error.code}): {said}{hint}") from error
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            raise EngineError(f"sampler: no server answers at {self._shown}{place} ({reason}).") from error
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


WANTS = {
    "vllm": "; start it with VLLM_SERVER_DEV_MODE=1",
    "lora": "; start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1",
    "sglang": "; is it a server of SGLang?",
}
"""What a server lacks that does not know an address."""
