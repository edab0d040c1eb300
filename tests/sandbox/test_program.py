import ast

from hypothesis import given
from hypothesis import strategies as st

from mmst.sandbox.program import CUT, TailText, canonical

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


def test_of_a_long_text_the_last_whole_lines_are_kept():
    text = TailText(10)
    for line in ("first\n", "second\n", "third\n", "4\n"):
        assert text.write(line) == len(line)
    assert text.text() == "third\n4\n"
    text = TailText(10)
    text.write("9" * 1000)
    assert text.text() == CUT + "9" * 5
    text = TailText(100)
    for _ in range(10_000):
        text.write("a")
    assert len(text.parts) < 5_000
