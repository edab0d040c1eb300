"""Chat templates of all manners, and what is refused of them."""

import copy
import re

import pytest

from mmst.errors import ConfigError
from mmst.methods.boundary import boundary_of
from mmst.methods.chat import DAY, ChatTemplate, ServedChat, chat_of
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.types import Problem
from tests.made_tokenizers import made_tokenizer

ASKED = Problem("s", "1 + 1?", "2")
TEXT = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.")
CODE = PromptFormat(cue="Program:", lead="\n", key="code", instruction="Program.", solution_name="program", stop=("\n\n",))
TURNS = "{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] + eos_token }}{% endfor %}"
REPLY = "{% if add_generation_prompt %}[assistant]{% endif %}"
PART = "{% for p in m['content'] if p['type'] == 'text' %}{{ p['text'] }}{% endfor %}"
PARTS = "{% for m in messages %}[{{ m['role'] }}]" + PART + "{% endfor %}"
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TURNS
NEEDS_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}{{ raise_exception('A system message is required') }}{% endif %}" + TURNS
)
DROPS_SYSTEM = "{% for m in messages if m['role'] != 'system' %}{{ '[' + m['role'] + ']' + m['content'] }}{% endfor %}"
THINKS = TURNS + "[assistant]{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"
DATED = "{{ 'Today: ' + strftime_now('%d %b %Y') }}" + TURNS


def asked(template, form=TEXT, **options):
    return asked_of(made_tokenizer("gpt2", template=template), form, **options)


def asked_of(tokenizer, form=TEXT, **options):
    return PromptWriter(ChatTemplate.of(tokenizer, **options)).solution(ASKED, form)


def test_instruction_exemplars_and_question_are_turns_and_nothing_is_prefilled():
    writer = PromptWriter(ChatTemplate.of(made_tokenizer("gpt2", template=TURNS + REPLY)))
    rendering = writer.solution(ASKED, PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", shots=2))
    roles = [message.role for message in rendering.messages]
    assert roles == ["system", *["user", "assistant"] * 2, "user"]
    assert rendering.text == "".join(f"[{m.role}]{m.content}</s>" for m in rendering.messages) + "[assistant]"
    assert (rendering.lead, rendering.chat) == ("", True)
    assert "Question:" not in rendering.text
    assert "Answer:" not in rendering.text


def test_without_exemplars_the_instruction_stays_and_a_turn_ends_without_stop_strings():
    rendering = asked(TURNS + REPLY, CODE)
    assert rendering.text == "[system]Program.</s>[user]1 + 1?</s>[assistant]"
    assert rendering.prompt("p", (1,)).stop == ()


def test_a_translation_is_asked_for_by_its_instruction():
    writer = PromptWriter(ChatTemplate.of(made_tokenizer("gpt2", template=TURNS)))
    rendering = writer.translation(ASKED, "It is 2.", TEXT, CODE)
    assert [m.content for m in rendering.messages] == [
        "Rewrite each solution as a program with the same steps and the same answer.", "1 + 1?\nAnswer: It is 2."
    ]  # fmt: skip


@pytest.mark.parametrize("template", [NO_SYSTEM, DROPS_SYSTEM])
def test_a_template_without_a_system_message_gets_it_in_the_users_first_turn(template):
    assert [(m.role, m.content) for m in asked(template).messages] == [("user", "Think.\n\n1 + 1?")]
    assert [m.content for m in asked(template, system="You count.").messages] == ["You count.\n\nThink.\n\n1 + 1?"]


def test_a_system_message_of_the_users_leaves_the_instruction_to_the_first_turn():
    assert [m.content for m in asked(TURNS, system="You count.").messages] == ["You count.", "Think.\n\n1 + 1?"]
    assert [m.content for m in asked(TURNS, system="").messages] == ["Think.\n\n1 + 1?"]


def test_a_template_of_parts_gets_parts():
    assert asked(PARTS).text == "[system]Think.[user]1 + 1?"


def test_a_template_that_needs_a_system_message_gets_the_instruction_or_is_refused():
    assert asked(NEEDS_SYSTEM).text.startswith("[system]Think.")
    with pytest.raises(ConfigError, match=r"fails: A system message is required; set model\.chat=false"):
        asked(NEEDS_SYSTEM, system="")


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ raise_exception('Never.') }}", "fails: Never"),
        ("{% for m in messages %}{{ m['content'] }", "fails: "),
        ("{{ messages[0]['content']['deep']['er'] }}", "fails: "),
        ("[user][assistant]", "leaves out the question"),
        ("{% for m in messages[:-1] %}{{ m['content'] }}{% endfor %}", "leaves out the question"),
        ("{% for m in messages if m['role'] == 'user' %}{{ m['content'] }}{% endfor %}", "leaves out the assistant message"),
        ("{% for i in range(99999) %}{{ 'a long line of nothing' }}{% endfor %}", "writes more than 1,000,000 characters"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_before_any_work(template, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        ChatTemplate.of(made_tokenizer("gpt2", template=template))


def test_a_question_that_a_template_leaves_out_is_refused():
    short = "{% for m in messages %}{{ m['content'][:20] }}{% endfor %}"
    writer = PromptWriter(ChatTemplate.of(made_tokenizer("gpt2", template=short)))
    with pytest.raises(ConfigError, match="leaves out the question"):
        writer.solution(Problem("p", "A question of more than twenty letters?", "1"), TEXT)


def test_white_space_that_a_template_trims_is_no_loss():
    trims = "{% for m in messages %}{{ m['content'].split() | join(' ') }}{% endfor %}"
    assert asked(trims, PromptFormat(cue="A:", lead=" ", instruction="Two\nlines.")).text == "Two lines.1 + 1?"


def test_a_reply_that_begins_in_reasoning_closes_it_before_a_trained_solution():
    rendering = asked(THINKS)
    assert rendering.text.endswith("[assistant]<think>\n")
    assert rendering.lead == "\n</think>\n\n"
    assert asked(THINKS, arguments={"enable_thinking": False}).lead == ""


def test_nothing_is_prefilled_into_reasoning():
    with pytest.raises(ConfigError, match=r"inside the <think>.*enable_thinking: false"):
        asked(THINKS, prefill="{cue}")
    assert asked(THINKS, prefill="{cue}", arguments={"enable_thinking": False}).text.endswith("[assistant]Answer:")


def test_a_prefill_stands_before_the_solution_with_its_lead():
    assert (asked(TURNS, prefill="{cue}").text[-7:], asked(TURNS, prefill="{cue}").lead) == ("Answer:", " ")
    assert asked(TURNS, CODE, prefill="```python\n").lead == ""


def test_every_day_is_the_same_day_and_what_a_template_says_is_in_the_settings():
    assert f"Today: {DAY:%d %b %Y}[system]" in asked(DATED).text
    settings = [
        ChatTemplate.of(made_tokenizer("gpt2", template=template), **options).settings
        for template, options in (
            (TURNS, {}), (TURNS + REPLY, {}), (TURNS, {"system": "Be."}), (TURNS, {"prefill": "{cue}"}),
            (TURNS, {"arguments": {"day": 1}}), (DATED, {}),
        )
    ]  # fmt: skip
    assert all(a != b for n, a in enumerate(settings) for b in settings[n + 1 :])
    assert settings[0] == ChatTemplate.of(made_tokenizer("gpt2", template=TURNS)).settings


@pytest.mark.parametrize(("wanted", "template", "made"), [("auto", TURNS, True), ("auto", None, False), (False, TURNS, False)])
def test_auto_takes_a_template_where_there_is_one(wanted, template, made):
    assert bool(chat_of(made_tokenizer("gpt2", template=template), wanted, None, None, "")) is made


def test_what_only_a_template_takes_is_refused_without_one():
    with pytest.raises(ConfigError, match="no chat template"):
        chat_of(made_tokenizer("gpt2", template=None), True, None, None, "")
    with pytest.raises(ConfigError, match=r"model\.system, model\.template and model\.prefill are of chat prompts"):
        chat_of(made_tokenizer("gpt2", template=None), "auto", None, "Be.", "")


def test_a_server_is_sent_the_conversation():
    rendering = PromptWriter(ServedChat()).solution(ASKED, TEXT)
    assert [(m.role, m.content) for m in rendering.messages] == [("system", "Think."), ("user", "1 + 1?")]
    assert rendering.prompt("p", (1,)).stop == ()


def test_several_templates_without_a_default_are_named():
    tokenizer = copy.deepcopy(made_tokenizer("gpt2"))
    tokenizer.chat_template = {"default": TURNS, "rag": "[rag]"}
    assert asked_of(tokenizer).text.startswith("[system]")
    tokenizer.chat_template = {"tool_use": TURNS, "rag": TURNS}
    with pytest.raises(ConfigError, match=r"several chat templates \(rag, tool_use\), and none is named default; name one so"):
        chat_of(tokenizer, "auto", None, None, "")


LLAMA_2 = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{{ ' ' + m['content'] + ' ' + eos_token }}"
    "{% else %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "options", "lead"),
    [
        (LLAMA_2, {}, " "),
        (LLAMA_2, {"prefill": "{cue}"}, " "),
        (LLAMA_2, {"prefill": "So: "}, ""),
        (TURNS + REPLY, {}, ""),
        (TURNS + "{% if messages[-1]['role'] == 'assistant' %}{{ raise_exception('Whose turn?') }}{% endif %}", {}, ""),
    ],
)
def test_a_trained_reply_begins_with_the_white_space_that_the_template_writes(template, options, lead):
    assert asked(template, **options).lead == lead


def test_white_space_before_a_reply_that_shares_a_token_with_the_prompt_is_the_prompts():
    template = (
        "{% for m in messages %}{{ m['role'] + ':\n' if m['role'] == 'assistant' else '' }}{{ m['content'] + ' ' }}{% endfor %}"
    )
    template += "{% if add_generation_prompt %}assistant:{% endif %}"
    tokenizer = made_tokenizer("qwen", template=template)
    rendering = PromptWriter(ChatTemplate.of(tokenizer), boundary_of(tokenizer)).solution(ASKED, TEXT)
    assert (rendering.text[-2:], rendering.lead) == (":\n", "")
