from dataclasses import replace

import pytest

from mmst.ahead import Part, compute_part, parts_of
from mmst.ledger.ledger import Ledger
from mmst.methods.edge import BASE_ARM, Recipe
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline
from mmst.policies.single import One
from mmst.rounds import Evaluation, InitFrom, RoundsPlan, TrainingPlan, UntrainableArmError, run_rounds
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.training.launch import Here
from mmst.training.options import TrainingOptions
from tests.test_pipeline import CODE, OPTIONS, PROBLEMS, TEXT
from tests.test_rounds import TESTS, TRAINER


@pytest.fixture
def pipeline(tmp_path, methods, sandbox):
    def made(name, answer=right):
        sampler = ScriptedSampler(answer)
        return Pipeline(Ledger(tmp_path / name), methods, PromptWriter(), sampler, sandbox, seed=0, chunk=10)

    return made


def right(prompt, seed):
    return CODE if prompt.endswith("Program:") else TEXT


def never(prompt, seed):
    raise AssertionError("all was computed ahead")


@pytest.fixture
def plan():
    training = TrainingPlan(TrainingOptions(steps=1, batch_size=2), lambda name, title: Here(TRAINER), {})
    evaluation = Evaluation(SamplingParams(temperature=0), policies=(One(),))
    return RoundsPlan(1, InitFrom.BASE, OPTIONS, training, evaluation, seed=0)


@pytest.fixture
def recipes(methods):
    text, both = (Recipe.parse(name, edges, methods) for name, edges in (("text", ["text -> text"]), ("both", "self")))
    return [Recipe.parse("none", [], methods), text, replace(both, match="text")]


def test_the_base_and_each_arm_are_parts_and_one_that_is_cut_to_another_comes_behind_it(plan, recipes):
    assert parts_of(plan, recipes) == [Part(BASE_ARM), Part("text"), Part("both", frozenset({"text"}))]
    keep = replace(OPTIONS.keep, match="both")
    cut_to_the_last = replace(plan, selection=replace(OPTIONS, keep=keep))
    assert [part.needs for part in parts_of(cut_to_the_last, recipes[:2])] == [frozenset(), frozenset()]


def test_a_run_finds_what_was_computed_ahead_in_any_order_and_is_the_same(pipeline, plan, recipes, nano):
    base, sets = Checkpoint(nano), (PROBLEMS, [TESTS])
    for name in ("both", BASE_ARM, "text"):
        compute_part(pipeline("ahead"), plan, recipes, base, *sets, name)
    found = pipeline("ahead", never)
    ahead = run_rounds(found, plan, recipes, base, *sets)
    alone = pipeline("alone")
    expected = run_rounds(alone, plan, recipes, base, *sets)
    assert [stage.folder.name for stage in found.ledger.used] == [stage.folder.name for stage in alone.ledger.used]
    assert all(stage in found.ledger.found for stage in found.ledger.used)
    assert [result.outcomes for result in ahead] == [result.outcomes for result in expected]
    assert [result.checkpoint.key for result in ahead] == [result.checkpoint.key for result in expected]
    sizes = {result.arm: len(result.examples.examples) for result in ahead if result.examples}
    assert sizes["both"] <= sizes["text"], "it was cut"


def test_an_arm_without_examples_says_so(pipeline, plan, recipes, nano):
    nothing = pipeline("nothing", lambda prompt, seed: "")
    with pytest.raises(UntrainableArmError, match="no example to train on"):
        compute_part(nothing, plan, recipes, Checkpoint(nano), PROBLEMS, [TESTS], "text")
