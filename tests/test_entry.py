import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.entry import explained, run_name
from mmst.errors import DataError


def test_names_are_readable_and_do_not_depend_on_the_order():
    assert run_name([]) == "default"
    assert (
        run_name(["seed=1", "method=code_to_text"])
        == run_name(["method=code_to_text", "seed=1"])
        == "method=code_to_text,seed=1"
    )
    assert run_name(["name=x", "hydra.job.chdir=false", "paths.ledger=/tmp", "tracker=none"]) == "default"


@given(st.lists(st.text(min_size=1, max_size=60), max_size=6))
def test_names_are_file_names_and_differ_where_overrides_do(overrides):
    name = run_name(overrides)
    assert 0 < len(name) < 100
    assert "/" not in name
    assert name not in (".", "..")
    if overrides:
        assert run_name([*overrides, "seed=12345"]) != name


def test_the_users_own_mistake_is_found_behind_other_errors():
    error = RuntimeError("hydra says something")
    error.__cause__ = DataError("x.jsonl, line 3: not JSON")
    assert explained(error) == "x.jsonl, line 3: not JSON"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/x"), "no space is left on the device of runs/x"),
        (FloatingPointError("the loss of step 3 is not finite"), "step 3"),
        (RuntimeError("a bug of ours"), None),
    ],
)
def test_what_is_explained_and_what_is_ours(error, words):
    sentence = explained(error)
    assert sentence is None if words is None else words in sentence
