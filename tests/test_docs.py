"""What the documentation tells a user to write, runs."""

import os
import re
import subprocess
import sys

from tests.conftest import ROOT

METHODS = (ROOT / "docs" / "methods.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", METHODS, re.DOTALL).group(1)


def test_the_method_of_the_documentation_runs(tmp_path):
    code = block("python")
    assert len(code.splitlines()) < 60
    (tmp_path / "rpn.py").write_text(code)
    (tmp_path / "my_configs" / "methods" / "part").mkdir(parents=True)
    (tmp_path / "my_configs" / "methods" / "part" / "rpn.yaml").write_text(block("yaml"))
    arguments = ["--config-dir", "my_configs", "+methods/part@methods.rpn=rpn", "debug=tiny", "arms=[]"]
    assert f"train.py {' '.join(arguments[:-1])}" in METHODS
    finished = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *arguments, f"paths.ledger={tmp_path / 'ledger'}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    for edge in ("rpn -> rpn", "code -> rpn", "rpn -> text"):
        assert edge in finished.stdout


def test_the_method_of_the_documentation_reads_what_it_renders(tmp_path, monkeypatch):
    from mmst.datasets.arithmetic.world import draw_problems
    from mmst.methods.prompt import PromptFormat

    (tmp_path / "rpn_of_docs.py").write_text(block("python"))
    monkeypatch.syspath_prepend(tmp_path)
    from rpn_of_docs import RpnMethod

    method = RpnMethod(PromptFormat(cue="Notation:", lead=" "))
    problems = draw_problems("validation", 60, 1)
    solutions = [method.render(problem.derivation) for problem in problems]
    assert [reading.answer for reading in method.read(solutions, problems, None)] == [p.answer for p in problems]
    assert method.read(["3 +", "three", "1 0 /"], problems[:3], None)[0].answer is None
    assert method.leaks(problems[0], "12", "12")
