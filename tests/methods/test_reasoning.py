import pytest

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
    ],
)
def test_reasoning_is_what_stands_before_the_solution(completion, reasoning, solution):
    assert split_reasoning(completion) == (reasoning, solution)


def test_a_prompt_may_end_in_reasoning():
    assert opened_reasoning("assistant\n<think>\n") == "think"
    assert opened_reasoning("assistant\n<think>\n\n</think>\n\n") is None
