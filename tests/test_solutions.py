from dataclasses import replace

import pytest

from mmst.choosing import experienced, gathered, with_hidden
from mmst.ledger.ledger import Ledger
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.policies.router import Router
from mmst.policies.verifier import Verifier
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.solutions import judged_solutions, solution_states
from tests.test_pipeline import PROBLEMS, TEXT, script

GREEDY, SAMPLED = SamplingParams(0.0), SamplingParams(1.0)
TRAIN, TESTS = ProblemSet("train", PROBLEMS.problems[:6]), ProblemSet("test", PROBLEMS.problems[6:])


class Reading(ScriptedSampler):
    """Holds of a solution whether it is the right one."""

    read = ()

    def hidden_solutions(self, solutions):
        self.read = [*self.read, *solutions]
        return [[float("7" not in row.completion), 1.0] for row in solutions]


@pytest.fixture
def made(tmp_path, methods, sandbox):
    def make(sampler=None):
        sampler = sampler or Reading(script)
        return sampler, Pipeline(Ledger(tmp_path / "ledger"), methods, PromptWriter(), sampler, sandbox, seed=0, chunk=3)

    return make


def graded(pipeline, nano, problems, params, count):
    return {m: pipeline.graded(Checkpoint(nano), m, problems, params, 1, count) for m in pipeline.methods}


def test_a_verifier_is_fitted_to_training_samples_and_chooses_among_the_test_samples(made, nano):
    sampler, pipeline = made()
    checkpoint, policy = Checkpoint(nano), Verifier(2, {"text": 2})
    rows = graded(pipeline, nano, TRAIN, SAMPLED, 4)
    found = experienced(pipeline, [policy], checkpoint, TRAIN, rows)
    model = policy.fit(with_hidden(pipeline, checkpoint, [policy], found))
    assert len({(row.problem_id, row.edge, row.completion) for row in sampler.read}) == len(sampler.read)
    greedy, drawn = graded(pipeline, nano, TESTS, GREEDY, 1), graded(pipeline, nano, TESTS, SAMPLED, 4)
    cases = gathered(pipeline, checkpoint, [policy], TESTS, greedy, drawn, GREEDY)
    assert [len(case.samples["text"]) for case in cases] == [4] * 4
    assert all([attempt.state is not None for attempt in case.samples["text"]] == [True, True, False, False] for case in cases)
    for case, choice in zip(cases, model.choose(cases), strict=True):
        assert choice.answer == ("12" if any(a.answer == "12" for a in case.samples["text"][:2]) else "7")


def test_what_was_read_is_kept_until_a_solution_or_the_checkpoint_differs(made, nano):
    sampler, pipeline = made()
    solutions = judged_solutions(pipeline, TRAIN, graded(pipeline, nano, TRAIN, SAMPLED, 2), 6).examples
    first = solution_states(pipeline, Checkpoint(nano), "train", solutions)
    count = len(sampler.read)
    again, pipeline = made()
    assert solution_states(pipeline, Checkpoint(nano), "train", solutions).tolist() == first.tolist()
    assert (count, len(again.read)) == (len(solutions), 0)
    for field in ("prompt", "completion"):
        sampler, pipeline = made()
        solution_states(pipeline, Checkpoint(nano), "train", [replace(solutions[0], **{field: TEXT}), *solutions[1:]])
        assert len(sampler.read) == len(solutions)


def test_no_more_problems_are_read_than_asked_for(made, nano):
    _, pipeline = made()
    rows = graded(pipeline, nano, TRAIN, SAMPLED, 2)
    assert {row.problem_id for row in judged_solutions(pipeline, TRAIN, rows, 3).examples} == {"p0", "p2", "p4"}


def test_engines_that_do_not_read_and_policies_that_do_not_ask_have_no_states(made, nano):
    _, pipeline = made(ScriptedSampler(script))
    assert solution_states(pipeline, Checkpoint(nano), "train", []) is None
    sampler, pipeline = made()
    rows = graded(pipeline, nano, TRAIN, SAMPLED, 2)
    assert experienced(pipeline, [Router()], Checkpoint(nano), TRAIN, rows).solutions is None
    assert not sampler.read
