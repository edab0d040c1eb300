from hypothesis import example, given
from hypothesis import strategies as st

from mmst.entry import run_name


def test_names_are_readable_and_do_not_depend_on_the_order():
    assert run_name([]) == "default"
    assert (
        run_name(["seed=1", "method=code_to_text"])
        == run_name(["method=code_to_text", "seed=1"])
        == "method=code_to_text,seed=1"
    )
    assert run_name(["name=x", "hydra.job.chdir=false", "paths.ledger=/tmp", "tracker=none"]) == "default"


@example(["."])
@given(st.lists(st.text(min_size=1, max_size=60), max_size=6))
def test_names_are_file_names_and_differ_where_overrides_do(overrides):
    name = run_name(overrides)
    assert 0 < len(name) < 100
    assert "/" not in name
    assert name not in (".", "..")
    if overrides:
        assert run_name([*overrides, "seed=12345"]) != name
