import os
import subprocess
import sys

import pytest
from joblib.externals.loky import ProcessPoolExecutor

from mmst.errors import ConfigError
from mmst.judges.asking import Asked
from mmst.methods.method import Reading
from mmst.types import AnswerKind, Problem
from tests.conftest import ROOT
from tests.judges import own

PROBLEM = Problem("p", "?", "abc", AnswerKind.TEXT)


def asked(judge, *answers, seconds=30.0):
    with Asked(judge, seconds) as process:
        return process.judge([PROBLEM] * len(answers), [Reading(answer, "marked") for answer in answers])


def test_a_function_of_ones_own_judges():
    assert [said.verdict for said in asked(own.long_enough, "abcd", "a")] == ["right", "wrong"]


def test_a_judge_is_asked_from_a_process_of_lokys_as_arms_side_by_side_are_in():
    """A process that is started tells its start method to those that it starts, and they know no `loky`."""
    with ProcessPoolExecutor(max_workers=1) as pool:
        said = pool.submit(asked, own.long_enough, "abcd", "a").result()
    assert [row.verdict for row in said] == ["right", "wrong"]


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (own.raises, "the judge raised KeyError"),
        (own.talks, "the judge returned {'score': 0.5}"),
        (own.leaves, "the judge's process ended"),
    ],
)
def test_what_a_judge_does_wrong_is_unjudged_with_its_reason(judge, reason, caplog):
    said = asked(judge, "a", "b")
    assert {row.verdict for row in said} == {"unjudged"}
    assert all(row.reason.startswith(reason) for row in said)
    assert "judge: 2 of 2 are unjudged" in caplog.text


def test_a_judge_that_hangs_costs_one_sample_its_verdict():
    said = asked(own.hangs, "hang", "a", seconds=10.0)  # the second answer comes at once: only a hang takes ten
    assert [row.verdict for row in said] == ["unjudged", "right"]
    assert said[0].reason == "the judge took more than 10 seconds"


def test_a_reading_that_failed_is_not_asked_about():
    with Asked(own.raises) as process:
        (said,) = process.judge([PROBLEM], [Reading(None, "lost", judged=False)])
    assert (said.verdict, said.reason) == ("unjudged", "lost")


def test_a_judge_that_cannot_be_sent_is_one_sentence():
    with pytest.raises(ConfigError, match="define its class in a module"):
        Asked(lambda problem, reading: True)


SCRIPT = """
from mmst.judges.asking import Asked
from mmst.methods.method import Reading
from mmst.types import Problem
from tests.judges import own

with Asked(own.long_enough) as asked:
    asked.judge([Problem("p", "?", "1")], [Reading("1", "marked")])
"""


def test_a_script_without_a_guard_is_told_of_it(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(tmp_path / "script.py")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "a script must call this under `if __name__ == '__main__':`" in finished.stderr.splitlines()[-1]
    assert "AttributeError" not in finished.stderr
