"""The same completions of GSM8K, judged here and by lm-evaluation-harness: every difference has a reason."""

from pathlib import Path

import pytest
import yaml

from mmst.answers.equality import verdict_of
from mmst.answers.reading import stated_answer
from mmst.datasets.catalog import read_split
from mmst.types import Problem, Verdict
from tests.conftest import REAL_DATA

lm_eval = pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed")

FORMS = {
    "theirs": "{rationale}\n#### {answer}",
    "stated": "{rationale}\nThe answer is {answer}.",
    "dollars": "{rationale}\nThe answer is ${answer}.",
    "runs on": "{rationale}\n#### {answer}\n\nQuestion: How many are 4 and 1?\nAnswer: 5",
    "boxed": "{rationale}\nSo it is \\boxed{{{answer}}}.",
    "decimals": "{rationale}\nThe answer is {answer}.00.",
    "remark": "{rationale}\nThe answer is {answer}, found in 7 steps.",
    "twice": "#### {answer}, no, wait.\n{rationale}\n#### {other}",
    "none": "I do not know.",
}
"""Ways to write an answer; `other` is a wrong one where `answer` is right, and the other way round."""
REASONS = {
    "stated": "strict-match reads `####` alone",
    "dollars": "strict-match reads `####` alone",
    "boxed": "strict-match reads `####` alone",
    "decimals": "strict-match reads `####` alone; flexible-extract compares texts, so that 18.00 is not 18",
    "remark": "strict-match reads `####` alone; flexible-extract takes the last number, whatever it says",
    "twice": "strict-match takes the first `####`, mmst and flexible-extract the last one",
}
"""Why a form is judged otherwise."""
DIFFER = {
    "strict-match": {"stated", "dollars", "boxed", "decimals", "remark", "twice"},
    "flexible-extract": {"decimals", "remark"},
}
"""The forms that each filter of the task judges otherwise than mmst, by their reasons."""


@pytest.fixture(scope="module")
def task():
    return yaml.safe_load((Path(lm_eval.__file__).parent / "tasks" / "gsm8k" / "gsm8k.yaml").read_text())


@pytest.fixture(scope="module")
def problems():
    """GSM8K's where it is there, else some of its kind."""
    if REAL_DATA.is_dir():
        return read_split("gsm8k", "test", str(REAL_DATA))[:300]
    return [
        Problem(str(i), "?", str(answer), rationale=f"It is {answer} - 1 + 1.") for i, answer in enumerate((18, 3, 1234, 70000))
    ]


def harness_verdicts(task, name, completion, gold):
    """Whether lm-evaluation-harness finds a completion right, by its own classes and its own task file."""
    from lm_eval.api.metrics import exact_match_hf_evaluate
    from lm_eval.filters.extraction import RegexFilter

    for stop in task["generation_kwargs"]["until"]:
        completion = completion.split(stop)[0]
    (steps,) = [row["filter"] for row in task["filter_list"] if row["name"] == name]
    options = {key: value for key, value in steps[0].items() if key != "function"}
    ((found,),) = RegexFilter(**options).apply([[completion]], [{}])
    (metric,) = task["metric_list"]
    keys = ("regexes_to_ignore", "ignore_case", "ignore_punctuation")
    return bool(exact_match_hf_evaluate([found], [f"... #### {gold}"], **{key: metric[key] for key in keys})["exact_match"])


@pytest.mark.parametrize("name", DIFFER)
def test_every_difference_has_a_reason(task, problems, name):
    differ, alike = set(), set()
    for problem in problems:
        for answer, other in ((int(problem.answer), int(problem.answer) + 1), (int(problem.answer) + 1, int(problem.answer))):
            for form, text in FORMS.items():
                completion = text.format(rationale=problem.rationale, answer=answer, other=other)
                ours = verdict_of(stated_answer(completion)[0], problem)[0] is Verdict.RIGHT
                theirs = harness_verdicts(task, name, completion, problem.answer)
                (alike if ours == theirs else differ).add(form)
                if form in ("theirs", "runs on"):
                    assert ours == theirs == (answer == int(problem.answer)), completion
    assert differ == DIFFER[name]
    assert differ <= REASONS.keys()
    assert {"theirs", "runs on", "none"} <= alike - differ
