from mmst.methods.prompt import PromptWriter
from mmst.stages.prefer import MOST, preferences
from mmst.types import FinishReason, Verdict


def test_right_and_wrong_solutions_of_a_problem_are_pairs_within_and_across_methods(made, problems, methods):
    rows = [
        made(" 3 * 4 = 12. The answer is 12.", index=0),
        made(" 3 + 4 = 7. The answer is 7.", verdict=Verdict.WRONG, index=1),
        made("\nanswer = 3 + 4", verdict=Verdict.WRONG, method="code", index=0),
    ]
    found = preferences(rows, problems, methods, PromptWriter())
    assert [(p.chosen_method, p.rejected_method, p.chosen_id, p.rejected_id) for p in found] == [
        ("text", "text", "p1/text/0", "p1/text/1"), ("text", "code", "p1/text/0", "p1/code/0")
    ]  # fmt: skip
    within, across = found
    assert within.prompt == PromptWriter().solution(problems["p1"], methods["text"].format).messages
    assert [turn.content for turn in across.prompt] == ["3 bags of 4?"]
    assert [turn.content for turn in (*across.chosen, *across.rejected)] == ["3 * 4 = 12. The answer is 12.", "answer = 3 + 4"]


def test_what_was_cut_not_judged_or_translated_is_in_no_pair(made, problems, methods):
    right = made(" 3 * 4 = 12. The answer is 12.")
    others = [
        made(" The answer is", verdict=Verdict.WRONG, index=1, finish=FinishReason.LENGTH),
        made(" Hm.", verdict=Verdict.UNJUDGED, index=2),
        made(" None.", verdict=Verdict.NO_ANSWER, index=3),
        made(" 7. The answer is 7.", verdict=Verdict.WRONG, index=4, source="p1/code/0"),
        made(" 2 * 5 = 11. The answer is 11.", verdict=Verdict.WRONG, problem="p2"),
    ]
    assert preferences([right, *others], problems, methods, PromptWriter()) == []


def test_a_solution_is_in_one_pair_and_reasoning_in_none(made, problems, methods):
    rights = [made(f" <think>Hm.</think> {n} + 1 = {n + 1}. The answer is 12.", index=n) for n in range(9)]
    wrongs = [
        made(" The answer is 7.", verdict=Verdict.WRONG, index=9),
        made("The answer is 7.", verdict=Verdict.WRONG, index=10),
    ]
    (pair,) = preferences([*rights, *wrongs], problems, methods, PromptWriter())
    assert "think" not in pair.chosen[0].content
    many = [made(f" The answer is {n}.", verdict=Verdict.WRONG, index=20 + n) for n in range(9)]
    assert len(preferences([*rights, *many], problems, methods, PromptWriter())) == MOST
