"""The hardest third of the problems: told by the base's samples, measured by what is there already."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.hardest import hardest, with_hardest
from mmst.ledger.ledger import Ledger
from mmst.measuring import Evaluation, measured_arm
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.types import Verdict
from tests.stages.conftest import graded_sample
from tests.test_pipeline import PROBLEMS, TEXT, WRONG

TESTS = ProblemSet("test", PROBLEMS.problems[:6])
GREEDY = SamplingParams(temperature=0)


def rows(shares):
    """Three samples of each problem, of which so many are right; None: all unjudged."""
    for id, share in shares.items():
        for number in range(3):
            verdict = Verdict.UNJUDGED if share is None else Verdict.RIGHT if number < share else Verdict.WRONG
            yield graded_sample("?", None, verdict, number, id)


def test_the_third_with_the_smallest_share_of_right_samples():
    assert hardest(rows({"a": 3, "b": 0, "c": 2, "d": 1, "e": 3, "f": 2})) == {"b", "d"}


def test_what_no_verdict_tells_is_not_hard():
    assert hardest(rows({"a": None, "b": 3, "c": 2, "d": 3})) == {"c"}
    assert hardest(rows({"a": None})) == set()


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 3), max_size=12), st.randoms())
def test_neither_order_nor_ties_decide(shares, random):
    shuffled = list(rows(shares))
    random.shuffle(shuffled)
    found = hardest(shuffled)
    assert found == hardest(rows(shares))
    assert len(found) == len(shares) // 3
    assert all(shares[hard] <= shares[other] for hard in found for other in shares.keys() - found)


def test_greedy_answers_are_drawn_once_and_the_bases_samples_tell(tmp_path, methods, sandbox, nano):
    hard, asked = {problem.question for problem in TESTS.problems[:2]}, []

    def counted(prompt, seed):
        asked.append(prompt)
        return WRONG if any(question in prompt for question in hard) else TEXT

    text = {"text": methods["text"]}
    pipeline = Pipeline(Ledger(tmp_path / "ledger"), text, PromptWriter(), ScriptedSampler(counted), sandbox, seed=0, chunk=10)
    evaluation = Evaluation(GREEDY, hardest=2, sampled=replace(GREEDY, temperature=0.7))
    base = Checkpoint(nano)
    results = [measured_arm(pipeline, evaluation, "base", 0, base, [TESTS])]
    before = len(asked)
    found, sets = with_hardest(pipeline, evaluation, base, results, [TESTS])
    assert len(asked) - before == 2 * len(TESTS.problems)
    assert [part.name for part in sets] == ["test", "hardest third of test"]
    assert {problem.question for problem in sets[1].problems} == hard
    assert found[0].outcomes["hardest third of test"]["text"] == {problem.id: False for problem in sets[1].problems}
    assert found[0].outcomes["test"] == results[0].outcomes["test"]


@pytest.mark.parametrize(("count", "verdict", "drawn"), [(2, TEXT, 0), (3, None, 6)])
def test_too_few_problems_have_no_hardest_third_and_that_is_said(
    tmp_path, methods, sandbox, nano, caplog, count, verdict, drawn
):
    """Of two there is no third; of three that nobody could judge neither."""
    asked = []
    sampler = ScriptedSampler(lambda prompt, seed: asked.append(prompt) or TEXT)
    problems = [p if verdict else replace(p, answer="") for p in PROBLEMS.problems[:count]]
    few = ProblemSet("few", tuple(problems))
    text = {"text": methods["text"]}
    pipeline = Pipeline(Ledger(tmp_path), text, PromptWriter(), sampler, sandbox, seed=0, chunk=10)
    evaluation = Evaluation(GREEDY, hardest=2, sampled=replace(GREEDY, temperature=0.7))
    base = Checkpoint(nano)
    results = [measured_arm(pipeline, evaluation, "base", 0, base, [few])]
    before = len(asked)
    assert with_hardest(pipeline, evaluation, base, results, [few]) == (results, [few])
    assert len(asked) - before == drawn
    (said,) = [record.message for record in caplog.records if "hardest" in record.message]
    assert said.startswith(
        f"evaluation.hardest: few has fewer than 3 problems{'' if verdict else ' that were judged'}, too few"
    )


def test_nothing_is_drawn_where_nothing_is_asked(tmp_path, methods, sandbox, nano):
    pipeline = Pipeline(Ledger(tmp_path), methods, PromptWriter(), ScriptedSampler(lambda *_: 1 / 0), sandbox, seed=0, chunk=9)
    assert with_hardest(pipeline, Evaluation(GREEDY), Checkpoint(nano), [], [TESTS]) == ([], [TESTS])
