"""The judge that docs/judging.md prints, run as it stands there."""

import re
import textwrap

from mmst.methods.method import Reading
from mmst.types import Problem
from tests.conftest import ROOT


def test_the_judge_of_the_documentation_runs_as_printed(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "judging.md").read_text()
    block = re.search(r"(?:^ {4}.*\n|^\n)+", text[text.index("    from dataclasses") :], re.MULTILINE)
    (tmp_path / "near_judge.py").write_text(textwrap.dedent(block[0]))
    monkeypatch.syspath_prepend(str(tmp_path))
    from near_judge import Near

    problem = Problem("p", "?", "100")
    said = [Near()(problem, Reading(answer, "marked")) for answer in ("100.5", "102", None)]
    assert said == ["right", "wrong", "no_answer"]
