import pytest

from mmst.choosing import gathered, hidden_states
from mmst.ledger.ledger import Ledger
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.policies.prove import Prove
from mmst.policies.router_hidden import HiddenRouter
from mmst.policies.select import Select
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from tests.test_pipeline import CODE, PROBLEMS

GREEDY = SamplingParams(0.0)
TESTS = ProblemSet("test", PROBLEMS.problems[:4])
SELECT = Select(PromptFormat("Right solution:", " ", exemplars="select", key="right"))


@pytest.fixture
def asked(tmp_path, methods, sandbox, nano):
    """The cases of a model that answers as it is told, and the prompts that it was shown."""

    def run(text, picks, policies):
        shown = []

        def reply(prompt, seed):
            shown.append(prompt)
            if prompt.endswith("Right solution:"):
                return picks(prompt)
            return CODE if prompt.endswith("Program:") else text

        sampler = ScriptedSampler(reply)
        pipeline = Pipeline(Ledger(tmp_path / "ledger"), methods, PromptWriter(), sampler, sandbox, seed=0, chunk=3)
        greedy = {name: pipeline.graded(Checkpoint(nano), name, TESTS, GREEDY, 0, 1) for name in methods}
        found = gathered(pipeline, Checkpoint(nano), policies, TESTS, greedy, {}, GREEDY)
        return found, [prompt for prompt in shown if prompt.endswith("Right solution:")]

    return run


def code_is_right(prompt):
    return " A" if prompt.index("def ") < prompt.index("Solution B") else " B"


def test_the_model_is_asked_twice_about_answers_that_differ_and_a_second_time_the_ledger_answers(asked):
    found, shown = asked(" It is 1. The answer is 1.", code_is_right, [SELECT])
    assert len(shown) == 2 * len(TESTS.problems)
    assert all([pick.method for pick in case.picks["select"]] == ["code", "code"] for case in found)
    assert [choice.method for choice in SELECT.choose(found)] == ["code"] * 4
    again, shown = asked(" It is 1. The answer is 1.", code_is_right, [SELECT])
    assert again == found
    assert not shown


def test_a_model_that_always_names_the_first_solution_is_not_followed(asked):
    found, _ = asked(" It is 1. The answer is 1.", lambda prompt: " A", [SELECT])
    assert {choice.confidence for choice in SELECT.choose(found)} == {0.5}


def test_hidden_states_come_from_engines_that_give_them_and_are_kept(tmp_path, methods, sandbox, nano):
    class Reading(ScriptedSampler):
        def hidden(self, texts):
            self.calls += len(texts)
            return [[len(text), 0.5] for text in texts]

    def states(sampler):
        pipeline = Pipeline(Ledger(tmp_path), methods, PromptWriter(), sampler, sandbox, seed=0, chunk=2)
        return hidden_states(pipeline, Checkpoint(nano), [HiddenRouter()], "test", ["a", "bb", "ccc"])

    first, again = Reading(code_is_right), Reading(code_is_right)
    assert states(first).tolist() == [[1, 0.5], [2, 0.5], [3, 0.5]]
    assert states(again).tolist() == states(first).tolist()
    assert (first.calls, again.calls) == (3, 0)
    assert states(ScriptedSampler(code_is_right)) is None


def test_nothing_is_asked_for_policies_that_do_not_ask(asked):
    found, shown = asked(" It is 1. The answer is 1.", code_is_right, [Prove()])
    assert not shown
    assert all(case.translated and not case.picks for case in found)
