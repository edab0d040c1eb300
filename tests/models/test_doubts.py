import json
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from mmst.methods.boundary import boundary_of
from mmst.methods.chat import ChatTemplate
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.models.doubts import doubts
from mmst.training.checkpoint import load_tokenizer
from mmst.types import Problem
from tests.families.table import config_of
from tests.made_tokenizers import FAMILIES, made_tokenizer

FORMATS = {
    "text": PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", shots=1, stop=("\nQuestion:",)),
    "code": PromptFormat(cue="Program:", lead="\n", key="code", instruction="Program.", shots=1, stop=("\n\nQuestion:",)),
}
PROBLEMS = [Problem("s", "1 + 1?", "2"), Problem("l", "How many nuts are 3 bags of 4?", "12")]
TURNS = "{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] + '<|turn|>' }}{% endfor %}[assistant]"


def found(tokenizer, writer=None, problems=PROBLEMS, max_tokens=16, **config):
    described = config_of("llama", len(tokenizer))
    for key, value in {"max_position_embeddings": 4096, **config}.items():
        setattr(described, key, value)
    writer = writer or PromptWriter(None, boundary_of(tokenizer))
    return list(doubts(tokenizer, described, writer, FORMATS, problems, max_tokens))


@pytest.mark.parametrize("template", [None, TURNS], ids=["plain", "chat"])
@pytest.mark.parametrize("family", FAMILIES)
def test_of_a_sound_model_nothing_is_said(family, template):
    tokenizer = made_tokenizer(family, template=template)
    chat = ChatTemplate.of(tokenizer) if template else None
    assert found(tokenizer, PromptWriter(chat, boundary_of(tokenizer))) == []


def test_the_longest_prompt_must_leave_room():
    tokenizer = made_tokenizer("qwen")
    long = [*PROBLEMS, Problem("x", "How many nuts are there? " * 60, "2"), *PROBLEMS]
    (said,) = found(tokenizer, problems=long, max_position_embeddings=400)
    assert said.startswith("the longest prompt, by ")
    assert said.endswith("with 16 to come, and the model has 400 positions; lower model.shots or model.max_tokens")
    assert not found(tokenizer, problems=long, max_position_embeddings=4000)
    assert not found(tokenizer, problems=[], max_position_embeddings=4)


def test_a_token_without_an_embedding_is_named():
    tokenizer = made_tokenizer("qwen")
    (said,) = found(tokenizer, vocab_size=tokenizer.eos_token_id)
    assert "'</s>' is token 2, and the model has embeddings of 2" in said


def test_a_reply_that_no_special_token_ends_is_told():
    tokenizer = made_tokenizer("qwen", template=TURNS.replace("<|turn|>", "\\n"))
    (said,) = found(tokenizer, PromptWriter(ChatTemplate.of(tokenizer), boundary_of(tokenizer)))
    assert "ends a reply with no special token" in said


def test_a_prompt_that_ends_within_a_token_is_told_by_its_method():
    tokenizer = made_tokenizer("qwen")
    (said,) = found(tokenizer, PromptWriter())
    assert said.startswith("prompts by code end within a token")


def test_a_tokenizer_without_line_breaks_cannot_stop_at_them():
    raw = Tokenizer(models.WordLevel({"[UNK]": 0, "</s>": 1, "Question": 2, ":": 3}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]", eos_token="</s>")
    said = found(tokenizer, PromptWriter())
    assert any("cannot write '\\n\\nQuestion:', where completions by code stop" in sentence for sentence in said)


def test_a_tokenizer_that_changes_letters_is_told(tmp_path):
    made_tokenizer("qwen").save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(settings | {"normalizer": {"type": "Lowercase"}}))
    said = found(load_tokenizer(tmp_path))
    assert any(one.startswith("the tokenizer makes 'the answer is 12.' of 'The answer is 12.'") for one in said)


def test_a_template_that_ends_the_text_before_the_reply_is_told_by_each_method():
    tokenizer = made_tokenizer("qwen", template=f"{TURNS}{{{{ eos_token }}}}")
    said = found(tokenizer, PromptWriter(ChatTemplate.of(tokenizer), boundary_of(tokenizer)))
    assert [sentence.partition(",")[0] for sentence in said] == [
        "prompts by text end in '</s>'", "prompts by code end in '</s>'",
    ]  # fmt: skip


def test_a_model_without_a_limit_of_positions_has_none():
    tokenizer = made_tokenizer("gpt2")
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=len(tokenizer)))
    assert not list(doubts(tokenizer, config, PromptWriter(None, boundary_of(tokenizer)), FORMATS, PROBLEMS, 16))
