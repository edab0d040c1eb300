import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.propositions import Formula, name, negation, parse, rows, said_of

FORMULAS = st.recursive(
    st.sampled_from(["kind", "calm", "tall"]).map(name),
    lambda inner: st.one_of(
        inner.map(negation),
        st.tuples(st.sampled_from(["and", "or", "xor", "->", "<->"]), inner, inner).map(lambda t: Formula(t[0], t[1:])),
    ),
    max_leaves=6,
)


@given(FORMULAS)
def test_a_formula_is_read_back_as_it_was_written(formula):
    assert parse(str(formula)) == formula


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a -> b -> c", "a -> (b -> c)"),
        ("not a and b or c", "(not a and b) or c"),
        ("a and b -> c", "(a and b) -> c"),
        ("a ∧ ¬b → c", "(a and not b) -> c"),
        ("~a & b <=> c", "(not a and b) <-> c"),
        ("NOT a OR b", "not a or b"),
    ],
)
def test_operators_bind_as_in_logic_and_signs_are_words(text, meant):
    assert str(parse(text)) == meant


@pytest.mark.parametrize(
    "text", ["", "a and", "a b", "(a", "a)", "if a then b", "3", "and", "a" * 501, "(" * 60 + "a" + ")" * 60]
)
def test_what_is_no_formula_is_none(text):
    assert parse(text) is None


def test_a_table_has_each_row_once():
    found = list(rows(("a", "b")))
    assert found[0] == {"a": True, "b": True}
    assert len({tuple(row.values()) for row in found}) == 4


@pytest.mark.parametrize(
    ("premises", "statement", "said"),
    [
        (["a", "a -> b"], "b", "True"),
        (["not b", "a -> b"], "a", "False"),
        (["b", "a -> b"], "a", "Unknown"),
        (["a or b", "a -> c", "b -> c"], "c", "True"),
        (["a"], "b", "Unknown"),
        (["a", "not a"], "b", None),
    ],
)
def test_what_premises_say_of_a_statement(premises, statement, said):
    assert said_of(parse(statement), [parse(premise) for premise in premises]) == said
