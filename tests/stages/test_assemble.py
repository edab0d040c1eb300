from dataclasses import replace

from mmst.methods.chat import ChatTemplate
from mmst.methods.edge import Edge
from mmst.methods.prompt import PromptWriter
from mmst.stages.assemble import assemble
from tests.made_tokenizers import made_tokenizer


def test_examples_are_prompts_of_the_target_with_its_solutions(made, problems, methods):
    text, code = made(" The answer is 12."), made("\nanswer = 3 * 4\n", method="code")
    kept = {Edge("text", "text"): [text], Edge("code", "code"): [code]}
    examples, dropped = assemble(kept, problems, methods, PromptWriter())
    assert [(e.prompt, e.completion, e.edge) for e in examples] == [
        ("Question: 3 bags of 4?\nAnswer:", " The answer is 12.", "text -> text"),
        ("Question: 3 bags of 4?\nProgram:", "\nanswer = 3 * 4", "code -> code"),
    ]
    assert not dropped


def test_what_two_edges_bring_counts_for_the_first(made, problems, methods):
    own = made("1 + 1. The answer is 12.")
    translated = made("1 + 1. The answer is 12.", index=5, source="p1/code/0")
    examples, dropped = assemble(
        {Edge("text", "text"): [own], Edge("code", "text"): [translated]}, problems, methods, PromptWriter()
    )
    assert [e.edge for e in examples] == ["text -> text"]
    assert [(d.edge, d.reason.value) for d in dropped] == [("code -> text", "duplicate")]


THINKS = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% endfor %}{{ 'assistant: <think>\\n' }}"


def completions(row, problems, methods, writer, **form):
    text = replace(methods["text"], format=replace(methods["text"].format, **form))
    examples, _ = assemble({Edge("text", "text"): [row]}, problems, {"text": text}, writer)
    return [example.completion for example in examples]


def test_reasoning_is_trained_on_where_it_is_wanted(made, problems, methods):
    row = made("<think>\n3 times 4</think>\n\nIt is 3 * 4 = 12. The answer is 12.")
    assert completions(row, problems, methods, PromptWriter()) == [" It is 3 * 4 = 12. The answer is 12."]
    kept = completions(row, problems, methods, PromptWriter(), train_reasoning=True)
    assert kept == ["<think>\n3 times 4</think>\n\nIt is 3 * 4 = 12. The answer is 12."]


def test_reasoning_that_a_template_opens_is_closed_before_a_solution(made, problems, methods):
    writer = PromptWriter(ChatTemplate.of(made_tokenizer("gpt2", template=THINKS)))
    row = made("3 times 4\n</think>It is 3 * 4 = 12. The answer is 12.")
    assert completions(row, problems, methods, writer) == ["\n</think>\n\nIt is 3 * 4 = 12. The answer is 12."]
    kept = completions(row, problems, methods, writer, train_reasoning=True)
    assert kept == ["3 times 4\n</think>\n\nIt is 3 * 4 = 12. The answer is 12."]
