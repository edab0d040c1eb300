import json
import subprocess
import sys


def sandbox(*arguments):
    command = [sys.executable, "-m", "mmst.sandbox", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_of_programs_becomes_a_file_of_results(tmp_path):
    programs = [
        {"name": "a", "code": "answer = 1"},
        {"name": "b", "code": "def f(x): return x", "entry": "f(2)"},
        {"name": "c", "code": "def f(x): return x", "tests": "assert f(3) == 3", "entry_point": "f"},
        {"name": "d", "code": "1 / 0"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, programs)))
    assert sandbox(tmp_path / "in.jsonl", tmp_path / "out.jsonl").returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(r["name"], r["status"], r["type"], r["value"]) for r in rows] == [
        ("a", "ok", "int", "1"),
        ("b", "ok", "int", "2"),
        ("c", "ok", "tests", "passed"),
        ("d", "error", "ZeroDivisionError", ""),
    ]
    assert all({"stdout", "seconds"} <= set(row) for row in rows)


def test_what_protects_is_printed():
    shown = sandbox("--check")
    assert shown.returncode in (0, 2)
    assert "seccomp" in shown.stdout
    assert "landlock" in shown.stdout


def test_bad_files_are_one_sentence_with_the_line(tmp_path):
    for content, words in (
        ("{", "line 1: not a program"),
        ('{"name": "a"}', "code"),
        ('{"name":"a","code":"","tests":""}', "go together"),
    ):
        (tmp_path / "in.jsonl").write_text(content)
        finished = sandbox(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
        assert finished.returncode == 2
        assert words in finished.stderr
        assert len(finished.stderr.strip().splitlines()) == 1
    assert "there is no file" in sandbox(tmp_path / "no", tmp_path / "out").stderr


def test_too_few_open_files_are_one_sentence(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"name": "a", "code": "answer = 1"}')
    command = f"ulimit -n 64; exec {sys.executable} -m mmst.sandbox {tmp_path}/in.jsonl {tmp_path}/out.jsonl"
    finished = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "may open 64 files, and running programs needs 128" in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
