"""Inputs that were once wrong, each with what is right of it, and where each kind is held.

Held here, in a row or a test of their own: the end of a prompt where a cue and its line break are one token (Qwen, Llama 3);
programs that begin beside the margin; a first `▁` of no text; ends and beginnings of sequence that a tokenizer adds;
names of special tokens in texts; a tokenizer's files in a model's hash; names of tensors in a trained folder; templates of
parts, with errors, with reasoning, with a date; half a GGUF file; a disk that is full while a folder is written; paths
with `~`.

Held elsewhere are the kinds in `ELSEWHERE`, by the tests that are named there.
"""

import errno
import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import LlamaTokenizer, PreTrainedTokenizerFast

from mmst.datasets.jsonl import read_problems
from mmst.errors import ConfigError, DataError, ModelError, UserError
from mmst.ledger.ledger import Ledger
from mmst.methods.boundary import boundary_of
from mmst.methods.chat import DAY, ChatTemplate, chat_of
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.stages.grade_file import Row, graded
from mmst.training.checkpoint import content_hash, hub_checkpoint, load_model, load_tokenizer, save_checkpoint
from mmst.training.convert import convert
from mmst.training.tokenization import encode_prompt, example_tokens, prompt_tokens
from mmst.types import AnswerKind, Example, Problem
from tests.families.table import model_of
from tests.made_tokenizers import BEGIN, END, FAMILIES, JOINED_BREAK, made_tokenizer

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "FSDP2 reads names as they stand": "training/test_stored.py::test_a_folder_is_read_by_parts_as_it_is_read_whole",
    "start in a quantized format": "training/test_stored.py::test_a_quantized_start_becomes_a_plain_folder",
    "LoRA and tied embeddings": "training/test_stored.py::test_adapters_of_one_of_two_tied_embeddings_are_refused",
    "adapters refused before a step": "training/test_fit.py::test_adapters_of_a_tied_output_layer_are_refused_before_any_step",
    "tokenizers of an unknown kind": "training/test_broken.py::test_a_tokenizer_of_an_unknown_kind_is_one_sentence",
    "pointers of Git LFS": "training/test_broken.py::test_a_pointer_of_git_lfs_is_named_with_the_way_out",
    "one prompt too long": "samplers/test_hf.py::test_a_prompt_that_is_too_long_is_a_row_of_its_own",
    "finish reasons of servers": "samplers/test_openai.py::test_servers_have_many_words_for_an_end_and_for_a_limit",
    "one refused request": "samplers/test_openai.py::test_one_refused_prompt_is_a_row_with_its_reason",
    "errors inside a 200 answer": "samplers/test_openai.py::test_an_answer_that_is_none_is_asked_for_again",
    "refused parameters": "samplers/test_openai.py::test_a_parameter_that_a_server_refuses_is_said_with_the_way_out",
    "checkpoints beside their target": "training/test_saving.py::test_a_checkpoint_goes_past_the_folder_for_temporary_files",
    "locks on network disks": "ledger/test_locks.py::test_a_file_system_that_has_neither_is_one_sentence",
    "files from Windows": "datasets/test_jsonl.py::test_answers_are_read_as_data_sets_spell_them",
    "architectures in sampler=hf": "families/test_families.py::test_greedy_rows_equal_generate",
    "names of tensors, of all families": "families/test_families.py::test_a_trained_folder_is_what_save_pretrained_writes",
}  # fmt: skip
TEXT = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", shots=0)
CODE = PromptFormat(cue="Program:", lead="\n", key="code", instruction="Program.", shots=0)
EQUATION = PromptFormat(cue="Equations:", lead="\n", key="equation", shots=0)
ASKED = Problem("s", "How many nuts are 3 bags of 4?", "12")
TURNS = "{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] }}{% endfor %}[assistant]"
PARTS = (
    "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_what_is_held_elsewhere_is_there(test):
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / "tests" / file).read_text()


def asked(tokenizer, form, chat=None):
    return PromptWriter(chat, boundary_of(tokenizer)).solution(ASKED, form)


def example_of(rendering, solution):
    return Example("e", "x", "p", rendering.text, rendering.lead + solution, rendering.messages, rendering.chat)


@pytest.mark.parametrize("form", [CODE, EQUATION], ids=["program", "equations"])
@pytest.mark.parametrize("family", JOINED_BREAK)
def test_a_prompt_ends_in_the_one_token_of_cue_and_line_break(family, form):
    tokenizer = made_tokenizer(family)
    rendering = asked(tokenizer, form)
    tokens = prompt_tokens(tokenizer, rendering.prompt("p", (0,)))
    assert tokenizer.decode(tokens[-1:]) == ":\n"
    whole, length = example_tokens(tokenizer, example_of(rendering, "x = 1"))
    assert (whole[:length], tokenizer.decode(whole[length:-1])) == (tokens, "x = 1")


@pytest.mark.parametrize(
    "program",
    [
        " def solution():\n    return 5",
        " import math\n def solution():\n     return 5",
        "  def solution():\n      x = 2\n\n      return x + 3",
        " x = 2\n def solution():\n     return x + 3",
        "\tdef solution():\n\t    return 5",
        " def solution():\n    x = 2\n    return x + 3\n",
    ],
)
def test_a_program_that_a_model_begins_with_a_space_counts(program):
    assert [row["verdict"] for row in graded([Row(program, "5", AnswerKind.NUMBER, method="code")])] == ["right"]


def llama_class():
    """The tokenizer class of Llama 2, Mistral and TinyLlama, with a small vocabulary."""
    pieces = ["<unk>", BEGIN, END, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"Program:dfThe", "▁T", "▁Th", "▁The"]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    return LlamaTokenizer(vocab=vocabulary, merges=[("▁", "T"), ("▁T", "h"), ("▁Th", "e")])


@pytest.mark.parametrize("family", ["class", *(name for name in FAMILIES if name.startswith("sentencepiece"))])
@pytest.mark.parametrize(
    ("cue", "solution", "first"),
    [("Program:", "\ndef", "<0x0A>"), ("Answer:", " The", "▁The"), ("Equations:", "\nd", "<0x0A>")],
)
def test_no_space_stands_first_that_no_text_has(family, cue, solution, first):
    tokenizer = llama_class() if family == "class" else made_tokenizer(family)
    whole, length = example_tokens(tokenizer, Example("e", "x", "p", f"Is it?\n{cue}", solution))
    assert tokenizer.convert_ids_to_tokens(whole[length]) == first
    assert whole[:length] == encode_prompt(tokenizer, f"Is it?\n{cue}")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_end_that_a_tokenizer_adds_ends_no_prompt_also_once_saved(family, tmp_path):
    made_tokenizer(family, ends=True).save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    rendering = asked(tokenizer, TEXT)
    assert tokenizer.decode(prompt_tokens(tokenizer, rendering.prompt("p", (0,)))[-1:]).endswith(":")
    whole, _ = example_tokens(tokenizer, example_of(rendering, "It is 12."))
    assert whole.count(tokenizer.eos_token_id) == 1


def two_first():
    """A tokenizer that adds two tokens before each text, as ChatGLM's does."""
    words = ["[gMASK]", "<sop>", "[UNK]", "</s>", "user", ":", "hi"]
    raw = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(single="[gMASK] <sop> $A", special_tokens=[("[gMASK]", 0), ("<sop>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="[UNK]", eos_token="</s>", additional_special_tokens=["[gMASK]", "<sop>"]
    )


@pytest.mark.parametrize("before", ["", "\n", " \n"])
def test_beginnings_that_a_template_writes_stand_once(before):
    tokenizer = made_tokenizer("llama3", template=f"{{{{ '{before}' + bos_token }}}}{TURNS}".replace("\n", "\\n"))
    tokens = prompt_tokens(tokenizer, asked(tokenizer, TEXT, ChatTemplate.of(tokenizer)).prompt("p", (0,)))
    assert tokens.count(tokenizer.bos_token_id) == 1
    two = two_first()
    tokens = encode_prompt(two, f"{before}[gMASK]<sop>user: hi", chat=True)
    assert (tokens.count(0), tokens.count(1), tokens[-1]) == (1, 1, 6)
    assert encode_prompt(two, "user: hi", chat=False) == [0, 1, 4, 5, 6]


@pytest.mark.parametrize("family", FAMILIES)
def test_names_of_special_tokens_in_texts_are_characters(family):
    tokenizer = made_tokenizer(family)
    asks = Problem("s", f"What does {BEGIN}5{END} mean in HTML?", "5")
    rendering = PromptWriter(None, boundary_of(tokenizer)).solution(asks, TEXT)
    whole, length = example_tokens(tokenizer, example_of(rendering, f"It is struck {END} out. The answer is 5."))
    assert tokenizer.eos_token_id not in whole[:-1]
    assert tokenizer.bos_token_id not in whole[1:]
    assert f"{END} out. The answer is 5." in tokenizer.decode(whole[length:-1])


@pytest.mark.parametrize("name", ["special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "tokenizer.model"])
def test_another_tokenizer_is_another_model(nano, tmp_path, name):
    shutil.copytree(nano, tmp_path / "model")
    before = content_hash(tmp_path / "model")
    (tmp_path / "model" / name).write_text(json.dumps({"eos_token": "<|im_end|>"}))
    assert content_hash(tmp_path / "model") != before


def test_a_template_is_told_one_day_and_what_it_writes_is_in_the_settings():
    made = [
        ChatTemplate.of(made_tokenizer("gpt2", template=f"{text}{TURNS}")) for text in ("{{ strftime_now('%d %b %Y') }}", "")
    ]
    assert f"{DAY:%d %b %Y}" in asked(made[0].tokenizer, TEXT, made[0]).text
    assert made[0].settings["written"] != made[1].settings["written"]


@pytest.mark.parametrize(
    ("kind", "name"), [("gpt_neox", "embed_out.weight"), ("mixtral", "block_sparse_moe.experts.0.w1.weight")]
)
def test_a_trained_folder_has_the_names_that_others_read(nano, tmp_path, kind, name):
    tokenizer = load_tokenizer(nano)
    save_checkpoint(model_of(kind, len(tokenizer)), tokenizer, tmp_path / "start")
    state = {f"model.{name}": tensor for name, tensor in load_model(tmp_path / "start").state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "end.ckpt")
    convert(tmp_path / "end.ckpt", tmp_path / "start", tmp_path / "trained", shard="20KB")
    index = json.loads((tmp_path / "trained" / "model.safetensors.index.json").read_text())
    assert any(found.endswith(name) for found in index["weight_map"])


def test_a_template_of_parts_holds_the_question():
    tokenizer = made_tokenizer("gpt2", template=PARTS)
    assert ASKED.question in asked(tokenizer, TEXT, ChatTemplate.of(tokenizer)).text


def test_a_template_that_opens_reasoning_has_no_cue_within():
    tokenizer = made_tokenizer("gpt2", template=f"{TURNS}{{{{ '<think>\\n' }}}}")
    assert asked(tokenizer, CODE, ChatTemplate.of(tokenizer)).text.endswith("<think>\n")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('A moon is required') }}", "fails: A moon is required"),
        ("{% if %}", "fails: Expected an expression"),
        ("<|user|><|assistant|>", "leaves out the question"),
    ],
)
def test_a_template_that_cannot_be_used_is_one_sentence(template, said):
    with pytest.raises(ConfigError, match=rf"model\.chat: .*{said}.*set model\.chat=false") as caught:
        chat_of(made_tokenizer("gpt2", template=template), True, {}, None, "")
    assert "\n" not in str(caught.value)


def test_half_a_gguf_file_is_named(tmp_path):
    pytest.importorskip("gguf")
    file = tmp_path / "half.gguf"
    file.write_bytes(b"GGUF\x03\x00\x00\x00" + (7).to_bytes(8, "little") + (2).to_bytes(8, "little") + b"\x09" * 40)
    with pytest.raises(ModelError, match=rf"{file} is cut off or damaged; download it again"):
        hub_checkpoint(str(file), tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
)
def test_a_disk_that_is_full_while_a_model_is_written_is_named(nano, tmp_path, monkeypatch, error):
    state = {f"model.{name}": tensor for name, tensor in load_model(nano).state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "end.ckpt")

    def full(*_, **__):
        raise error

    monkeypatch.setattr("mmst.training.convert.save_file", full)
    with pytest.raises(UserError, match=rf"no space is left on the device of {tmp_path / 'trained'}"):
        convert(tmp_path / "end.ckpt", nano, tmp_path / "trained")
    assert not [path for path in tmp_path.iterdir() if path.name != "end.ckpt"]


def test_a_path_with_a_tilde_is_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Ledger(Path("~/x")).root == tmp_path / "x"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_no_answer(tmp_path, value):
    rows = [{"question": "q", "answer": 1}, {"question": "r", "answer": value}]
    (tmp_path / "test.jsonl").write_text("\ufeff" + "\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="line 2"):
        read_problems(str(tmp_path / "test.jsonl"), "test")
