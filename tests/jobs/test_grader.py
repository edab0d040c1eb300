import pytest

from mmst.errors import ConfigError
from mmst.jobs.grader import Grader

FORMAT = {"_target_": "mmst.methods.prompt.PromptFormat", "cue": "", "lead": ""}
TEXT = {"_target_": "mmst.methods.text.TextMethod", "format": FORMAT}
CODE = {"_target_": "mmst.methods.code.CodeMethod", "format": FORMAT}
SANDBOX = {"_target_": "mmst.sandbox.pool.SandboxPool", "workers": 1, "modules": []}
PROBLEM = {"id": "p", "question": "How many nuts are 3 bags of 4?", "answer": "12"}
STEPS = [{"label": "nuts", "left": "3", "operator": "*", "right": "4", "value": "12"}]


@pytest.mark.parametrize(
    ("node", "completion", "verdict"),
    [
        (TEXT, "3 * 4 = 12. The answer is 12.", "right"),
        (TEXT, "The answer is 13.", "wrong"),
        (TEXT, "", "no_answer"),
        (CODE, "def solution():\n    return 3 * 4", "right"),
        (CODE, "def solution():\n    return 13", "wrong"),
        (CODE, "def solution():\n    return 1 / 0", "no_answer"),
    ],
)
def test_a_completion_is_judged_as_a_runs_samples_are(node, completion, verdict):
    assert Grader.of(node, SANDBOX, None).grade(PROBLEM, completion)["verdict"] == verdict


@pytest.mark.parametrize("node", [TEXT, CODE], ids=["text", "code"])
def test_a_gold_solution_is_written_by_the_method(node):
    made = Grader.of(node, SANDBOX, None)
    assert made.accepts_gold({**PROBLEM, "derivation": STEPS}) is True
    assert made.accepts_gold({**PROBLEM, "derivation": STEPS, "answer": "13"}) is False
    assert made.accepts_gold(PROBLEM) is True
    assert made.accepts_gold({**PROBLEM, "answer": "", "kind": "tests", "tests": ["assert True"]}) is None


def test_a_judge_of_the_users_decides():
    """It is asked in one process, for all that this grader judges."""
    made = Grader.of(TEXT, SANDBOX, {"_target_": "mmst.judges.kinds.Regex"})
    problem = {**PROBLEM, "answer": "1[0-9]"}
    said = [made.grade(problem, f"The answer is {answer}.")["verdict"] for answer in (12, 21)]
    assert said == ["right", "wrong"]


def test_a_method_that_is_not_installed_here_is_named():
    with pytest.raises(ConfigError, match="gone_package"):
        Grader.of({"_target_": "gone_package.Mine", "format": FORMAT}, SANDBOX, None)
