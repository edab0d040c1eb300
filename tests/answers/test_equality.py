import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.equality import canonical_answer, verdict_of
from mmst.types import AnswerKind, Problem, Verdict


def with_gold(answer, kind=AnswerKind.NUMBER, choices=()):
    return Problem("p", "?", answer, kind, choices)


@pytest.mark.parametrize(
    ("answer", "problem", "verdict"),
    [
        ("72.0", with_gold("72"), Verdict.RIGHT),
        ("9", with_gold("8.5"), Verdict.WRONG),
        ("0.75", with_gold("3/4"), Verdict.RIGHT),
        (None, with_gold("3"), Verdict.NO_ANSWER),
        ("many", with_gold("3"), Verdict.NO_ANSWER),
        ("3", with_gold("three or so"), Verdict.UNJUDGED),
        ("b", with_gold("B", AnswerKind.CHOICE, ("1", "2")), Verdict.RIGHT),
        ("(B)", with_gold("B", AnswerKind.CHOICE, ("1", "2")), Verdict.RIGHT),
        ("2.0", with_gold("B", AnswerKind.CHOICE, ("1", "2")), Verdict.RIGHT),
        ("Z", with_gold("B", AnswerKind.CHOICE, ("1", "2")), Verdict.NO_ANSWER),
        ("True", with_gold("yes", AnswerKind.YES_NO), Verdict.RIGHT),
        ("No.", with_gold("yes", AnswerKind.YES_NO), Verdict.WRONG),
        (" A  word ", with_gold("a word", AnswerKind.TEXT), Verdict.RIGHT),
    ],
)
def test_verdict(answer, problem, verdict):
    assert verdict_of(answer, problem)[0] is verdict


@given(st.lists(st.text("0123456789./,-+eE $", max_size=8), min_size=3, max_size=3))
def test_equality_is_an_equivalence(texts):
    a, b, c = (canonical_answer(text, AnswerKind.NUMBER) for text in texts)
    assert a == a
    if a == b and b == c:
        assert a == c
    if a is not None:
        assert canonical_answer(a, AnswerKind.NUMBER) == a


KINDS = st.sampled_from(
    [(AnswerKind.NUMBER, ()), (AnswerKind.YES_NO, ()), (AnswerKind.TEXT, ()), (AnswerKind.CHOICE, ("3", "a", "b c"))]
)


@given(KINDS, st.text("abcdyesno 123.,/-()BC", max_size=8))
def test_a_canonical_answer_stands_for_itself(kind, text):
    canonical = canonical_answer(text, *kind)
    if canonical is not None and kind[0] is not AnswerKind.CHOICE:
        assert canonical_answer(canonical, *kind) == canonical


@pytest.mark.parametrize("text", [". .", "a. .", "\"'x'\"", "**`a`**.", "A!!", "$x$", "\u00bd", "x\u00b2", "5! !"])
def test_layers_of_marks_are_taken_off_to_the_last(text):
    canonical = canonical_answer(text, AnswerKind.TEXT)
    assert canonical is None or canonical_answer(canonical, AnswerKind.TEXT) == canonical


@given(KINDS, st.text(max_size=30))
def test_any_canonical_answer_stands_for_itself(kind, text):
    canonical = canonical_answer(text, *kind)
    if canonical is not None and kind[0] is not AnswerKind.CHOICE:
        assert canonical_answer(canonical, *kind) == canonical
