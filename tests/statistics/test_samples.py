import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.statistics.samples import maj_at_k, pass_at_k, vote


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(1, 8))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(right, k):
    if k > len(right):
        with pytest.raises(ValueError, match="needs at least"):
            pass_at_k(len(right), sum(right), k)
        return
    subsets = list(itertools.combinations(right, k))
    assert pass_at_k(len(right), sum(right), k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_k_of_the_literature():
    assert pass_at_k(200, 20, 1) == pytest.approx(0.1)  # Chen et al. 2021: pass@1 is the share of right samples
    assert pass_at_k(10, 0, 5) == 0.0
    assert pass_at_k(10, 6, 5) == 1.0


@given(st.lists(st.sampled_from(["1", "2", "3", None]), max_size=9))
def test_the_vote_is_what_most_gave_and_ties_are_shared(answers):
    top = vote(answers)
    given_answers = [answer for answer in answers if answer is not None]
    assert set(top) == {a for a in given_answers if given_answers.count(a) == max(map(given_answers.count, given_answers))}
    assert sum(maj_at_k(answers, gold) for gold in ("1", "2", "3")) == pytest.approx(1.0 if top else 0.0)


def test_a_vote_without_answers_is_wrong():
    assert maj_at_k([None, None], "1") == 0.0
    assert maj_at_k(["1", "2", "2", None], "2") == 1.0
    assert maj_at_k(["1", "2"], "2") == 0.5
