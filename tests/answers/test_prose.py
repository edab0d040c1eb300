"""Exclamations after numbers, and scripts without spaces between words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.prose import plain_prose
from mmst.answers.reading import stated_answer


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 12!",
        "The answer is 12!!!",
        "The answer is **12**!",
        "So it's **12!** Great.",
        "The total is 12! That is it.",
        "12!",
        "\u7b54\u6848\u662f12\u3002",  # Chinese: the answer is 12
        "\u6240\u4ee5\u7b54\u6848\u662f 12 \u4e2a\u3002",  # ... 12 pieces
        "\u4ed6\u670912\u5143\uff0c\u4e70\u4e863\u4e2a\u82f9\u679c\u3002\u7b54\u6848\uff1a12\u5143\u3002",  # ... 12 yuan
        "\u7b54\u3048\u306f12\u3067\u3059\u3002",  # Japanese
        "\uc815\ub2f5\uc740 12\uc785\ub2c8\ub2e4.",  # Korean
        "\u7b54\u6848\u662f \\(12\\)\u3002",
    ],
)
def test_twelve(text):
    assert stated_answer(text)[0] == "12"


@pytest.mark.parametrize(
    "text",
    [
        "$12!$",
        "\\boxed{12!}",
        "12! = 479001600",
        "\\(12!\\)",
        "\u7b54\u6848\u662f12\u4e07\u5143\u3002",  # 12 ten thousands
        "\u7b54\u6848\u662f12\u4e2a\uff0c\u6bcf\u4e2a3\u5143\u3002",  # 12, each 3 yuan: two values
        "The answer is 12\u03b1.",
    ],
)
def test_not_twelve(text):
    assert stated_answer(text)[0] != "12"


def test_ten_thousands_are_counted():
    assert stated_answer("\u5171 1.2\u4e07")[0] == "12000"
    assert stated_answer("\u7b54\u6848\u662f3\u4ebf")[0] == "300000000"


@given(st.text())
def test_any_text_is_read_and_what_is_plain_stays(text):
    plain_prose(text)
    if text.isascii() and "!" not in text:
        assert plain_prose(text) == text
