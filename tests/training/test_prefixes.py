from hypothesis import given
from hypothesis import strategies as st

from mmst.training.batches import TokenRow
from mmst.training.prefixes import FEWEST_SHARING, SHORTEST_SHARED_PREFIX, with_shared_prefixes

A = TokenRow("a", "e", (5, 6, 7, 9), 2)


def exemplified(exemplars, count, own=(7, 8), completion=(9,)):
    """Rows whose prompts begin with equal exemplars and end in a question of their own."""
    return [
        TokenRow(f"{exemplars[0]}-{n}", "e", (*exemplars, 100 + n, *own, *completion), len(exemplars) + 1 + len(own))
        for n in range(count)
    ]


def test_rows_share_the_exemplars_of_their_method_and_nothing_of_their_questions():
    text, code = tuple(range(200, 300)), tuple(range(300, 380))
    few = exemplified(tuple(range(400, 500)), FEWEST_SHARING - 1)
    rows = [*exemplified(text, 40), *few, *exemplified(code, 40), A]
    shared = with_shared_prefixes(rows)
    assert [row.id for row in shared] == [row.id for row in rows]
    assert {row.prefix for row in shared} == {text, code, ()}
    assert [row.shared for row in shared] == [100] * 40 + [0] * len(few) + [80] * 40 + [0]


@given(st.integers(0, 3), st.integers(SHORTEST_SHARED_PREFIX, 90))
def test_a_prompt_keeps_a_token_of_its_own_also_where_all_are_equal(own, length):
    tokens = tuple(range(length))
    rows = [TokenRow(str(n), "e", (*tokens, *range(own), 5), length + own) for n in range(FEWEST_SHARING)]
    for row in with_shared_prefixes(rows):
        assert row.shared == (length + own - 1 if length + own > SHORTEST_SHARED_PREFIX else 0)
