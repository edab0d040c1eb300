"""Programs on several machines: what each is given, who is left out, and what becomes of those of a machine that is lost."""

import logging
import sys

import pytest

from mmst.errors import MissingExtraError, SandboxUnavailableError
from mmst.ledger.spec import part_spec
from mmst.sandbox import ray as ray_module
from mmst.sandbox.ray import RaySandbox
from mmst.sandbox.result import Program, Result, Status
from tests.conftest import STORE
from tests.samplers.fake_ray import FakeRay

PROGRAMS = [Program(f"p{n}", f"answer = {n}") for n in range(40)]


class Pool:
    """Says of each program that it gave its own name. `machines`: what is wrong with the pool of each, in their order."""

    machines: tuple[str, ...] = ()
    made = 0
    version = 7

    def __init__(self, workers, limits, modules, accept_missing):
        wrong = [*self.machines, *[""] * 9][Pool.made]
        Pool.made += 1
        if wrong == "no landlock":
            raise SandboxUnavailableError("sandbox: landlock is not available on this kernel")
        self.modules = tuple(name for name in modules if name != wrong)
        self.settings = {"modules": list(self.modules)}

    def execute(self, programs):
        return [Result(program.name, Status.OK, value=program.name) for program in programs]

    def warn(self, results):
        pass

    def close(self):
        pass


@pytest.fixture
def started(monkeypatch):
    """(deaths, machines, what is wrong with them) -> the Ray and the sandbox."""

    def make(deaths=(), machines=("a", "b"), wrong=()):
        ray = FakeRay(deaths)
        ray.machines = list(machines)
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.setattr(ray_module, "SandboxPool", Pool)
        monkeypatch.setattr(Pool, "machines", ("", *wrong))
        monkeypatch.setattr(Pool, "made", 0)
        return ray, RaySandbox()

    return make


def values(sandbox):
    return [(result.name, result.value) for result in sandbox.execute(PROGRAMS)]


def expected():
    return [(program.name, program.name) for program in PROGRAMS]


def test_every_machine_is_given_programs_and_results_come_in_their_order(started):
    ray, sandbox = started()
    assert values(sandbox) == expected()
    assert {machine for machine, _ in ray.given} == {0, 1}
    assert sum(programs for _, programs in ray.given) == len(PROGRAMS)
    assert sandbox.execute([]) == []
    sandbox.close()
    sandbox.close()


def test_what_a_lost_machine_had_goes_to_the_others(started, caplog):
    _ray, sandbox = started(deaths={(0, 1)})
    assert values(sandbox) == expected()
    assert "machine a was lost; its programs go to the others" in caplog.text
    assert sandbox.machines == ["b"]
    assert values(sandbox) == expected()
    assert sandbox.machines == ["b", "a"], "one that is alive is taken on anew"


def test_where_all_are_lost_this_machine_does_the_rest(started):
    _ray, sandbox = started(deaths={(0, 1), (1, 1)})
    assert values(sandbox) == expected()
    assert sandbox.machines == []


def test_programs_over_which_machine_after_machine_dies_are_lost(started):
    _ray, sandbox = started(deaths={(n, 1) for n in range(4)}, machines=("a", "b", "c", "d"))
    found = sandbox.execute(PROGRAMS[:1])
    assert [result.status for result in found] == [Status.LOST]
    assert sandbox.machines == ["d"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("no landlock", "machine b runs no programs: sandbox: landlock is not available on this kernel"),
        ("sympy", "machine b runs no programs: sympy is not installed there"),
    ],
)
def test_a_machine_that_would_judge_otherwise_runs_nothing(started, caplog, wrong, sentence):
    ray, sandbox = started(wrong=("", wrong))
    assert sandbox.machines == ["a"]
    assert caplog.text.count(sentence) == 1
    assert values(sandbox) == expected()
    assert {machine for machine, _ in ray.given} == {0}
    assert caplog.text.count(sentence) == 1


def test_where_none_may_the_machine_of_the_command_does(started, caplog):
    ray, sandbox = started(machines=("dead",))
    assert values(sandbox) == expected()
    assert not ray.given
    ray.machines.append("new")
    assert values(sandbox) == expected()
    assert sandbox.machines == ["new"], "one that comes later takes part"


def test_the_key_of_rows_does_not_say_where_programs_ran(sandbox):
    assert part_spec(RaySandbox.__new__(RaySandbox), {}) == part_spec(sandbox, {})


def test_ray_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"sandbox=ray needs an optional dependency.*\[ray\]"):
        RaySandbox()


@pytest.mark.soak
def test_results_of_two_real_nodes_are_those_of_one_pool(sandbox, cluster, caplog):
    """One node is lost in the middle."""
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    programs = [
        *(Program(str(n), f"def solution():\n    return {n} * 2") for n in range(200)),
        Program("sympy", "import sympy\nx = sympy.symbols('x')\nanswer = sympy.solve(x - 3)[0]"),
        Program("fails", "x = 1\n1 / 0"),
        Program("hangs", "while True: pass"),
        Program("tests", "def f(x):\n    return x + 1", tests="assert f(1) == 2", entry_point="f"),
    ]

    def told(results):
        return [(r.name, r.status, r.type, r.value, r.stdout, r.line) for r in results]

    alone = told(sandbox.execute(programs))
    with caplog.at_level(logging.WARNING), RaySandbox(address=cluster.address) as spread:
        assert len(spread.machines) == 2
        assert told(spread.execute(programs)) == alone
        cluster.remove_node(node, allow_graceful=False)
        assert told(spread.execute(programs)) == alone
        assert len(spread.machines) == 1
