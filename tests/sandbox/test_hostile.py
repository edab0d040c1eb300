"""Programs that mean harm, by class: each is stopped, reported with the right type, and leaves the host as it was.

Run twice: as the user of the tests, and, where the tests run as root, as an ordinary user.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "tests" / "cases" / "hostile.json").read_text())
CANARY = Path(tempfile.gettempdir()) / "mmst_canary"
MADE = [Path(tempfile.gettempdir()) / "mmst_made", Path("/mmst_made"), ROOT / "mmst_made"]
NOBODY = 65534
STARTS_ITSELF = "import subprocess, sys, mmst.sandbox.pool; subprocess.run([sys.executable, '-c', ''], check=True)"


def test_there_are_enough_of_them():
    assert len(CASES) >= 60
    assert len({case["class"] for case in CASES}) >= 12


@pytest.fixture(scope="module", params=["this user", "an ordinary user"])
def results(request):
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    command = [sys.executable]
    if request.param == "an ordinary user":
        command = _as_nobody()
    programs = [{"name": case["name"], "code": case["code"]} for case in CASES] + [{"name": "alive", "code": "answer = 6 * 7"}]
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, programs)))
    CANARY.write_text("canary")
    CANARY.chmod(0o666)
    before = _processes()
    finished = subprocess.run(
        [*command, "-m", "mmst.sandbox", str(folder / "in.jsonl"), str(folder / "out.jsonl"), "--cpu-seconds", "0.5"],
        env={**os.environ, "MMST_SECRET": "MMST_SECRET_VALUE", "PYTHONPATH": _path(), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1800,  # only a hang takes as long
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    yield {row["name"]: row for row in map(json.loads, (folder / "out.jsonl").read_text().splitlines())}
    assert _processes() <= before
    CANARY.unlink()
    shutil.rmtree(folder)


def _path():
    return f"{ROOT}:{sysconfig.get_path('purelib')}"


def _as_nobody():
    """An interpreter of this version that an ordinary user can start."""
    if os.getuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv")
    for name in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", name]
        asked = subprocess.run(
            [*command, "-c", STARTS_ITSELF], env={"PYTHONPATH": _path()}, cwd="/", capture_output=True, check=False
        )
        if asked.returncode == 0:
            return command
    pytest.skip("no interpreter of this version is readable by an ordinary user")


def _processes():
    """Zygotes of this checkout that are running now, without those that tests in another process have made."""
    here, found = str(ROOT).encode(), set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
            if b"zygote.py" in command and here in command and not _of_another_worker(int(path.parent.name)):
                found.add(path.parent.name)
        except OSError:
            continue
    return found


def _of_another_worker(pid):
    """Whether an ancestor is the process that started this one (it has started the others too), and this one is not."""
    line = []
    while pid > 1:
        line.append(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return "PYTEST_XDIST_WORKER" in os.environ and os.getppid() in line and os.getpid() not in line


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['class']}: {case['name']}")
def test_it_is_stopped_and_reported_as_what_it_is(results, case):
    result = results[case["name"]]
    assert result["status"] in case["status"], result
    for key in ("type", "value"):
        if key in case:
            assert result[key] == case[key], result
    assert "MMST_SECRET_VALUE" not in json.dumps(result)


def test_the_pool_is_alive_afterwards_and_the_host_untouched(results):
    assert (results["alive"]["status"], results["alive"]["value"]) == ("ok", "42")
    assert CANARY.read_text() == "canary"
    assert CANARY.stat().st_mode & 0o777 == 0o666
    assert not any(path.exists() for path in MADE)
    assert len(results) == len(CASES) + 1
