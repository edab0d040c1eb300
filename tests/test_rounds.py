import functools
from dataclasses import replace

import lightning
import pytest

from mmst.errors import ConfigError
from mmst.ledger.ledger import Ledger
from mmst.methods.edge import BASE_ARM, Contrast, Recipe
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.policies.prove import Prove
from mmst.policies.router import Router
from mmst.policies.single import One, Oracle
from mmst.rounds import (
    Evaluation,
    InitFrom,
    OnCollapse,
    RoundsPlan,
    TrainingPlan,
    UntrainableArmError,
    final_results,
    run_rounds,
)
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.stages.evaluate import measured
from mmst.stages.train import train
from mmst.training.launch import Here
from mmst.training.objective import Aim, Objective
from mmst.training.options import TrainingOptions
from tests.test_pipeline import CODE, OPTIONS, PROBLEMS, TEXT

TRAINER = functools.partial(
    lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False
)
TESTS = ProblemSet("test", PROBLEMS.problems[:4])


@pytest.fixture
def run(tmp_path, methods, sandbox, nano):
    def made(rounds, init_from, recipes=None, policies=(), on_collapse=OnCollapse.WARN, objectives=None):
        sampler = ScriptedSampler(lambda prompt, seed: CODE if prompt.endswith("Program:") else TEXT)
        pipeline = Pipeline(Ledger(tmp_path / "ledger"), methods, PromptWriter(), sampler, sandbox, seed=0, chunk=10)
        training = TrainingPlan(TrainingOptions(steps=1, batch_size=2), lambda name, title: Here(TRAINER), {}, objectives or {})
        plan = RoundsPlan(
            rounds,
            init_from,
            OPTIONS,
            training,
            Evaluation(SamplingParams(temperature=0), policies=policies),
            seed=0,
            on_collapse=on_collapse,
        )
        recipes = recipes or [Recipe.parse("none", [], methods), Recipe.parse("self", ["text -> text"], methods)]
        results = run_rounds(pipeline, plan, recipes, Checkpoint(nano), PROBLEMS, [TESTS])
        trainings = [stage.settings for stage in pipeline.ledger.used if stage.name == "train"]
        return results, trainings

    return made


def test_the_base_comes_first_and_a_recipe_without_edges_is_the_base(run, nano):
    results, _ = run(2, InitFrom.BASE)
    assert [(r.arm, r.round) for r in results] == [(BASE_ARM, 0), ("self", 1), ("self", 2)]
    assert set(final_results(results)) == {BASE_ARM, "self"}
    assert final_results(results)["self"].round == 2
    assert results[0].checkpoint.path == nano
    assert all(r.outcomes["test"]["text"] == {p.id: True for p in TESTS.problems} for r in results)


@pytest.mark.parametrize("init_from", InitFrom)
def test_where_a_round_starts(run, nano, init_from):
    results, trainings = run(2, init_from)
    starts = [settings["start"] for settings in trainings]
    assert starts[0] == Checkpoint(nano).key
    assert starts[1] == (Checkpoint(nano).key if init_from is InitFrom.BASE else results[1].checkpoint.key)


@pytest.mark.parametrize(("on_collapse", "rounds", "ran"), [("warn", 2, 3), ("stop", 2, 2), ("stop", 1, 2)])
def test_a_collapse_is_seen_after_one_round_and_stops_before_the_next_training(run, monkeypatch, on_collapse, rounds, ran):
    def broken(greedy, *rest):
        found = measured(greedy, *rest)
        calls.append(found)
        worse = {method: dict.fromkeys(row, len(calls) == 1) for method, row in found.outcomes.items()}
        return replace(found, outcomes=worse)

    calls = []
    monkeypatch.setattr("mmst.measuring.measured", broken)
    results, trainings = run(rounds, InitFrom.BASE, on_collapse=OnCollapse(on_collapse))
    assert len(results) == ran == len(trainings) + 1
    assert {(sign.method, sign.sign) for sign in results[1].collapses} >= {("text", "accuracy"), ("either", "accuracy")}
    assert not results[0].collapses
    assert results[-1].stopped is (on_collapse == "stop" and rounds > 1)


def test_what_was_measured_before_an_arm_without_examples_is_not_lost(run, monkeypatch, methods):
    def emptied(examples, *rest):
        calls.append(examples)
        return train(examples if len(calls) == 1 else replace(examples, examples=[]), *rest)

    calls = []
    monkeypatch.setattr("mmst.stages.train.train", emptied)
    recipes = [Recipe.parse(name, [f"{name} -> {name}"], methods) for name in ("text", "code")]
    with pytest.raises(UntrainableArmError, match="train code, round 1: no example to train on: no sample passed") as raised:
        run(1, InitFrom.BASE, recipes)
    assert [(result.arm, result.round) for result in raised.value.results] == [(BASE_ARM, 0), ("text", 1)]


def test_why_arms_have_no_examples_is_said_once_for_all_and_by_itself_where_it_differs(run, monkeypatch, methods):
    def emptied(examples, *rest):
        return train(replace(examples, examples=[]), *rest)

    monkeypatch.setattr("mmst.stages.train.train", emptied)
    recipes = [Recipe.parse(name, [f"{name} -> {name}"], methods) for name in ("text", "code")]
    with pytest.raises(UntrainableArmError) as raised:
        run(1, InitFrom.BASE, recipes)
    said = str(raised.value)
    assert said.startswith("train text, round 1; code, round 1: no example to train on: no sample passed the filter")
    assert said.count("no example to train on") == said.count("is kept") == 1
    other = UntrainableArmError({**raised.value.why, "both, round 2": "no example to train on: other."}, [])
    assert str(other) == f"{said} train both, round 2: no example to train on: other."


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("aim", [Aim.DPO, Aim.RPO])
def test_an_arm_without_pairs_is_a_sentence_and_the_others_are_trained(run, methods, aim, rounds):
    """All samples are right, so that nothing wrong stands beside them: with one such arm, and with two for one sentence."""
    pairs = [replace(Recipe.parse(name, ["text -> text"], methods), contrast=Contrast.BOTH) for name in ("first", "second")]
    recipes = [*pairs, Recipe.parse("self", ["text -> text"], methods)]
    with pytest.raises(UntrainableArmError) as raised:
        run(rounds, InitFrom.BASE, recipes, objectives={recipe.name: Objective(aim) for recipe in pairs})
    said = str(raised.value)
    assert said.startswith(f"train first, round 1; second, round 1: no example to train on: objective={aim} sets right beside")
    assert said.count("no example to train on") == 1
    results = [(result.arm, result.round) for result in raised.value.results]
    assert results == [(BASE_ARM, 0), *(("self", number) for number in range(1, rounds + 1))]


def test_no_round_is_refused(run):
    with pytest.raises(ConfigError, match="rounds=0"):
        run(0, InitFrom.BASE)


def test_an_arm_is_cut_to_the_quantity_of_another_that_ran_before(run, methods):
    recipes = [
        Recipe.parse("small", ["text -> text"], methods),
        replace(Recipe.parse("matched", "self", methods), match="small"),
    ]
    recipes.append(Recipe.parse("large", "self", methods))
    results, _ = run(1, InitFrom.BASE, recipes)
    sizes = {result.arm: len(result.examples.examples) for result in results if result.examples}
    assert sizes["matched"] == sizes["small"] < sizes["large"]
    with pytest.raises(
        ConfigError, match=r"method\.match=small: the arm matched is measured against its quantity, so it must run before"
    ):
        run(1, InitFrom.BASE, recipes[1:])


def test_a_policy_that_proves_has_greedy_answers_translated(run, methods):
    results, _ = run(1, InitFrom.BASE, [Recipe.parse("multi", "all", methods)], (One("text"), Prove()))
    for result in results:
        found = result.measured["test"].policies
        assert found.scores["prove"].accuracy == 1.0
        assert found.scores["prove"].tokens > found.scores["one(text)"].tokens


POLICIES = (One(), Oracle(), Router())


def test_policies_learn_from_what_the_loop_draws_anyway(run, methods):
    plain, _ = run(1, InitFrom.BASE, [Recipe.parse("multi", "all", methods)])
    results, _ = run(1, InitFrom.BASE, [Recipe.parse("multi", "all", methods)], POLICIES)
    assert [result.outcomes for result in results] == [result.outcomes for result in plain]
    base, multi = results
    assert set(multi.measured["test"].policies.scores) == {"one", "oracle", "router"}
    assert base.learned.model == multi.learned.model == base.checkpoint.key
    assert (base.learned.checkpoint, multi.learned.checkpoint) == (base.checkpoint.key, multi.checkpoint.key)


def test_a_round_learns_from_the_checkpoint_that_it_began_with(run, methods):
    base, first, second = run(2, InitFrom.PREVIOUS, [Recipe.parse("multi", "all", methods)], POLICIES)[0]
    assert (first.learned.model, second.learned.model) == (base.checkpoint.key, first.checkpoint.key)


def test_methods_that_the_loop_does_not_ask_have_no_verdicts_and_nothing_is_drawn_for_them(run, methods):
    results, _ = run(1, InitFrom.BASE, [Recipe.parse("self", ["text -> text"], methods)], POLICIES)
    for result in results:
        table = result.measured["test"].policies
        assert list(table.scores) == ["oracle"]
        assert "none of code; `mmst train" in table.missing["router"]
        assert result.learned is None


def test_the_base_alone_has_no_verdicts(run, methods):
    (base,), _ = run(1, InitFrom.BASE, [Recipe.parse("none", [], methods)], POLICIES)
    assert list(base.measured["test"].policies.missing) == ["one", "router"]
