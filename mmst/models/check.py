"""A model, examined before anything is spent on it: does it load, say where texts end, sample, train and save as it should?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmst.errors import UserError
from mmst.samplers.hf import HFSampler
from mmst.samplers.lengths import positions
from mmst.samplers.sampler import SamplingParams
from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.training.convert import convert
from mmst.training.loss import CompletionLoss
from mmst.training.tokenization import encode_prompt
from mmst.types import Prompt

SHARED = "Question: Ana has 3 bags of 4 nuts. How many nuts is that?\nAnswer: That is 3 * 4 = 12. The answer is 12.\n\n"
QUESTIONS = (
    "Question: What is 2 + 3?\nAnswer:",
    "Question: Bo had 9 cups and gave 4 of them away. How many are left?\nAnswer:",
    "Question: How many legs do 6 spiders have?\nAnswer:",
    "Question: A pen is 3 euros. How much are 7 pens, and a book of 5 euros?\nAnswer:",
)
NEW = 16
"""Tokens of a greedy row."""
CLOSE = 1e-3
"""Largest difference of logits, in their standard deviations, between a model in fp32 and its saved folder."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    ok: bool
    sentence: str
    """What was seen; where it is not as it should be, what to do."""


def examined(folder: Path, prompts: Sequence[str] = (), max_tokens: int = 256) -> Iterator[Finding]:
    """Findings as they come; where a model does not load, no more than that.

    `prompts`: texts that will be sampled from, of which the longest must leave room for `max_tokens`.
    """
    try:
        tokenizer = load_tokenizer(folder)
        model: Any = load_model(folder, "float32").eval()
    except UserError as error:
        yield Finding("loads", False, str(error))
        return
    yield Finding("loads", True, f"{model.num_parameters() / 1e6:,.1f} M parameters, {model.config.model_type}")
    yield _template(tokenizer)
    yield _specials(tokenizer)
    yield _positions(model, tokenizer, [*prompts, *(SHARED + text for text in QUESTIONS)], max_tokens)
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("samples", lambda: _samples(folder, model, tokenizer)),
        ("trains", lambda: _trains(model, tokenizer)),
        ("saves", lambda: _saves(folder, model, tokenizer)),
    ]
    for name, look in checks:
        try:
            yield look()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a model's code raises is what is to be found out
            yield Finding(name, False, f"{type(error).__name__}: {error}".splitlines()[0][:300])


def _template(tokenizer: Any) -> Finding:
    if not getattr(tokenizer, "chat_template", None):
        return Finding("template", True, "none: prompts are plain texts")
    mark = "How many nuts are 3 bags of 4?"
    try:
        text = tokenizer.apply_chat_template([{"role": "user", "content": mark}], tokenize=False, add_generation_prompt=True)
    except Exception as error:  # templates are programs, and raise what they like
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Finding("template", False, f"its chat template fails ({said}); set model.chat=false")
    if mark not in text:
        return Finding("template", False, "its chat template leaves the question out; set model.chat=false")
    return Finding("template", True, f"its chat template makes {len(text)} characters of a question of {len(mark)}")


def _specials(tokenizer: Any) -> Finding:
    ids = encode_prompt(tokenizer, "A text:")
    begins, ends = tokenizer.bos_token_id, tokenizer.eos_token_id
    said = f"begins with {tokenizer.bos_token!r}, ends with {tokenizer.eos_token!r}"
    if begins is not None and begins != ends and ids.count(begins) > 1:
        return Finding("BOS and EOS", False, f"{said}; a prompt begins twice: take add_bos_token out of tokenizer_config.json")
    if ids and ids[-1] == ends:
        return Finding("BOS and EOS", False, f"{said}; a prompt ends in EOS: take add_eos_token out of tokenizer_config.json")
    return Finding("BOS and EOS", True, said)


def _positions(model: Any, tokenizer: Any, prompts: Sequence[str], max_tokens: int) -> Finding:
    most = positions(model.config)
    longest = max(len(encode_prompt(tokenizer, prompt)) for prompt in prompts)
    said = (
        f"the longest prompt has {longest} tokens, with {max_tokens} to come; the model has {most or 'no limit of'} positions"
    )
    fits = most is None or longest + max_tokens <= most
    return Finding("positions", fits, said if fits else f"{said}: lower model.shots or model.max_tokens")


@torch.inference_mode()
def _samples(folder: Path, model: Any, tokenizer: Any) -> Finding:
    sampler = HFSampler(batch_size=4, device="cpu", dtype="float32")
    sampler.load(folder)
    prompts = [Prompt(str(n), SHARED + text, (n,)) for n, text in enumerate(QUESTIONS)]
    found = [group[0].text for group in sampler.complete(prompts, SamplingParams(0, max_tokens=NEW))]
    different = [n for n, prompt in enumerate(prompts) if found[n] != _generated(model, tokenizer, prompt.text)]
    said = f"{len(prompts) - len(different)} of {len(prompts)} greedy rows behind a shared prefix equal generate's"
    return Finding("samples", not different, said if not different else f"{said}; use sampler=vllm, and tell us of the model")


def _generated(model: Any, tokenizer: Any, text: str) -> str:
    ids = torch.tensor([encode_prompt(tokenizer, text)])
    ends = model.generation_config.eos_token_id
    listed = [end for end in [*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id] if end is not None]
    plain = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0}
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, eos_token_id=listed, **plain)
    return str(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))


def _trains(model: Any, tokenizer: Any) -> Finding:
    prompts = [encode_prompt(tokenizer, text) for text in QUESTIONS]
    tokens = [(*ids, *tokenizer.encode(" 5", add_special_tokens=False), tokenizer.eos_token_id) for ids in prompts]
    rows = [TokenRow(str(n), "", row, len(prompts[n])) for n, row in enumerate(tokens)]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    model.train()
    loss = CompletionLoss(model)(collate([(row,) for row in rows], pad)).mean()
    loss.backward()
    finite = bool(loss.isfinite()) and all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
    model.zero_grad()
    model.eval()
    return Finding("trains", finite, f"the loss of a step is {loss.item():.3f}" + ("" if finite else "; train in fp32"))


@torch.no_grad()
def _saves(folder: Path, model: Any, tokenizer: Any) -> Finding:
    with tempfile.TemporaryDirectory() as place:
        state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        torch.save({"state_dict": state}, Path(place) / "end.ckpt")
        convert(Path(place) / "end.ckpt", folder, Path(place) / "saved")
        again: Any = load_model(Path(place) / "saved", "float32").eval()
    ids = torch.tensor([encode_prompt(tokenizer, QUESTIONS[0])])
    before = model(input_ids=ids, use_cache=False).logits
    apart = float((again(input_ids=ids, use_cache=False).logits - before).abs().max() / before.std())
    said = f"a saved folder loads again, its logits {apart:.1g} standard deviations apart"
    return Finding("saves", apart <= CLOSE, said if apart <= CLOSE else f"{said}; do not train it, and tell us of the model")
