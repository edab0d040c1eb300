import pytest

from mmst.answers.numbers import canonical_number
from mmst.sandbox.expressions import equal_expressions, is_expression, may_be_equal, values_of
from mmst.sandbox.pool import SandboxPool
from mmst.sandbox.result import Result, Status
from mmst.stages.grade import grade
from mmst.types import AnswerKind, FinishReason, Problem, Sample

PAIRS = [
    ("1/2", "0.5", True),
    ("\\frac{1}{2}", "1/2", True),
    ("x^2+1", "1+x^2", True),
    ("$2\\sqrt{2}$", "\\sqrt{8}", True),
    ("x+1", "x+2", False),
    ("(1,2)", "(2,1)", False),
    ("__import__('os').system('id')", "1", False),
    ("5^{5^{5^{5^5}}}", "1", None),
    ("1/2^{99}", "1/2^{98}", False),
    ("\\frac{1}{2004!}", "\\frac{1}{2006!}", False),
    ("\\{1, 2\\}", "\\{2, 1\\}", True),
    ("1, 2", "2, 1", False),
    ("y = 2x + 1", "2y = 4x + 2", True),
    ("[1, 2]", "(1, 2)", False),
]


@pytest.fixture(scope="module")
def quick():
    from mmst.sandbox.pool import Limits

    with SandboxPool(workers=1, limits=Limits(cpu_seconds=2.0)) as pool:
        yield pool


def test_expressions_are_equal_both_ways_round_or_not_judged_in_time(quick):
    assert equal_expressions([(a, b) for a, b, _ in PAIRS], quick) == [equal for _, _, equal in PAIRS]
    assert equal_expressions([(b, a) for a, b, _ in PAIRS], quick) == [equal for _, _, equal in PAIRS]
    assert equal_expressions([], quick) == []


def test_words_are_not_worth_a_look():
    assert may_be_equal("x^2", "2x")
    assert not may_be_equal("paris", "london")
    assert not may_be_equal("1" * 501, "1")
    for first, second in (
        ("10:30 am", "10:30 pm"),
        ("5 kg", "5 g"),
        ("2020-05-01", "2014"),
        ("2020-06", "2014"),
        ("abc", "bca"),
    ):
        assert not may_be_equal(first, second)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4\\sqrt{2}", "5.656854"),
        ("\\frac{6}{-3}", "-2"),
        ("{3 \\over 4}", "0.75"),
        ("7!", "5040"),
        ("2\u03c0 cm", "6.283185"),
        ("2**3", "8"),
    ],
)
def test_an_expression_of_numbers_has_a_value(quick, text, value):
    assert is_expression(text)
    assert canonical_number(values_of([text], quick)[0]) == value


@pytest.mark.parametrize(
    "text", ["12", "12 or more", "12 or 13", "3x", "\u00b1 4", "12:30", "10^{10^{10}}", "9999!", "12 apples"]
)
def test_what_has_no_one_value_is_not_calculated(text):
    assert not is_expression(text)


def test_a_lost_sandbox_is_not_a_no():
    class Lost:
        def execute(self, programs):
            return [Result(program.name, Status.LOST) for program in programs]

    assert equal_expressions([("1", "2")], Lost()) == [None]


def test_grading_takes_a_second_look_at_free_text(quick, methods):
    def sample(n, text):
        return Sample(f"p/text/{n}", "p", "text", n, 0, text, FinishReason.STOP, 1, 1, None, 0.7, 1.0, 96, "e")

    problem = Problem("p", "Expand.", "1 + x^2", AnswerKind.TEXT)
    texts = ["The answer is x^2 + 1.", "The answer is x^2 + 2.", "The answer is 5^{5^{5^{5^5}}}", "The answer is red."]
    graded = grade([sample(n, text) for n, text in enumerate(texts)], {"p": problem}, methods["text"], quick)
    assert [row.verdict for row in graded] == ["right", "wrong", "unjudged", "wrong"]
