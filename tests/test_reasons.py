"""The audit of reasons on a whole measurement, by an engine whose texts are right for wrong reasons."""

from dataclasses import dataclass

import pytest

from mmst.errors import ConfigError
from mmst.judges.judge import Judgement
from mmst.ledger.ledger import Ledger
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.reasons import check_ways, reason_rates
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.stages.reasons import Way
from mmst.types import Problem, Verdict

GREEDY = SamplingParams(0.0)
PROBLEMS = ProblemSet("test", (Problem("a", "3 bags of 4 nuts?", "12"), Problem("b", "5 bags of 2 nuts?", "10")))


def script(prompt, seed):
    asked = prompt.rpartition("Question: ")[2]
    if "Answer:" in asked and asked.endswith("Program:"):  # a text is to be written as a program
        return "\ndef solution():\n    return 3 * 4" if "3 bags" in asked else "\ndef solution():\n    return 5 + 2"
    if asked.endswith("Program:"):
        return (
            "\ndef solution():\n    return 3 * 4"
            if "3 bags" in asked
            else "\ndef solution():\n    two = 2\n    return 10 + 0 * two"
        )
    return " 3 * 4 = 12. The answer is 12." if "3 bags" in asked else " 5 + 2 = 10. The answer is 10."


@dataclass(frozen=True)
class Strict:
    """A judge of steps, too."""

    version = 1
    steps: bool = False

    def __call__(self, problem, reading):
        return self.judge_all([problem], [reading])[0]

    def judge_all(self, problems, readings):
        found = [Verdict.WRONG if self.steps and "5 + 2" in reading.completion else Verdict.RIGHT for reading in readings]
        return [Judgement(verdict, "strict") for verdict in found]

    def of_reasons(self):
        return Strict(steps=True)


@pytest.fixture
def pipeline(tmp_path, methods, sandbox):
    engine = ScriptedSampler(script)
    both = {name: methods[name] for name in ("text", "code")}
    return Pipeline(Ledger(tmp_path), both, PromptWriter(), engine, sandbox, seed=0, chunk=10, judge=Strict())


def test_each_way_finds_what_it_can(pipeline, nano):
    base = Checkpoint(nano)
    greedy = {name: pipeline.graded(base, name, PROBLEMS, GREEDY, 0, 1) for name in pipeline.methods}
    rates = reason_rates(pipeline, list(Way), base, PROBLEMS, greedy, GREEDY)
    found = {(rate.method, rate.way.value): (rate.wrong, rate.n) for rate in rates}
    assert found == {
        ("text", "steps"): (1, 2),
        ("text", "execution"): (1, 2),
        ("text", "judge"): (1, 2),
        ("code", "steps"): (0, 0),
        ("code", "execution"): (1, 2),
        ("code", "judge"): (0, 2),
    }
    asked = pipeline.sampler.calls
    assert reason_rates(pipeline, list(Way), base, PROBLEMS, greedy, GREEDY) == rates
    assert pipeline.sampler.calls == asked


def test_ways_that_lack_something_are_refused(methods):
    with pytest.raises(ConfigError, match="choose it by judge=llm"):
        check_ways([Way.JUDGE], methods, None)
    with pytest.raises(ConfigError, match="'code' must be among solvers"):
        check_ways([Way.EXECUTION], {"text": methods["text"]}, None)
    check_ways(list(Way), methods, Strict())
