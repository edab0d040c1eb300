"""What is installed: the wheel's content, the command in a bare environment, and how `make` installs."""

import importlib.util
import os
import subprocess
import sys
import venv
import zipfile

import pytest

from tests.conftest import ROOT

CI = importlib.util.spec_from_file_location("ci_install", ROOT / ".ci" / "install.py")
install = importlib.util.module_from_spec(CI)
CI.loader.exec_module(install)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_all_that_a_run_reads(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (points,) = (archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    expected = {
        f"mmst/{path.relative_to(ROOT)}" for folder in ("configs", "sweeps") for path in (ROOT / folder).rglob("*.yaml")
    }
    tracked = subprocess.run(["git", "ls-files", "mmst"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert {"mmst/configs/train.yaml", "mmst/sweeps/main.yaml", "mmst/nano/checkpoint/model.safetensors"} <= names
    assert {"mmst/reporting/page/page.html.j2", "mmst/methods/prompts/default/number.yaml"} <= names
    assert {name for name in expected if "/local/" not in name} | set(tracked) <= names
    assert not [name for name in names if name.startswith("tests/")]
    assert "mmst = mmst.cli.main:main" in points


@pytest.mark.soak
def test_the_wheel_runs_in_a_bare_environment_and_an_empty_folder(wheel, tmp_path):
    venv.create(tmp_path / "bare", with_pip=True)
    binaries, empty = tmp_path / "bare" / "bin", tmp_path / "empty"
    empty.mkdir()
    constraint = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([binaries / "python", ROOT / ".ci" / "install.py", *constraint, "torch", wheel], check=True)
    outside = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def mmst(*words):
        done = subprocess.run([binaries / "mmst", *words], cwd=empty, env=outside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for job in ("train", "eval", "generate"):
        assert mmst(job, "debug=tiny").splitlines()[-1].startswith("results: ")
    assert "runs/train/debug-tiny" in mmst("runs")
    mmst("report", "runs/train/debug-tiny")
    assert (empty / "runs" / "train" / "debug-tiny" / "report.html").is_file()


def test_pips_settings_are_handed_on_to_uv():
    settings = {
        "index-url": ["https://a/simple"],
        "extra-index-url": ["https://b/simple", "https://c/simple"],
        "find-links": ["/wheels"],
        "constraint": ["/c.txt"],
        "trusted-host": ["b"],
        "timeout": ["60"],
    }
    flags, environment = install.handed_on(settings)
    pairs = list(zip(flags[::2], flags[1::2], strict=True))
    assert pairs == [
        ("--default-index", "https://a/simple"),
        ("--index", "https://b/simple"),
        ("--index", "https://c/simple"),
        ("--find-links", "/wheels"),
        ("--constraint", "/c.txt"),
        ("--allow-insecure-host", "b"),
    ]
    assert environment == {"UV_NATIVE_TLS": "true"}


@pytest.mark.parametrize(("said", "flags"), [("1", ["--no-index"]), ("true", ["--no-index"]), ("0", []), ("no", [])])
def test_no_index_and_a_certificate_are_handed_on(said, flags):
    assert install.handed_on({"no-index": [said], "cert": ["/ca.pem"]}) == (flags, {"SSL_CERT_FILE": "/ca.pem"})


def test_pips_variables_stand_above_its_files(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text(
        "[global]\nfind-links = /file\ntimeout = 7\n[install]\nextra-index-url = https://a\n  https://b\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/one /two")
    found = install.pip_settings()
    assert found["find-links"] == ["/one", "/two"]
    assert found["timeout"] == ["7"]
    assert found["extra-index-url"] == ["https://a", "https://b"]


def test_the_program_is_what_the_variable_names_or_pip_if_it_is_empty(monkeypatch):
    monkeypatch.setenv("UV", "/my/uv")
    assert install.program() == "/my/uv"
    monkeypatch.setenv("UV", "")
    assert install.program() is None


def test_the_one_on_the_path_is_taken(monkeypatch, tmp_path):
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    own = tmp_path / "uv"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert install.program() == str(own)


def test_pip_is_gone_back_to_in_one_sentence(monkeypatch, tmp_path, capsys):
    """An interpreter without pip stands for a registry without uv."""
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(install.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(install, "PIP", ("/bin/false",))
    assert install.program() is None
    assert capsys.readouterr().err.count("\n") == 1
