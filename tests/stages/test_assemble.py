from mmst.methods.edge import Edge
from mmst.methods.prompt import PromptWriter
from mmst.stages.assemble import assemble


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
