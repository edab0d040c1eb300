import ast

from hypothesis import given
from hypothesis import strategies as st

from mmst.sandbox.zygote import CappedText, canonical

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.integers(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(plain, max_size=3))
def test_plain_values_are_written_as_literals_that_read_back(value):
    text = canonical(value, 1)
    if text.count("[") + text.count("(") + text.count("{") < 4:
        assert ast.literal_eval(text) == value


def test_a_set_is_written_in_order():
    assert canonical({3, 1, 2}) == canonical(frozenset({2, 3, 1})) == "{1, 2, 3}"
    assert canonical(set()) == "set()"


def test_text_beyond_the_cap_is_counted_but_not_kept():
    text = CappedText(5)
    for _ in range(3):
        assert text.write("abcd") == 4
    assert "".join(text.parts) == "abcda"
