"""Tokenizers of the families that people's models have, trained here on a few lines."""

from __future__ import annotations

from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

BEGIN, END, TURN = "<s>", "</s>", "<|turn|>"
SPECIAL = ["<unk>", BEGIN, END, TURN]
LINES = [
    "Question: Ana has 3 bags of 4 nuts. How many nuts is that?\nAnswer: The total is 3 * 4 = 12. The answer is 12.",
    "Question: There are 7 parrots and 5 crows.\nProgram:\ndef solution():\n    birds = 7 + 5\n    return birds",
    "Question: A crate holds 9 melons.\nEquations:\nmelons = 9 * 4\nanswer = melons",
] * 40  # fmt: skip
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{REST}"
LLAMA_3 = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{REST}"
BEGINS = ("llama3", "sentencepiece_legacy", "sentencepiece_first", "gemma")
"""Families that add a beginning of sequence."""
FAMILIES = ("gpt2", "qwen", "llama3", "sentencepiece_legacy", "sentencepiece_first", "sentencepiece_never", "gemma")
JOINED_BREAK = ("qwen", "llama3")
"""Families with one token for `:` and a line break."""


@cache
def made_tokenizer(family: str, ends: bool = False, template: str | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer of a family. `ends`: it adds an end of sequence too; `template`: its chat template."""
    raw = _byte_level(family) if family in ("gpt2", *JOINED_BREAK) else _sentencepiece(family)
    first = f"{BEGIN} " if family in BEGINS else ""
    if first or ends:
        raw.post_processor = processors.TemplateProcessing(
            single=f"{first}$A{f' {END}' if ends else ''}", special_tokens=[(BEGIN, 1), (END, 2)]
        )
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", bos_token=BEGIN, eos_token=END, additional_special_tokens=[TURN]
    )
    made.chat_template = template
    return made


def _byte_level(family: str) -> Tokenizer:
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    pattern = {"qwen": QWEN, "llama3": LLAMA_3}.get(family)
    split = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [*split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not pattern)]
    )
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    raw.train_from_iterator(LINES, trainer)
    return raw


def _sentencepiece(family: str) -> Tokenizer:
    """Byte fallback and `▁` for spaces, merged within words as SentencePiece does."""
    bytes_of = [f"<0x{byte:02X}>" for byte in range(256)]
    raw = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "removed"), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=[*SPECIAL, *bytes_of], show_progress=False)
    raw.train_from_iterator([line.replace("\n", " ") for line in LINES], trainer)
    spaces = normalizers.Replace(" ", "▁")
    if family == "sentencepiece_legacy":
        raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces])
        raw.pre_tokenizer = None
    elif family == "gemma":
        raw.normalizer, raw.pre_tokenizer = spaces, pre_tokenizers.Split(" ", "merged_with_previous")
    else:
        scheme = family.removeprefix("sentencepiece_")
        raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    strip = [] if family in ("gemma", "sentencepiece_never") else [decoders.Strip(" ", 1, 0)]
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    return raw
