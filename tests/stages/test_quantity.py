from array import array
from dataclasses import replace
from itertools import compress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.errors import ConfigError
from mmst.filters.filter import Filter, Quantity
from mmst.stages.quantity import Amounts, cut, cut_down, disputed, quantities
from mmst.types import Example


def counted(examples, sizes=None):
    found = Amounts.of(examples, Quantity.EXAMPLES, Path())
    return found if sizes is None else replace(found, sizes=array("L", sizes))


def test_examples_are_cut_down_by_number_or_length():
    examples = [Example(str(n), "a" if n % 2 else "b", "p", "?", "x" * (n + 1)) for n in range(10)]
    have, lengths = counted(examples), counted(examples, [len(e.completion) for e in examples])
    kept = cut_down(have, {"a": 3, "b": 1}, 0)
    assert have.among(kept) == {"a": 3, "b": 1}
    assert cut_down(have, {"a": 3, "b": 1}, 0) == kept
    assert cut_down(have, {"a": 3, "b": 1}, 1) != kept
    short = cut_down(lengths, {"a": 12, "b": 0}, 0)
    assert 0 < lengths.among(short)["a"] <= 12
    assert set(lengths.among(short)) == {"a"}


def test_quantities_balance_match_and_replay():
    have = {"text -> code": 80, "code -> code": 40, "text -> text": 500}
    replayed = frozenset({"text -> text"})
    assert quantities(have, replayed, Filter(replay=0.25), None) == {"text -> code": 80, "code -> code": 40, "text -> text": 40}
    assert quantities(have, replayed, Filter(replay=0.5, balance=True), None)["text -> text"] == 80
    matched = quantities(have, replayed, Filter(replay=0.25), 40)
    assert matched == {"text -> code": 20, "code -> code": 10, "text -> text": 10}
    assert quantities(have, frozenset(), Filter(replay=0.25), None) == have
    assert quantities({}, frozenset(), Filter(), 10) == {}


def test_a_replay_that_holds_too_little_cuts_the_own_edges_so_that_the_share_is_what_was_asked(caplog):
    have = {"text -> code": 80, "code -> code": 40, "text -> text": 90, "equation -> equation": 18}
    replayed = frozenset({"text -> text", "equation -> equation"})
    most = quantities(have, replayed, Filter(replay=0.9), None)
    assert sum(most[edge] for edge in replayed) == 108
    assert most["text -> code"] == pytest.approx(8)
    assert most["code -> code"] == pytest.approx(4)
    assert quantities(have, replayed, Filter(replay=0.25), None)["text -> text"] == 22
    examples = [Example(f"{edge}{n}", edge, "p", "?", "x") for edge, count in have.items() for n in range(count)]
    kept = cut(examples, Filter(replay=0.9), replayed, None, Path(), (), 0)
    given = [example.edge in replayed for example in compress(examples, kept)]
    assert sum(given) / len(given) == pytest.approx(0.9)
    assert not caplog.text
    cut([e for e in examples if e.edge not in replayed][:50], Filter(replay=0.9), replayed, None, Path(), (), 0)
    assert "filter.replay=0.9: 0% of the training set is replayed, and 50 examples are the recipe's own" in caplog.text


def test_quantities_have_the_least_of_a_share_a_limit_and_a_match():
    have = {"a": 60, "b": 40}
    assert quantities(have, frozenset(), Filter(), None) == have
    assert quantities(have, frozenset(), Filter(share=0.5), None) == {"a": 30, "b": 20}
    assert quantities(have, frozenset(), Filter(share=0.5, most=20), None) == {"a": 12, "b": 8}
    assert quantities(have, frozenset(), Filter(most=1000), 10) == {"a": 6, "b": 4}


@given(st.integers(0, 10), st.integers(0, 3))
def test_disagreement_sets_the_share_of_problems_that_only_some_methods_solve(tenths, seed):
    examples = [Example(str(n), "ab"[n % 2], f"p{n % 30}", "?", "x") for n in range(120)]
    agreed = {f"p{n}" for n in range(15)}
    marks = bytearray(example.problem_id in agreed for example in examples)
    kept = disputed(counted(examples), 40, tenths / 10, marks, seed)
    left = list(compress(examples, kept))
    assert sum(example.problem_id not in agreed for example in left) == pytest.approx(4 * tenths, abs=2)
    assert len(left) == pytest.approx(40, abs=4)
    assert kept == disputed(counted(examples), 40, tenths / 10, marks, seed)


def test_too_few_problems_to_disagree_on_is_one_sentence():
    examples = [Example(str(n), "a", f"p{n}", "?", "x") for n in range(10)]
    with pytest.raises(ConfigError, match=r"filter\.disagreement=0\.5: 5 of the training set's 10 .* only some .* at most 4\."):
        disputed(counted(examples), 10, 0.5, bytearray(n < 8 for n in range(10)), 0)
