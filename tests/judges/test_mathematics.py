import pytest

from mmst.judges.mathematics import Mathematics
from mmst.methods.method import Reading
from mmst.types import AnswerKind, Problem


@pytest.mark.parametrize(
    ("answer", "gold", "verdict"),
    [
        ("12.0", "12", "right"),
        ("1 + x^2", "x^2+1", "right"),
        ("x^2 + 2", "x^2+1", "wrong"),
        (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", "right"),
        ("13", "12", "wrong"),
        (None, "12", "no_answer"),
    ],
)
def test_mathematics_is_judged_by_what_it_says(answer, gold, verdict):
    pytest.importorskip("math_verify")
    for kind in (AnswerKind.NUMBER, AnswerKind.TEXT):
        assert Mathematics()(Problem("p", "?", gold, kind), Reading(answer, "")).verdict == verdict
