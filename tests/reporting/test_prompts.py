from mmst.methods.boundary import boundary_of
from mmst.methods.chat import ChatTemplate, ServedChat
from mmst.methods.edge import Edge
from mmst.methods.prompt import PromptWriter
from mmst.reporting.prompts import print_prompts, prompts_to_show
from mmst.training.tokenization import prompt_tokens
from mmst.types import Problem, Step
from tests.made_tokenizers import made_tokenizer

LONG = Problem("p1", "How many " + "very " * 60 + "old bags are there?", "12")
EDGES = [Edge("text", "text"), Edge("code", "text")]
TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m['role'] + '\n' + m['content'] + '<|turn|>\n' }}{% endfor %}assistant:"


def test_each_method_and_each_edge_that_translates_is_shown(methods):
    shown = list(prompts_to_show(PromptWriter(), methods, EDGES, [LONG]))
    assert [row.title for row in shown] == ["text: p1", "code: p1", "code -> text: p1"]
    assert "[a solution by code]" in shown[-1].prompt.text


def test_a_known_derivation_stands_for_the_solution(methods):
    known = Problem("p2", "3 bags of 4?", "12", derivation=(Step("total", "3", "*", "4", "12"),))
    *_, shown = prompts_to_show(PromptWriter(), methods, EDGES, [known])
    assert "total = 3 * 4" in shown.prompt.text


def test_a_prompt_is_printed_whole_with_its_special_tokens_counted(methods, capsys):
    tokenizer = made_tokenizer("qwen", template=TEMPLATE)
    writer = PromptWriter(ChatTemplate.of(tokenizer), boundary_of(tokenizer))
    shown = list(prompts_to_show(writer, methods, (), [LONG]))
    print_prompts(shown[:1], tokenizer)
    printed = capsys.readouterr().out
    assert f"<s>user\n{LONG.question}<|turn|>\nassistant:" in printed
    count = len(prompt_tokens(tokenizer, shown[0].prompt))
    assert f"{count} tokens, 2 of them special; the last is ':'" in " ".join(printed.split())


def test_a_servers_prompts_are_messages_or_text(methods, capsys):
    print_prompts(list(prompts_to_show(PromptWriter(ServedChat()), methods, (), [LONG]))[:1], None)
    assert f"<user>\n{LONG.question}\n" in capsys.readouterr().out
