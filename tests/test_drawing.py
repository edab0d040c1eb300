from dataclasses import replace

import pytest

from mmst.crossing import Round, SelectionOptions, Weights
from mmst.drawing import drawn, rarity_weights
from mmst.example_set import example_set
from mmst.filters.filter import Filter
from mmst.ledger.ledger import Ledger
from mmst.ledger.spec import key_of
from mmst.methods.edge import Recipe
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.draw import Draw, seed_of
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.stages.train import TrainSpec
from mmst.training.options import TrainingOptions
from mmst.types import Example, Problem, Verdict
from tests.stages.conftest import graded_sample

TEXT = " The total is 3 * 4 = 12. The answer is 12."
WRONG = " The total is 3 + 4 = 7. The answer is 7."
PROBLEMS = ProblemSet("train", [Problem(f"p{i}", f"Bag {i} of 3 by 4?", "" if i == 3 else "12") for i in range(4)])
EASY, HARD, NEVER, UNKNOWN = PROBLEMS.by_id
RIGHT = {seed_of(Draw(0, 1, "train/text"), HARD, index) for index in (3, 5, 6)}
PLAIN = SelectionOptions(8, SamplingParams(temperature=1.0), 1, 1, SamplingParams(temperature=1.0), Filter(per_problem=8))
UNTIL = replace(PLAIN, until=1, at_most=6)
SELF = Recipe.parse("self_text", ["text -> text"], ("text", "code"))


def script(prompt, seed):
    return TEXT if "Bag 0" in prompt or seed in RIGHT else WRONG


@pytest.fixture
def this_round(tmp_path, methods, sandbox, nano):
    def make(options, chunk=3):
        pipeline = Pipeline(Ledger(tmp_path / "l"), methods, PromptWriter(), ScriptedSampler(script), sandbox, 0, chunk)
        return Round(pipeline, Checkpoint(nano), PROBLEMS, options, 1)

    return make


def numbers(rows):
    return {problem: [row.sample.index for row in rows if row.sample.problem_id == problem] for problem in PROBLEMS.by_id}


def test_draws_end_with_a_right_sample_and_are_rows_of_a_plain_draw(this_round):
    plain = list(drawn(this_round(PLAIN), "text"))
    assert {tuple(drawn) for drawn in numbers(plain).values()} == {tuple(range(8))}
    found = drawn(this_round(UNTIL), "text")
    assert numbers(found) == {EASY: [0], HARD: [0, 1, 2, 3], NEVER: [0, 1, 2, 3, 4, 5], UNKNOWN: [0]}
    assert found == [row for row in plain if row.sample.index in numbers(found)[row.sample.problem_id]]


def test_more_right_samples_and_tries_are_as_many_as_asked_for(this_round):
    found = drawn(this_round(replace(UNTIL, until=2, at_most=8)), "text")
    assert numbers(found) == {EASY: [0, 1], HARD: [0, 1, 2, 3, 4, 5], NEVER: [*range(8)], UNKNOWN: [0, 1]}
    found = drawn(this_round(replace(UNTIL, at_most=1)), "text")
    assert {tuple(drawn) for drawn in numbers(found).values()} == {(0,)}


def test_a_second_run_and_more_tries_find_what_is_there(this_round):
    first = drawn(this_round(UNTIL), "text")
    again = this_round(UNTIL, chunk=1)
    assert drawn(again, "text") == first
    assert again.pipeline.sampler.calls == 0
    more = this_round(replace(UNTIL, at_most=8))
    assert len(drawn(more, "text")) == len(first) + 2
    assert more.pipeline.sampler.calls == 2, "the two further tries of the problem that is never solved"


def test_an_arm_counts_its_labelled_problems_and_what_they_cost(this_round):
    found = {}
    for options in (PLAIN, UNTIL):
        this = this_round(options)
        found[options.until] = example_set(this.pipeline, SELF, this.checkpoint, PROBLEMS, options, 1)
    assert (found[None].labelled, found[1].labelled) == (2, 2)
    assert (found[None].sampled.completions, found[1].sampled.completions) == (32, 12)


def test_examples_of_problems_that_are_rarely_solved_count_more():
    rows = [graded_sample(TEXT, problem="a"), graded_sample(TEXT, problem="a", index=1), graded_sample(TEXT, problem="b")]
    rows += [graded_sample(WRONG, problem="b", verdict=Verdict.WRONG, index=1 + n) for n in range(3)]
    rows += [graded_sample(WRONG, problem="b", verdict=Verdict.UNJUDGED, index=9)]
    examples = [Example(f"{id}/text/{n}", "text -> text", id, "", TEXT) for id, n in (("a", 0), ("a", 1), ("b", 0))]
    weights = rarity_weights([rows], examples)
    assert weights == pytest.approx({"a": 0.5, "b": 2.0}), "four times as much, and 1 on average over three examples"


def test_weights_are_part_of_what_a_training_is_known_by(this_round):
    this = this_round(UNTIL)
    equal, rarity = (
        example_set(this.pipeline, SELF, this.checkpoint, PROBLEMS, replace(UNTIL, weights=how), 1) for how in Weights
    )
    assert (equal.examples, equal.key, equal.weights_key) == (rarity.examples, rarity.key, None)
    assert rarity.weights == pytest.approx({EASY: 0.4, HARD: 1.6}), "one of one is right, and one of four"
    told = [TrainSpec.of(found.key, "s", TrainingOptions(), {}, 0, found.weights_key) for found in (equal, rarity)]
    assert told[0] == TrainSpec.of(equal.key, "s", TrainingOptions(), {}, 0)
    assert key_of(told[0]) != key_of(told[1])
