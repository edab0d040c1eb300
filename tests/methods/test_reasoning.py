import pytest

from mmst.answers.passages import answer_part
from mmst.methods.programs import program_in
from mmst.methods.reasoning import opened_reasoning, split_reasoning


@pytest.mark.parametrize(
    ("completion", "reasoning", "solution"),
    [
        ("It is 5.", "", "It is 5."),
        ("<think>\n2 + 3</think>\n\nIt is 5.", "<think>\n2 + 3</think>", "\n\nIt is 5."),
        ("2 + 3\n</think>It is 5.", "2 + 3\n</think>", "It is 5."),
        ("<think>a</think>b<think>c</think>d", "<think>a</think>b<think>c</think>", "d"),
        ("\n<think>without an end", "\n<think>without an end", ""),
        ("It says <think> there.", "", "It says <think> there."),
        ("<scratchpad>2 + 3</scratchpad>It is 5.", "<scratchpad>2 + 3</scratchpad>", "It is 5."),
        ("[THINK]2 + 3[/THINK]It is 5.", "[THINK]2 + 3[/THINK]", "It is 5."),
        ("<Thinking>2 + 3</Thinking>It is 5.", "<Thinking>2 + 3</Thinking>", "It is 5."),
    ],
)
def test_reasoning_is_what_stands_before_the_solution(completion, reasoning, solution):
    assert split_reasoning(completion) == (reasoning, solution)


def test_a_prompt_may_end_in_reasoning():
    assert opened_reasoning("assistant\n<think>\n") == ("<think>", "</think>")
    assert opened_reasoning("assistant\n<think>\n\n</think>\n\n") is None
    assert opened_reasoning("assistant\n<think>\nOkay,") == ("<think>", "</think>")
    assert opened_reasoning("assistant\n[THINK]") == ("[THINK]", "[/THINK]")


@pytest.mark.parametrize(
    ("begin", "end"),
    [("<scratchpad>", "</scratchpad>"), ("<reflection>", "</reflection>"), ("\u25c1think\u25b7", "\u25c1/think\u25b7")],
)
def test_all_that_reads_completions_knows_the_same_tags(begin, end):
    program = "def solution():\n    return 5\n"
    thought = f"{begin}\ndef solution():\n    return 4\nThe answer is 4.\n{end}\n"
    assert program_in(thought + program).strip() == program.strip()
    assert answer_part(thought + "The answer is 5.").strip() == "The answer is 5."
    assert split_reasoning(thought + program)[0] == thought.rstrip("\n")
