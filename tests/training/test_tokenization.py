"""What is trained on is what would be sampled, by the tokenizers of all families."""

import copy
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from mmst.errors import ModelError
from mmst.methods.boundary import boundary_of
from mmst.methods.chat import ChatTemplate
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.methods.reasoning import split_reasoning
from mmst.training.checkpoint import load_tokenizer
from mmst.training.tokenization import (
    completion_text,
    encode_prompt,
    example_tokens,
    prompt_tokens,
    refuse_unknown,
    turn_end,
)
from mmst.types import Example, Message, Problem, Prompt
from tests.made_tokenizers import BEGIN, BEGINS, END, FAMILIES, JOINED_BREAK, TURN, made_tokenizer

FORMATS = {
    "text": PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", shots=1),
    "code": PromptFormat(cue="Program:", lead="\n", key="code", instruction="Program.", shots=1),
    "equation": PromptFormat(cue="Equations:", lead="\n", key="equation", shots=0),
}
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] + '\\n' + m['content'] + '<|turn|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant\\n' }}{% endif %}"
)
WORDS = st.text("abdefTh135 .:=+*()$?'\"#\n\té答\u2581<s>/|", min_size=1, max_size=40)


def asked(tokenizer, question, method):
    chat = ChatTemplate.of(tokenizer) if tokenizer.chat_template else None
    return PromptWriter(chat, boundary_of(tokenizer)).solution(Problem("p", question, "1"), FORMATS[method])


def tokens_of(tokenizer, rendering, solution):
    return example_tokens(
        tokenizer,
        Example("e", "x", "p", rendering.text, rendering.lead + solution, rendering.messages, rendering.chat),
    )


@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["plain", "chat"])
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=settings.default.max_examples // 4)
@given(question=WORDS, solution=WORDS, method=st.sampled_from(list(FORMATS)), ends=st.booleans())
@example(question="Why </s>?", solution="It is struck </s> out.", method="text", ends=True)
@example(question="Is it?", solution="def solution():\n    return 5", method="code", ends=False)
def test_prompt_and_completion_make_the_whole_and_the_prompt_is_what_is_sampled_from(
    family, template, question, solution, method, ends
):
    tokenizer = made_tokenizer(family, ends, template)
    rendering, solution = asked(tokenizer, f"Q{question}?", method), f"s{solution}".strip()
    tokens, length = tokens_of(tokenizer, rendering, solution)
    assert tokens[:length] == prompt_tokens(tokenizer, rendering.prompt("p", (0,)))
    whole = Prompt(
        "w", rendering.text + rendering.lead + solution, (), (), (*rendering.messages, Message("assistant", solution))
    )
    if template is None:
        assert tokens[:-1] == prompt_tokens(tokenizer, whole)
    end, others = tokens[-1], tokens[:-1]
    assert end == tokenizer.convert_tokens_to_ids(TURN if template else END)
    assert tokenizer.convert_tokens_to_ids(END) not in others
    turns = others.count(tokenizer.convert_tokens_to_ids(TURN))
    assert turns == (len(rendering.messages) if template else 0)
    assert others.count(tokenizer.convert_tokens_to_ids(BEGIN)) == (1 if template or family in BEGINS else 0)
    said = tokenizer.decode(tokens[length:-1]).replace("\u2581", " ")
    assert said.strip() == (rendering.lead + solution).replace("\u2581", " ").strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_program_begins_without_a_space_that_it_does_not_have(family):
    tokenizer = made_tokenizer(family)
    tokens, length = tokens_of(tokenizer, asked(tokenizer, "How many?", "code"), "def solution():")
    pieces = tokenizer.convert_ids_to_tokens(tokens[length:])
    assert not pieces[0].startswith(("▁", "Ġ"))
    joined = "".join(pieces).replace("<0x0A>", "\n").replace("Ċ", "\n")
    assert joined.startswith("def" if family in JOINED_BREAK else "\ndef")


@pytest.mark.parametrize("cue", ["Program:", "Equations:"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_line_break_that_shares_a_token_with_the_cue_is_the_prompts(family, cue):
    boundary = boundary_of(made_tokenizer(family))
    assert boundary(cue, "\n") == (family in JOINED_BREAK)
    assert boundary("Answer:", " ") == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stated_answer_keeps_its_space_in_one_token(family):
    tokenizer = made_tokenizer(family)
    tokens, length = tokens_of(tokenizer, asked(tokenizer, "How many?", "text"), "The answer is 12.")
    assert tokenizer.convert_ids_to_tokens(tokens[length])[1:].startswith("The")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tokenizer_that_ends_texts_ends_no_prompt_and_a_completion_once(family):
    tokenizer = made_tokenizer(family, ends=True)
    tokens, length = tokens_of(tokenizer, asked(tokenizer, "How many?", "text"), "It is 5.")
    assert tokens.count(tokenizer.eos_token_id) == 1
    assert tokens[length - 1] != tokenizer.eos_token_id == tokens[-1]


@pytest.mark.parametrize("text", [f"{BEGIN}user", f"\n {BEGIN}user", "user"])
@pytest.mark.parametrize("family", BEGINS)
def test_the_beginning_stands_once_whoever_writes_it(family, text):
    tokenizer = made_tokenizer(family)
    tokens = encode_prompt(tokenizer, text, chat=True)
    assert tokens.count(tokenizer.bos_token_id) == 1
    assert encode_prompt(tokenizer, text) == tokens


def test_a_text_that_begins_with_a_special_token_is_taken_for_a_templates():
    tokenizer = made_tokenizer("qwen")
    turn = tokenizer.convert_tokens_to_ids(TURN)
    assert encode_prompt(tokenizer, f"{TURN}user")[0] == turn
    assert turn not in encode_prompt(tokenizer, f"a {TURN}user")
    assert turn not in encode_prompt(tokenizer, f"{TURN}user", chat=False)


def test_two_first_tokens_that_a_template_writes_are_not_added_again():
    from tokenizers import processors

    tokenizer = made_tokenizer("gpt2", template="{{ '<s><|turn|>' }}")
    first = [tokenizer.convert_tokens_to_ids(token) for token in (BEGIN, TURN)]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} {TURN} $A", special_tokens=[(BEGIN, first[0]), (TURN, first[1])]
    )
    assert encode_prompt(tokenizer, f"{BEGIN}{TURN}user", chat=True)[:3] == [
        *first,
        *tokenizer.encode("u", add_special_tokens=False),
    ]
    assert encode_prompt(tokenizer, "user", chat=False)[:2] == first


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_in_a_question_are_characters_and_the_templates_are_tokens(family):
    tokenizer = made_tokenizer(family, template=TEMPLATE)
    rendering = asked(tokenizer, f"What does {BEGIN}5{END} mean, or {TURN}?", "equation")
    tokens = prompt_tokens(tokenizer, rendering.prompt("p", (0,)))
    assert tokens.count(tokenizer.bos_token_id) == 1
    assert tokens.count(tokenizer.eos_token_id) == 0
    assert tokens.count(tokenizer.convert_tokens_to_ids(TURN)) == len(rendering.messages)
    assert f"{BEGIN}5{END} mean, or {TURN}?" in tokenizer.decode(tokens)


def test_a_completion_that_a_token_would_straddle_is_trained_on_from_where_it_would_be_sampled():
    tokenizer = made_tokenizer("qwen")
    tokens, length = example_tokens(tokenizer, Example("e", "x", "p", "Program:", "\ndef"))
    assert tokens[:length] == encode_prompt(tokenizer, "Program:")
    assert tokenizer.decode(tokens[length:-1]) == "\ndef"


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (TEMPLATE, TURN),
        ("{% for m in messages %}{{ m['content'] + eos_token }}{% endfor %}", END),
        ("{% for m in messages %}{{ m['content'] + '\n' }}{% endfor %}", None),
        ("{{ raise_exception('no') }}", None),
        (f"{{% if messages[0]['role'] != 'system' %}}{{{{ raise_exception('no') }}}}{{% endif %}}{TEMPLATE}", TURN),
        ("{% for m in messages %}{{ m['content'] + ('' if loop.last else '<|turn|>') }}{% endfor %}", TURN),
        (None, None),
    ],
)
def test_a_reply_ends_as_the_template_ends_it(template, end):
    found = turn_end(made_tokenizer("qwen", template=template))
    assert found == (end and made_tokenizer("qwen").convert_tokens_to_ids(end))


def by_flag(folder, family, template, marks=(TURN,)):
    """A tokenizer whose marks are special by their flag alone, as those of Gemma 3, Phi 3 and Llama 3 are."""
    made = copy.deepcopy(made_tokenizer(family, template=template))
    made.add_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    made.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"extra_special_tokens": []}))
    return load_tokenizer(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_marks_of_turns_that_are_special_by_their_flag_alone_end_replies_and_are_characters_in_texts(tmp_path, family):
    tokenizer = by_flag(tmp_path, family, TEMPLATE)
    turn = tokenizer.convert_tokens_to_ids(TURN)
    assert TURN not in tokenizer.all_special_tokens
    assert turn_end(tokenizer) == turn
    rendering = asked(tokenizer, f"What is {TURN} in a text?", "text")
    tokens, length = tokens_of(tokenizer, rendering, f"It is {TURN} there.")
    assert tokens[:length].count(turn) == len(rendering.messages)
    assert (tokens[-1], tokens[length:].count(turn)) == (turn, 1)


def test_a_turn_may_end_in_an_added_token_without_a_flag(tmp_path):
    made = copy.deepcopy(made_tokenizer("qwen", template=TEMPLATE.replace(TURN, "<|over|>")))
    made.add_tokens([AddedToken("<|over|>", special=False, normalized=False)])
    assert turn_end(made) == made.convert_tokens_to_ids("<|over|>")


def test_a_tokenizer_that_takes_names_for_characters_gives_a_template_its_tokens(tmp_path):
    made_tokenizer("gemma", template=TEMPLATE).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"split_special_tokens": True}))
    tokenizer = load_tokenizer(tmp_path)
    rendering = asked(tokenizer, "How many?", "text")
    tokens = prompt_tokens(tokenizer, rendering.prompt("p", (0,)))
    assert tokens.count(tokenizer.convert_tokens_to_ids(TURN)) == len(rendering.messages)


def test_a_system_message_that_stands_in_the_last_turn_leaves_earlier_questions_characters():
    last = (
        "{% for m in messages if m['role'] != 'system' %}{% if loop.last %}{{ messages[0]['content'] + ' ' }}{% endif %}"
        "{{ m['content'] + '<|turn|>' }}{% endfor %}"
    )
    tokenizer = made_tokenizer("qwen", template=last)
    turns = [Message("system", "Think of it."), Message("user", f"Is {TURN} a 1?"), Message("assistant", "No."),
             Message("user", f"Is {END} a 2?")]  # fmt: skip
    text = tokenizer.apply_chat_template([{"role": m.role, "content": m.content} for m in turns], tokenize=False)
    tokens = encode_prompt(tokenizer, text, chat=True, messages=turns)
    assert tokens.count(tokenizer.convert_tokens_to_ids(TURN)) == 3
    assert tokens.count(tokenizer.eos_token_id) == 0


@pytest.mark.parametrize(
    ("marks", "wrote"),
    [
        (("[THINK]", "[/THINK]"), "[THINK]2 + 3[/THINK]It is 5."),
        (("<|START_THINKING|>", "<|END_THINKING|>"), "<|START_THINKING|>2 + 3<|END_THINKING|>It is 5."),
        (("<|channel>", "<channel|>"), "<|channel>thought\n2 + 3<channel|>It is 5."),
        (
            ("<|channel|>", "<|message|>", "<|start|>", "<|end|>"),
            "<|channel|>analysis<|message|>2 + 3<|end|><|start|>assistant<|channel|>final<|message|>It is 5.",
        ),
    ],
    ids=["Magistral", "Command A", "Gemma 4", "gpt-oss"],
)
def test_marks_of_reasoning_that_are_special_tokens_stay_in_what_a_model_wrote(tmp_path, marks, wrote):
    tokenizer = by_flag(tmp_path, "qwen", TEMPLATE, (TURN, *marks))
    tokens = tokenizer.encode(wrote, add_special_tokens=False)
    assert set(tokenizer.convert_tokens_to_ids(list(marks))) <= set(tokens)
    assert completion_text(tokenizer, [tokenizer.bos_token_id, *tokens]) == wrote
    assert split_reasoning(wrote)[1] == "It is 5."
    rendering = asked(tokenizer, "2 + 3?", "text")
    whole, length = tokens_of(tokenizer, rendering, wrote)
    assert whole[length:-1] == tokens


def test_what_a_model_wrote_has_no_special_tokens():
    tokenizer = made_tokenizer("qwen")
    tokens = tokenizer.encode(f"It is{TURN} 5.{END}", add_special_tokens=False)
    assert completion_text(tokenizer, tokens) == "It is 5."


def test_a_token_that_a_model_has_no_embedding_of_is_named_and_one_that_no_text_has_is_no_matter():
    tokenizer = made_tokenizer("qwen")
    tokens = encode_prompt(tokenizer, "Is it?")
    refuse_unknown(tokenizer, [tokens], max(tokens) + 1)
    with pytest.raises(ModelError, match=rf"is token {max(tokens)}, and the model has embeddings of {max(tokens)}; take the"):
        refuse_unknown(tokenizer, [tokens], max(tokens))
