import json
import os
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest

from mmst.errors import ConfigError, SandboxUnavailableError
from mmst.sandbox import host, probe, watch
from mmst.sandbox import pool as pool_module
from mmst.sandbox.pool import LARGEST_PROGRAM, Limits, SandboxPool
from mmst.sandbox.result import Program, Status

FORGERS = json.loads((Path(__file__).parents[1] / "cases" / "forgers.json").read_text())


def run(pool, code, **options):
    return pool.execute([Program("x", code, **options)])[0]


def test_results_come_in_the_programs_order(sandbox):
    programs = [Program(str(i), f"def solution():\n    return {i} * 2") for i in range(300)]
    results = sandbox.execute(programs)
    assert [(r.name, r.value) for r in results] == [(str(i), str(2 * i)) for i in range(300)]
    assert sandbox.execute([]) == []


@pytest.mark.parametrize(
    ("code", "entry", "kind", "value"),
    [
        ("def solution():\n    return 3", None, "int", "3"),
        ("answer = 2.5", None, "float", "2.5"),
        ("answer = 'a b'", None, "str", "a b"),
        ("answer = True", None, "bool", "True"),
        ("answer = [1, 'a', (2,), {3: None}]", None, "list", "[1, 'a', (2,), {3: None}]"),
        ("from fractions import Fraction\nanswer = Fraction(1, 3)", None, "Fraction", "1/3"),
        ("def f(x):\n    return x + 1", "f(41)", "int", "42"),
        ("import sympy\nx = sympy.symbols('x')\nanswer = sympy.solve(x - 3)[0]", None, "Integer", "3"),
        ("import sympy.physics.units as u\nanswer = str(u.meter)", None, "str", "meter"),
        ("if __name__ == '__main__':\n    answer = 1", None, "int", "1"),
    ],
)
def test_values_are_canonical_text(sandbox, code, entry, kind, value):
    result = run(sandbox, code, entry=entry)
    assert (result.status, result.type, result.value) == (Status.OK, kind, value)


def test_an_error_has_its_type_and_line(sandbox):
    result = run(sandbox, "x = 1\nprint('before')\n\n1 / 0")
    assert (result.status, result.type, result.line, result.stdout) == (Status.ERROR, "ZeroDivisionError", 4, "before\n")


def test_output_is_capped(sandbox):
    result = run(sandbox, "print('x' * 10**6)\nanswer = 1")
    assert len(result.stdout) == Limits().stdout_chars
    assert (result.stdout[:5], result.stdout[-2:]) == ("[...]", "x\n")


def test_a_program_too_large_to_send_is_an_error_of_its_own(sandbox):
    assert run(sandbox, "#" * (LARGEST_PROGRAM + 1)).type == "ProgramTooLarge"


def test_programs_do_not_see_each_other(sandbox):
    codes = ["import builtins\nbuiltins.leaked = 1\nanswer = 1", "answer = 'leaked' in dir(__builtins__)"] * 20
    assert {r.value for r in sandbox.execute([Program("x", code) for code in codes])} == {"1", "False"}


def test_a_busy_machine_changes_no_verdict():
    """Six programs that need most of their CPU time each, with far fewer cores than that."""
    work = "import time\nstart = time.process_time()\nwhile time.process_time() - start < 0.6: pass\nanswer = 1"
    stop = threading.Event()
    burners = [threading.Thread(target=_burn, args=(stop,)) for _ in range(4)]
    for burner in burners:
        burner.start()
    with SandboxPool(workers=6, limits=Limits(cpu_seconds=1.0, wall_factor=30)) as pool:
        results = pool.execute([Program("x", work)] * 6)
    stop.set()
    assert {r.status for r in results} == {Status.OK}
    assert all(0.5 < r.seconds < 1.0 for r in results)


def test_a_starved_program_is_judged_by_its_cpu_time_under_the_default_limits():
    work = "import time\nstart = time.process_time()\nwhile time.process_time() - start < 0.3: pass\nanswer = 1"
    cores = len(os.sched_getaffinity(0))
    with SandboxPool(workers=12 * cores, limits=Limits(cpu_seconds=0.5), modules=()) as pool:
        results = pool.execute([Program("x", work)] * 12 * cores)  # each waits for over four times its limit
    assert {r.status for r in results} == {Status.OK}


def test_few_programs_are_spread_over_the_workers(monkeypatch):
    with SandboxPool(workers=3, modules=()) as pool:
        pool.execute([Program("x", "answer = 1")] * 3)
        sent = Counter()
        send = pool_module.Zygote.send
        monkeypatch.setattr(
            pool_module.Zygote, "send", lambda zygote, *rest: (sent.update([zygote.process.pid]), send(zygote, *rest))
        )
        pool.execute([Program("x", "answer = 1")] * 3)
    assert list(sent.values()) == [1, 1, 1]


def test_a_zygote_killed_in_the_middle_of_a_batch_loses_nothing(monkeypatch):
    programs = [Program(str(i), f"answer = {i}") for i in range(200)]
    with SandboxPool(workers=2, modules=()) as pool:
        pool.execute(programs[:2])
        victims = [slot.zygote.process.pid for slot in pool._plain]
        heard = Counter()
        receive = pool_module.Zygote.receive

        def receive_and_kill(zygote):
            heard[zygote.process.pid] += 1
            if heard[zygote.process.pid] == 10 and zygote.process.pid in victims:
                os.kill(zygote.process.pid, signal.SIGKILL)
            return receive(zygote)

        monkeypatch.setattr(pool_module.Zygote, "receive", receive_and_kill)
        results = pool.execute(programs)
        assert [(r.name, r.status, r.value) for r in results] == [(str(i), Status.OK, str(i)) for i in range(200)]
        assert not {slot.zygote.process.pid for slot in pool._plain} & set(victims)


def test_only_the_program_at_fault_is_lost(monkeypatch, caplog):
    """A program whose zygote dies each time it runs, among others."""
    programs = [Program(str(i), "import time\ntime.sleep(1000)" if i == 3 else f"answer = {i}") for i in range(8)]
    flush = pool_module.Zygote.flush

    def flush_and_kill(zygote):
        flush(zygote)
        if 3 in zygote.in_hand:
            os.kill(zygote.process.pid, signal.SIGKILL)

    monkeypatch.setattr(pool_module.Zygote, "flush", flush_and_kill)
    with SandboxPool(workers=1, modules=()) as pool:
        results = pool.execute(programs)
    assert results[3].status is Status.LOST
    assert [r.value for i, r in enumerate(results) if i != 3] == [str(i) for i in range(8) if i != 3]
    assert "1 of 8 programs were lost twice" in caplog.text


@pytest.mark.parametrize("whom", ["the outer process", "process 1"])
def test_a_stopped_zygote_is_replaced(monkeypatch, whom):
    monkeypatch.setattr(host, "LOOK_SECONDS", 0.1)
    with SandboxPool(workers=1, modules=()) as pool:
        run(pool, "answer = 1")
        outer = pool._plain[0].zygote.process.pid
        os.kill(outer if whom == "the outer process" else watch._children(outer)[0], signal.SIGSTOP)
        assert run(pool, "answer = 2").value == "2"
        if whom == "process 1":
            assert pool._plain[0].zygote.process.pid != outer


@pytest.mark.parametrize(
    "code",
    [
        "import time\nwhile True: time.sleep(0.003)",
        "import os, time\nfor i in range(10**6):\n    os.write(3, b' ')\n    time.sleep(0.05)",
        "import time\nwhile True:\n    end = time.process_time() + 0.002\n    while time.process_time() < end: pass\n"
        "    time.sleep(0.1)",
        "import os, time\nos.close(3)\ntime.sleep(1000)",
    ],
    ids=["short sleeps", "a byte at a time", "two per cent", "closes its pipe"],
)
def test_what_sleeps_in_whatever_way_ends_at_its_wall_clock_limit(code):
    with SandboxPool(workers=1, limits=Limits(cpu_seconds=0.5, wall_factor=2), modules=()) as pool:
        result = run(pool, code)
    assert result.status is Status.TIMEOUT
    assert result.seconds < 0.5


def test_closing_ends_every_process():
    pool = SandboxPool(workers=2)
    pool.execute([Program("x", "answer = 1")] * 4)
    pids = [slot.zygote.process.pid for slot in pool._plain]
    pool.close()
    pool.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("limits", [{"cpu_seconds": 0}, {"memory_bytes": -1}])
def test_impossible_limits_are_refused(limits):
    with pytest.raises(ConfigError, match=next(iter(limits))):
        Limits(**limits)


@pytest.mark.parametrize("feature", probe.REQUIRED)
def test_without_protection_it_refuses_and_names_the_option_that_accepts(monkeypatch, feature):
    found = {**probe.features(), feature: None}
    monkeypatch.setattr(probe, "features", lambda: found)
    with pytest.raises(SandboxUnavailableError, match=rf"{feature} is not available.*accept_missing=\[{feature}\]"):
        SandboxPool()
    with SandboxPool(workers=1, accept_missing=[feature]) as pool:
        assert run(pool, "answer = 1").value == "1"


def test_without_namespaces_the_other_layers_hold(monkeypatch):
    with SandboxPool(workers=1, modules=()) as pool:
        pool._plain[0].settings["namespaces"] = False
        for code in ("import os\nos.fork()", "open('/etc/passwd')", "import socket\nsocket.socket()"):
            assert run(pool, code).type == "PermissionError"
        assert pool._plain[0].zygote.ready["namespaces"] is False


@pytest.mark.parametrize(
    "code", ["answer = list({'a', 'b', 'c', 'd', 'e', 'f'})", "import random\nanswer = random.random()", "answer = hash('x')"]
)
def test_a_program_has_one_result(code):
    with SandboxPool(workers=2, modules=()) as pool:
        assert len({result.value for result in pool.execute([Program("x", code)] * 4)}) == 1


def test_nothing_of_an_earlier_program_is_found_in_the_next():
    secret = "'needle' + 'needle'"
    search = (
        "import sys\nfound, frame = [], sys._getframe()\n"
        "while frame:\n    found += [k for k, v in frame.f_locals.items() if 'needle' * 2 in repr(v)]\n"
        "    frame = frame.f_back\nanswer = found"
    )
    with SandboxPool(workers=1, modules=()) as pool:
        run(pool, f"print({secret})\nanswer = {secret}")
        run(pool, "def f(): pass", tests=f"assert f() == {secret}", entry_point="f")
        assert run(pool, search).value == "[]"


def test_a_pool_may_be_used_from_several_threads():
    found = {}
    with SandboxPool(workers=2, modules=()) as pool:

        def use(name):
            found[name] = [r.value for r in pool.execute([Program("x", f"answer = {name}")] * 20)]

        threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert run(pool, "answer = 1").value == "1"
    assert found == {n: [str(n)] * 20 for n in range(4)}


def test_workers_outlive_the_thread_that_first_needed_them(caplog):
    with SandboxPool(workers=1, modules=()) as pool:
        thread = threading.Thread(target=run, args=(pool, "answer = 1"))
        thread.start()
        thread.join()
        worker = pool._plain[0].zygote.process
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(0.5)
        assert run(pool, "answer = 2").value == "2"
        assert pool._plain[0].zygote.process is worker
    assert not caplog.records


def test_much_output_does_not_cost_the_answer(sandbox):
    assert run(sandbox, "print('\\U0001F600' * 20000)\nanswer = 42").value == "42"
    assert (
        len(run(sandbox, "import sys\nsys.stdout.cap = 10**12\nprint('x' * 60000)\nanswer = 1").stdout) <= Limits().stdout_chars
    )


class TestUnitTests:
    @pytest.mark.parametrize(
        ("code", "tests", "status", "kind"),
        [
            ("def f(a, b):\n    return a + b", "assert f(1, 2) == 3\nassert f('a', b='b') == 'ab'", "ok", "tests"),
            ("def f(a, b):\n    return a - b", "assert f(1, 2) == 3", "error", "AssertionError"),
            ("def f(a):\n    return a[::-1]", "def check(candidate):\n    assert candidate([1, 2]) == [2, 1]", "ok", "tests"),
            ("def f():\n    return (1, {2: [3]}, {4}, set(), float('inf'))",
             "assert f() == (1, {2: [3]}, {4}, set(), float('inf'))", "ok", "tests"),
            ("def f(a):\n    return 1 / 0", "assert f(1)", "error", "ZeroDivisionError"),
            ("def g(a):\n    return 1", "assert f(1)", "error", "NameError"),
            ("def f(a):\n    raise ValueError", "try:\n    f(1)\nexcept ValueError:\n    pass", "ok", "tests"),
            ("garbage(((", "", "error", "NothingTested"),
            ("def f(a):\n    return 1", "def check(candidate):\n    pass", "error", "NothingTested"),
            ("def f(:", "assert f(1)", "error", "SyntaxError"),
            ("def f(a):\n    while True: pass", "assert f(1)", "timeout", ""),
            ("import math\ndef f(a):\n    return math.sqrt(a)",
             "assert abs(f(2) - 1.41421356) < 1e-6", "ok", "tests"),
        ],
    )  # fmt: skip
    def test_outcomes(self, sandbox, code, tests, status, kind):
        result = run(sandbox, code, tests=tests, entry_point="f")
        assert (result.status, result.type) == (status, kind)

    @pytest.mark.parametrize("code", FORGERS)
    def test_no_pass_is_forged(self, sandbox, code):
        honest = Program("y", "def f(a):\n    return 0", tests="assert f(41) == 1234567", entry_point="f")
        sandbox.execute([honest] * 4)  # what earlier tests may have left in a zygote
        result = run(sandbox, code, tests="assert f(41) == 1234567", entry_point="f")
        assert result.value != "passed"
        assert result.status in (Status.ERROR, Status.CRASHED)

    @pytest.mark.parametrize(
        "test", ["abs(f(2) - 1.5) < 1e-6", "f(2) > 1", "3 * f(2) == 6", "math.isclose(f(2), 2)", "-f(2) < 0"]
    )
    @pytest.mark.parametrize("own", ["__slots__ = ()", "__lt__ = __gt__ = __sub__ = __mul__ = __float__ = lambda *_: 1 / 0"])
    @pytest.mark.parametrize(
        "under_test", ["class A:\n    {}\nf = lambda a: A()", "class f:\n    {}\n    def __init__(self, a): pass"]
    )
    def test_no_object_of_a_programs_own_makes_its_tests_unjudged(self, sandbox, test, own, under_test):
        result = run(sandbox, under_test.format(own), tests=f"import math\nassert {test}", entry_point="f")
        assert (result.status, result.type) == (Status.ERROR, "TypeError")

    def test_what_tests_ask_of_a_class_that_they_name_is_unjudged(self, sandbox):
        code = (
            "class P:\n    def __init__(self, x): self.x = x\n    __lt__ = lambda self, o: self.x < o.x\ndef f(a): return P(a)"
        )
        assert run(sandbox, code, tests="assert f(1) < P(2)", entry_point="f").status == Status.REFUSED


def _burn(stop):
    while not stop.is_set():
        sum(range(10_000))
