import re

from hypothesis import assume, example, given
from hypothesis import strategies as st

from mmst.cli.names import SWEPT, run_name, swept_overrides

OVERRIDES = st.one_of(
    st.text(min_size=1, max_size=60),
    st.from_regex(r"\+{0,2}[a-z]{1,9}(\.[a-z]{1,9})?=[\w.,\[\]+=-]{0,30}", fullmatch=True),
)


def test_names_are_readable_with_the_seed_first_and_do_not_depend_on_the_order():
    assert run_name([]) == "default"
    assert (
        run_name(["method=code_to_text", "seed=1"])
        == run_name(["seed=1", "method=code_to_text"])
        == "seed-1__method-code_to_text"
    )


def test_what_differs_between_the_jobs_of_a_sweep_stands_first(monkeypatch):
    monkeypatch.setenv(SWEPT, "method,seed")
    assert run_name(["chunk=50", "method=multi", "seed=3"]) == "seed-3__method-multi__chunk-50"
    monkeypatch.setenv(SWEPT, "rounds")
    assert run_name(["chunk=50", "rounds=2", "seed=3"]) == "rounds-2__seed-3__chunk-50"


def test_what_changes_no_result_is_not_in_a_name():
    silent = [
        "name=x",
        "hydra.job.chdir=false",
        "hydra/launcher=basic",
        "paths.ledger=/tmp",
        "tracker=none",
        "sweep=main",
        "executor=ray",
        "executor.gpus=1",
    ]
    assert run_name(silent) == "default"
    assert run_name(["rounds=2", *silent, "+tracker=csv"]) == "rounds-2"


def test_a_name_that_is_not_exact_ends_in_a_hash():
    assert re.fullmatch(r"solvers-text-code-[0-9a-f]{8}", run_name(["solvers=[text,code]"]))
    assert run_name(["solvers=[text,code]"]) != run_name(["solvers=[text_code]"])
    assert run_name(["a=b__c=d"]) != run_name(["a=b", "c=d"])
    assert run_name(["x=default"]) == "x-default"


@example(["."])
@example(["=,"])
@example(["default"])
@given(st.lists(OVERRIDES, max_size=6))
def test_names_are_file_names_that_shells_and_trackers_take(overrides):
    name = run_name(overrides)
    assert 0 < len(name) < 100
    assert re.fullmatch(r"[\w.+-]+", name)
    assert name not in (".", "..")
    assert not name.startswith("-")
    assert name == run_name(overrides[::-1])


@example(["a=b"], ["a=b_", "b=c"])
@example(["a=1", "b=2"], ["a=1__b=2"])
@example(["a=1"], ["a-1"])
@given(st.lists(OVERRIDES, max_size=4), st.lists(OVERRIDES, max_size=4))
def test_names_differ_where_overrides_do(a, b):
    told = [sorted(o for o in some if run_name([o]) != "default") for some in (a, b)]
    assume(told[0] != told[1])
    assert run_name(a) != run_name(b)


def test_what_differs_between_a_sweeps_jobs_is_told_apart(monkeypatch):
    monkeypatch.setenv(SWEPT, "seed")
    assert swept_overrides(["debug=tiny", "seed=1"]) == ["seed=1"]
    monkeypatch.setenv(SWEPT, "")
    assert swept_overrides(["debug=tiny", "seed=1"]) == ["debug=tiny", "seed=1"]
