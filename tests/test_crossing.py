import shutil
from collections import Counter
from dataclasses import replace

import pytest

from mmst.crossing import MOST_TIMES, SelectionOptions, by_difficulty, right_solutions, success_rates
from mmst.example_set import example_set
from mmst.filters.filter import Filter
from mmst.ledger.ledger import Ledger
from mmst.methods.edge import Choice, Contrast, Recipe, Send, Tries
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.stages.select import choose
from mmst.translator import Translator
from mmst.types import Problem, Verdict
from tests.stages.conftest import graded_sample

TEXT = " The total is 3 * 4 = 12. The answer is 12."
LONG = " There are 3 bags of 4 nuts in the house, hence 3 * 4 = 12 of them. The answer is 12."
WRONG = " The total is 3 + 4 = 7. The answer is 7."
CODE = "\ndef solution():\n    total = 3 * 4\n    return total"
PROBLEMS = ProblemSet("train", [Problem(f"p{i}", f"Bag {i} of 3 by 4?", "12") for i in range(6)])
OPTIONS = SelectionOptions(
    samples_per_problem=2,
    sampling=SamplingParams(temperature=1.0),
    translations_per_label=4,
    labels_per_problem=1,
    translation=SamplingParams(temperature=1.0),
    keep=Filter(),
)
CODE_TO_TEXT = Recipe.parse("r", ["code -> text"], ("text", "code"))


@pytest.fixture
def made(tmp_path, methods, sandbox, nano):
    """(script, recipe) -> (its example set, the prompts of its translations)."""

    def make(script, recipe, options=OPTIONS):
        told = []

        def answer(prompt, seed):
            if prompt.endswith("Program:"):
                return CODE
            translates = "Program:" in prompt
            if translates:
                told.append(prompt)
            return script(prompt, told.count(prompt) if translates else 0)

        sampler = ScriptedSampler(answer)
        pipeline = Pipeline(Ledger(tmp_path / recipe.name), methods, PromptWriter(), sampler, sandbox, 0, 4)
        return example_set(pipeline, recipe, Checkpoint(nano), PROBLEMS, options, 1), told

    return make


def test_a_label_is_tried_until_its_answer_is_kept(made):
    def third(prompt, number):
        return TEXT if number >= 3 else WRONG

    found, told = made(third, replace(CODE_TO_TEXT, tries=Tries.UNTIL_VERIFIED))
    assert Counter(Counter(told).values()) == {3: 6}
    counts = found.counts["code -> text"]
    assert (counts.translations, counts.examples) == (18, 6)
    assert found.translated.completions == 18
    assert {example.id for example in found.examples} == {f"p{i}/code/0>text.try3/0" for i in range(6)}
    found, told = made(lambda prompt, number: WRONG, replace(CODE_TO_TEXT, name="never", tries=Tries.UNTIL_VERIFIED))
    assert (len(told), found.examples) == (24, [])


def test_another_model_makes_the_translations_of_a_recipe_that_is_taught(tmp_path, methods, sandbox, nano):
    other = tmp_path / "other"
    shutil.copytree(nano, other)
    (other / "config.json").write_text((nano / "config.json").read_text() + " ")
    own, teacher = (
        ScriptedSampler(lambda prompt, seed: CODE if prompt.endswith("Program:") else WRONG),
        ScriptedSampler(lambda prompt, seed: TEXT),
    )
    translator = Translator(Checkpoint(other), PromptWriter(), teacher)
    pipeline = Pipeline(Ledger(tmp_path / "ledger"), methods, PromptWriter(), own, sandbox, 0, 4, translator=translator)
    keys = []
    for recipe in (CODE_TO_TEXT, replace(CODE_TO_TEXT, name="taught", taught=True)):
        before = (own.calls, teacher.calls)
        found = example_set(pipeline, recipe, Checkpoint(nano), PROBLEMS, OPTIONS, 1)
        keys.append(found.key)
        counts = found.counts["code -> text"]
        assert counts.translations == 24
        assert counts.examples == (6 if recipe.taught else 0)
        assert (own.calls - before[0], teacher.calls - before[1]) == ((0, 6) if recipe.taught else (12, 0))
    assert len(set(keys)) == 2
    assert {example.id.split("/")[2] for example in found.examples} == {"0>text.taught"}


def test_a_repair_is_shown_the_try_that_failed_and_what_it_gave(made):
    def script(prompt, number):
        return TEXT if "which is not the answer" in prompt else WRONG

    found, told = made(script, replace(CODE_TO_TEXT, tries=Tries.REPAIR))
    assert len(found.examples) == 6
    assert len(told) == 12
    assert told[-1].endswith(
        "return total\nAnswer: The total is 3 + 4 = 7. The answer is 7.\n"
        "This solution gives 7, which is not the answer of the solution. Write the solution again.\nAnswer:"
    ), told[-1]


def test_a_try_without_an_answer_is_shown_with_why(made):
    _, told = made(lambda prompt, number: " I do not know.", replace(CODE_TO_TEXT, tries=Tries.REPAIR))
    assert "gives no answer (" in told[-1]


def test_labels_are_sent_only_where_the_target_fails(made):
    def script(prompt, number):
        return TEXT if number or "Bag 1" in prompt or "Bag 4" in prompt else WRONG

    found, told = made(script, replace(CODE_TO_TEXT, send=Send.UNSOLVED))
    assert len(told) == 4 * OPTIONS.translations_per_label
    assert not [prompt for prompt in told if "Bag 1" in prompt or "Bag 4" in prompt]
    assert found.sampled.completions == 2 * 2 * 6, "the target's samples are looked at, so they are a cost as well"


def test_an_arm_by_an_objective_that_compares_is_given_wrong_samples_beside_its_examples(made):
    def script(prompt, number):
        return TEXT if "Program:" in prompt else WRONG

    found, _ = made(script, replace(CODE_TO_TEXT, name="pairs", contrast=Contrast.ACROSS))
    assert {(row.example.completion, row.beside) for row in found.contrasted} == {(TEXT, WRONG)}
    assert len(found.contrasted) == len(PROBLEMS.problems)
    plain, _ = made(script, replace(CODE_TO_TEXT, name="plain"))
    assert plain.contrasted is None
    assert plain.examples == found.examples
    assert plain.key != found.key
    alone, _ = made(script, replace(CODE_TO_TEXT, name="alone", contrast=Contrast.ALONE))
    assert Counter(row.right for row in alone.contrasted) == {True: 6, False: 6}


def test_harder_problems_are_tried_more_often(made):
    def script(prompt, number):
        return TEXT if number or "Bag 1" in prompt or "Bag 4" in prompt else WRONG

    _, told = made(script, replace(CODE_TO_TEXT, send=Send.HARDER))
    times = Counter(prompt.split("Bag ")[1][0] for prompt in told)
    assert times == {"0": 6, "2": 6, "3": 6, "5": 6}


def test_tries_go_by_how_often_the_target_fails():
    labels = [graded_sample(TEXT, problem=id) for id in "abcd"]
    found = by_difficulty(labels, {"a": 1.0, "b": 0.75, "c": 0.25}, 4)
    assert found == [0, 2, 6, 8], "16 in all"
    assert by_difficulty(labels, dict.fromkeys("abcd", 1.0), 4) == [0, 0, 0, 0]
    assert by_difficulty(labels, {"a": 1.0, "b": 1.0, "c": 1.0}, 1) == [0, 0, 0, MOST_TIMES]


def test_one_translation_of_a_problem_is_chosen(made):
    def script(prompt, number):
        return {1: WRONG, 2: LONG, 3: TEXT, 4: TEXT.replace("total", "sum")}.get(number, TEXT)

    both = replace(OPTIONS, keep=Filter(per_problem=1))
    for how, kept in ((Choice.ALL, LONG), (Choice.SHORTEST, TEXT), (Choice.DISTINCT, LONG)):
        found, _ = made(script, replace(CODE_TO_TEXT, name=str(how), choose=how), both)
        assert {example.completion for example in found.examples} == {kept}, how
        assert len(found.examples) == 6
    assert found.counts["code -> text"].dropped["not_chosen"] == 12


def test_the_likeliest_translation_is_the_one_with_the_highest_mean_log_probability(methods):
    row = graded_sample(TEXT)
    rows = [
        replace(row, sample=replace(row.sample, id=f"s{n}", mean_logprob=value)) for n, value in enumerate((-2.0, -0.5, None))
    ]
    kept, dropped = choose(rows, Choice.LIKELIEST, methods["text"], {}, "code -> text")
    assert [row.sample.id for row in kept] == ["s1"]
    assert [(row.id, row.reason) for row in dropped] == [("s0", "not_chosen"), ("s2", "not_chosen")]


def test_rates_count_what_is_judged(methods):
    rows = [graded_sample(TEXT, verdict=verdict) for verdict in (Verdict.RIGHT, Verdict.WRONG, Verdict.UNJUDGED)]
    assert success_rates(rows) == {"p1": 0.5}
    assert right_solutions(rows, methods["text"]) == {"p1": [methods["text"].clean(TEXT)]}
