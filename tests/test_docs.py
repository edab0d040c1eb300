"""What the documentation tells a user to write, runs."""

import os
import re

from tests.conftest import ROOT

METHODS = (ROOT / "docs" / "methods.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", METHODS, re.DOTALL).group(1)


def test_the_method_of_the_documentation_runs(runs):
    code = block("python")
    assert len(code.splitlines()) < 60
    (runs.folder / "rpn.py").write_text(code)
    (runs.folder / "my_configs" / "solvers").mkdir(parents=True)
    (runs.folder / "my_configs" / "solvers" / "rpn.yaml").write_text(block("yaml"))
    arguments = ["--config-dir", "my_configs", "solvers=[text,code,rpn]", "debug=tiny"]
    assert f"train.py {' '.join(arguments)}" in METHODS.replace("'", "")
    path = f"{runs.folder}:{ROOT}"
    finished = runs.run("train.py", *arguments, "arms=[]", env={**os.environ, "PYTHONPATH": path})
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
    assert [reading.answer for reading in method.read_all(solutions, problems, None)] == [p.answer for p in problems]
    assert method.read_all(["3 +", "three", "1 0 /"], problems[:3], None)[0].answer is None
    assert method.leaks(problems[0], "12", "12")
