import itertools
import os
import random
import re
import shutil
import signal
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mmst.crossing import SelectionOptions
from mmst.errors import ConfigError, ModelError
from mmst.example_set import example_set
from mmst.filters.filter import Filter
from mmst.ledger.ledger import Ledger
from mmst.methods.edge import Crossing, Recipe
from mmst.methods.method import Reading
from mmst.methods.prompt import PromptWriter
from mmst.methods.text import TextMethod
from mmst.nano.__main__ import bare_methods
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.lengths import TOO_LONG
from mmst.samplers.sampler import SamplingParams, nobody
from mmst.samplers.scripted import ScriptedSampler
from mmst.training.checkpoint import load_tokenizer
from mmst.training.options import TrainingOptions
from mmst.training.record import TrainingRecord
from mmst.types import Completion, FinishReason, Problem
from tests.commands import LIMIT
from tests.full_disk import done_in_spite
from tests.ledgers import without_chunks

TEXT = " The total is 3 * 4 = 12. The answer is 12."
CODE = "\ndef solution():\n    total = 3 * 4\n    return total"
WRONG = " The total is 3 + 4 = 7. The answer is 7."
PROBLEMS = ProblemSet("train", [Problem(f"p{i}", f"Bag {i} of 3 by 4?", "12") for i in range(10)])
OPTIONS = SelectionOptions(
    samples_per_problem=2,
    sampling=SamplingParams(temperature=1.0),
    translations_per_label=1,
    labels_per_problem=1,
    translation=SamplingParams(temperature=1.0),
    keep=Filter(),
)


def script(prompt, seed):
    """Code is always right; text only where it translates code, or by the luck of its seed."""
    if prompt.endswith("Program:"):
        return CODE
    return TEXT if "def solution" in prompt or seed % 2 else WRONG


@pytest.fixture
def made(tmp_path, methods, sandbox):
    def make(folder="ledger", chunk=3, **time):
        sampler = ScriptedSampler(script)
        ledger = Ledger(tmp_path / folder)
        return sampler, Pipeline(ledger, methods, PromptWriter(), sampler, sandbox, seed=0, chunk=chunk, **time)

    return make


def recipe(*edges):
    return Recipe.parse("r", edges, ("text", "code"))


def test_examples_of_every_edge_with_their_counts(made, nano):
    _, pipeline = made()
    multi = recipe("text -> text", "code -> code", "code -> text", "text -> code")
    examples = example_set(pipeline, multi, Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    by_edge = {edge: sum(e.edge == edge for e in examples.examples) for edge in examples.counts}
    assert by_edge["code -> code"] == 10
    assert by_edge["code -> text"] == 10 - by_edge["text -> text"]
    assert examples.counts["code -> text"].translations == examples.counts["code -> text"].verified == 10
    assert by_edge["text -> code"] == 0
    assert examples.counts["text -> code"].dropped["duplicate"] == examples.counts["text -> code"].verified
    assert {e.completion for e in examples.examples} == {TEXT, CODE}
    for tally in examples.counts.values():
        assert tally.samples == 20


def test_arms_share_samples_and_a_second_run_samples_nothing(made, nano):
    sampler, pipeline = made()
    example_set(pipeline, recipe("code -> code"), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    assert sampler.calls == 10
    example_set(pipeline, recipe("code -> code", "code -> text"), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    assert sampler.calls == 10 + 10
    again, pipeline = made()
    example_set(pipeline, recipe("code -> code", "code -> text"), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    assert again.calls == 0


CLOSINGS = [
    {"chunk": 1}, {"chunk": 4}, {"chunk": 100},
    {"chunk": 100, "chunk_seconds": 60, "clock": itertools.count(0, 7).__next__},
    {"chunk": 100, "chunk_seconds": 60, "clock": itertools.count(0, 1000).__next__},
]  # fmt: skip


def test_the_chunk_size_changes_no_sample(made, nano):
    rows = []
    for folder, closing in zip("abcde", CLOSINGS, strict=True):
        _, pipeline = made(folder, **closing)
        rows.append(pipeline.graded(Checkpoint(nano), "text", PROBLEMS, OPTIONS.sampling, 1, 17))
    assert len({tuple(found.stage.manifest()["inputs"]) for found in rows}) == 5
    assert all(list(found) == list(rows[0]) for found in rows)
    assert len({found.stage.content for found in rows}) == len({found.stage.key for found in rows}) == 1


def test_another_checkpoint_problem_or_prompt_is_sampled_anew(made, nano, tmp_path):
    sampler, pipeline = made()
    pipeline.graded(Checkpoint(nano), "code", PROBLEMS, OPTIONS.sampling, 1, 2)
    shutil.copytree(nano, tmp_path / "other")
    (tmp_path / "other" / "config.json").write_text((nano / "config.json").read_text() + " ")
    pipeline.graded(Checkpoint(tmp_path / "other"), "code", PROBLEMS, OPTIONS.sampling, 1, 2)
    assert sampler.calls == 20
    pipeline.graded(Checkpoint(nano), "code", ProblemSet("train", PROBLEMS.problems[:4]), OPTIONS.sampling, 1, 2)
    assert sampler.calls == 24
    pipeline.graded(Checkpoint(nano), "code", PROBLEMS, OPTIONS.sampling, 2, 2)
    assert sampler.calls == 34


def test_greedy_is_drawn_once(made, nano):
    _, pipeline = made()
    with pytest.raises(ConfigError, match="greedy"):
        pipeline.graded(Checkpoint(nano), "text", PROBLEMS, SamplingParams(temperature=0), 1, 2)


def test_what_an_engine_failed_at_is_tried_again_when_asked_for(made, nano, monkeypatch):
    fails = {"on": True}
    whole = ScriptedSampler.complete

    def failing(self, prompts, *arguments):
        groups = whole(self, prompts, *arguments)
        failed = [fails["on"] and "Bag 4 of" in prompt.text for prompt in prompts]
        return [
            [replace(one, finish=FinishReason.ERROR) for one in group] if fail else group
            for group, fail in zip(groups, failed, strict=True)
        ]

    monkeypatch.setattr(ScriptedSampler, "complete", failing)
    _, pipeline = made()
    arguments = (recipe("code -> code", "code -> text"), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    first = example_set(pipeline, *arguments)
    assert first.counts["code -> code"].dropped["unjudged"] == 2
    fails["on"] = False
    sampler, pipeline = made()
    assert example_set(pipeline, *arguments).examples == first.examples
    assert sampler.calls == 0
    sampler, pipeline = made()
    pipeline.redo_unjudged = True
    second = example_set(pipeline, *arguments)
    assert sampler.calls == 3 + 10  # the chunk of the failed problem, and the translations of the new set of labels
    _, undisturbed = made("other")
    expected = example_set(undisturbed, *arguments)
    assert second.examples == expected.examples
    assert second.counts == expected.counts


class Metered(ScriptedSampler):
    """Needs a token for each call and tells when it has taken it, so that it can be killed in the middle.

    One class for all runs: a class from outside the package is part of the key.
    """

    tokens = told = None

    def complete(self, prompts, params, watch=nobody):
        if self.tokens and self.told:
            os.read(self.tokens[0], 1)
            os.write(self.told[1], b".")
        return super().complete(prompts, params, watch)


def test_twenty_kills_at_random_moments_change_no_file(tmp_path, nano):
    found, expected, left = after_twenty_kills(tmp_path, nano, lambda moment: 2)
    assert found == expected
    assert 20 < left < len([name for name in found if "chunk-" in name])


@pytest.mark.soak
def test_twenty_kills_under_other_chunks_each_time_change_no_row(tmp_path, nano):
    found, expected, left = after_twenty_kills(tmp_path, nano, lambda moment: 1 + moment % 4)
    assert found.keys() != expected.keys(), "chunks closed elsewhere"
    assert without_chunks(found) == without_chunks(expected)
    assert left > 20


def after_twenty_kills(tmp_path, nano, chunk):
    """The files of a ledger whose run was killed twenty times, of an undisturbed one, and how many chunks the kills left."""

    def run(folder, chunk):
        example_set_of_texts(folder, nano, chunk, 120)

    def killed_after(calls, chunk):
        Metered.tokens, Metered.told = os.pipe(), os.pipe()
        os.write(Metered.tokens[1], b"." * (calls + 3))
        child = os.fork()
        if child == 0:
            try:
                run(tmp_path / "disturbed", chunk)
            finally:
                os._exit(0)
        for _ in range(calls):
            assert os.read(Metered.told[0], 1)
        os.kill(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert Checkpoint(nano).key
    moments = random.Random(0)
    codes = [killed_after(moments.randint(1, 6), chunk(moment)) for moment in range(20)]
    assert codes == [-signal.SIGKILL] * 20
    Metered.tokens = Metered.told = None
    left = len(list((tmp_path / "disturbed").rglob("chunk-*")))
    run(tmp_path / "disturbed", chunk(20))
    run(tmp_path / "undisturbed", chunk(20))
    return files(tmp_path / "disturbed"), files(tmp_path / "undisturbed"), left


def example_set_of_texts(folder, nano, chunk, problems):
    """All data stages, by two methods that need no sandbox."""
    form = bare_methods()["text"].format
    words = {name: TextMethod(replace(form, cue=f"{name}:"), name) for name in ("text", "plan")}
    asked = ProblemSet("train", [Problem(f"p{i}", f"Bag {i} of 3 by 4?", "12") for i in range(problems)])
    both = Recipe.parse("r", ("text -> text", "text -> plan", "plan -> text"), tuple(words))
    sampler = Metered(lambda prompt, seed: TEXT if seed % 3 else WRONG)
    pipeline = Pipeline(Ledger(folder), words, PromptWriter(), sampler, SimpleNamespace(settings={}), 0, chunk)
    return example_set(pipeline, both, Checkpoint(nano), asked, OPTIONS, 1)


def test_a_disk_that_is_full_at_one_write_after_the_other_is_a_sentence_and_changes_no_file(tmp_path, nano):
    stops = done_in_spite(lambda: example_set_of_texts(tmp_path / "disturbed", nano, 3, 9), most=12)
    example_set_of_texts(tmp_path / "undisturbed", nano, 3, 9)
    assert files(tmp_path / "disturbed") == files(tmp_path / "undisturbed")
    assert stops > 20, "each stage"


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("seconds.json", ".lock")
    }


@pytest.mark.parametrize("rule", ["majority", "agreement"])
def test_without_gold_the_models_own_answers_are_the_labels(made, nano, rule):
    _, pipeline = made()
    unknown = ProblemSet("train", [Problem(f"p{i}", f"Bag {i} of 3 by 4?", "" if i < 5 else "12") for i in range(10)])
    options = replace(OPTIONS, keep=Filter(labels=rule), samples_per_problem=4)
    examples = example_set(pipeline, recipe("text -> text", "code -> code"), Checkpoint(nano), unknown, options, 1)
    found = examples.labels["code"]
    assert (found.problems, found.known) == (10, 5 if rule == "majority" else found.known)
    assert found.right == found.known  # code is always right, so what is labelled by it, or agrees with it, is too
    assert any(e.problem_id == "p0" for e in examples.examples) or rule == "agreement"
    assert {e.completion for e in examples.examples if e.edge == "code -> code"} == {CODE}
    assert examples.health["code"].entropy == 0
    assert examples.health["text"].entropy > 0


def test_an_arm_is_cut_to_anothers_quantity_and_edges_are_balanced(made, nano):
    _, pipeline = made()
    small = example_set(pipeline, recipe("text -> text"), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    multi = recipe("text -> text", "code -> code", "code -> text")
    whole = example_set(pipeline, multi, Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    cut = example_set(pipeline, multi, Checkpoint(nano), PROBLEMS, OPTIONS, 1, match=small)
    assert len(small.examples) - 2 <= len(cut.examples) <= len(small.examples) < len(whole.examples)
    dropped = sum(tally.dropped.get("subsampled", 0) for tally in cut.counts.values())
    assert dropped == len(whole.examples) - len(cut.examples)
    assert sum(tally.examples for tally in cut.counts.values()) == len(cut.examples)
    by_tokens = replace(OPTIONS, keep=Filter(match_by="tokens"))
    short = example_set(pipeline, multi, Checkpoint(nano), PROBLEMS, by_tokens, 1, match=small)
    tokens = [sum(len(load_tokenizer(nano).encode(e.completion)) + 1 for e in found.examples) for found in (small, short)]
    assert 0.5 * tokens[0] <= tokens[1] <= tokens[0]
    options = replace(OPTIONS, keep=Filter(balance=True))
    balanced = example_set(pipeline, multi, Checkpoint(nano), PROBLEMS, options, 1)
    assert len({tally.examples for tally in balanced.counts.values()}) == 1
    assert len({whole.key, cut.key, balanced.key}) == 3


def test_methods_that_a_recipe_does_not_train_are_replayed_in_their_share(made, nano):
    _, pipeline = made()
    options = replace(OPTIONS, keep=Filter(replay=0.25))
    one_way = example_set(pipeline, recipe("code -> text"), Checkpoint(nano), PROBLEMS, options, 1)
    counts = {edge: tally.examples for edge, tally in one_way.counts.items()}
    assert set(counts) == {"code -> text", "code -> code"}
    assert counts["code -> code"] == round(counts["code -> text"] / 3)
    assert {e.completion for e in one_way.examples if e.edge == "code -> code"} == {CODE}
    both = example_set(pipeline, recipe("text -> text", "code -> code"), Checkpoint(nano), PROBLEMS, options, 1)
    assert set(both.counts) == {"text -> text", "code -> code"}
    assert example_set(pipeline, recipe(), Checkpoint(nano), PROBLEMS, options, 1).examples == []


def trained_at(pipeline, examples, start):
    fitted = []

    def fitter(start, target, rows, options, work, seed):
        fitted.append(len(rows))
        shutil.copytree(start, target)
        return TrainingRecord()

    made, _ = pipeline.trained(examples, start, TrainingOptions(), fitter, {}, 0, "train")
    return made.path, fitted


def test_a_training_is_keyed_by_the_prompts_that_it_learns(made, nano):
    """Examples by a translation have the target's prompt, whatever it was made with."""
    start = Checkpoint(nano)
    _, pipeline = made()
    places = []
    for instruction in ("Solve it.", "Explain it.", "Solve it."):
        text = pipeline.methods["text"]
        form = replace(text.format, shots=1, instruction=instruction)
        pipeline.methods = {**pipeline.methods, "text": replace(text, format=form)}
        examples = example_set(pipeline, recipe("code -> text"), start, PROBLEMS, OPTIONS, 1)
        assert all(instruction in example.prompt for example in examples.examples)
        places.append(trained_at(pipeline, examples, start))
    assert places[0][0] == places[2][0] != places[1][0]
    assert [bool(fitted) for _, fitted in places] == [True, True, False]


class LastWord(TextMethod):
    """Reads the answer in another way than the class whose name it has."""

    def read_all(self, completions, problems, executor):
        return [Reading("7", "last word") for _ in completions]


def test_another_class_of_the_same_name_grades_anew(made, nano):
    sampler, pipeline = made()
    first = [row.answer for row in pipeline.graded(Checkpoint(nano), "text", PROBLEMS, OPTIONS.sampling, 1, 2)]
    assert set(first) == {"12", "7"}
    assert sampler.calls == 10
    pipeline.methods = {"text": LastWord(pipeline.methods["text"].format)}
    second = [row.answer for row in pipeline.graded(Checkpoint(nano), "text", PROBLEMS, OPTIONS.sampling, 1, 2)]
    assert set(second) == {"7"}
    assert sampler.calls == 10  # what is asked for is the same


def test_what_a_training_leaves_out_is_counted_once(made, nano):
    _, pipeline = made()
    whole = example_set(pipeline, recipe("code -> code"), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    record = TrainingRecord()
    once = whole.trained({"code -> code": 3}, record)
    assert (once.counts["code -> code"].examples, once.counts["code -> code"].dropped["too_long"]) == (7, 3)
    assert once.trained({"code -> code": 3}, record) == once
    assert whole.counts["code -> code"].examples == 10
    assert "too_long" not in whole.counts["code -> code"].dropped


def test_controls_make_as_many_attempts_and_are_told_something_else(made, nano):
    edges = recipe("code -> code", "code -> text")
    asked = {}
    for crossing in Crossing:
        sampler, pipeline = made(crossing)
        told = asked[crossing] = []
        complete = sampler.complete
        sampler.complete = lambda prompts, *rest, told=told, complete=complete: told.extend(prompts) or complete(prompts, *rest)
        found = example_set(pipeline, replace(edges, crossing=crossing), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
        assert found.counts["code -> text"].translations == len(PROBLEMS.problems)
        assert found.translated.completions == len(PROBLEMS.problems)
        assert found.translated.completion_tokens > 0
    last = {crossing: [prompt.text for prompt in told if ">text" in prompt.id] for crossing, told in asked.items()}
    assert all("Bag 3 of 3 by 4?" in texts[3] and "def solution" in texts[3] for texts in [last[Crossing.TRANSLATE]])
    assert last[Crossing.RESOLVE][3] == "Question: Bag 3 of 3 by 4?\nAnswer:"
    assert last[Crossing.HINT][3] == "Question: Bag 3 of 3 by 4? (Hint: the answer is 12.)\nAnswer:"
    assert "total = 3 * 4  # total = 12\n    return total  # 12\nAnswer:" in last[Crossing.TRACE][3]
    assert len({prompt.seeds for told in asked.values() for prompt in told if ">text" in prompt.id}) == 10 * len(Crossing)


def test_a_shuffled_translation_is_shown_another_problems_solution(nano, tmp_path, methods, sandbox):
    def by_problem(prompt, seed):
        bag = prompt.split("Bag ")[1].split(" ")[0]
        return f"\ndef solution():\n    bag = {bag}\n    return 3 * 4" if prompt.endswith("Program:") else TEXT

    told = []
    sampler = ScriptedSampler(lambda prompt, seed: told.append(prompt) or by_problem(prompt, seed))
    pipeline = Pipeline(Ledger(tmp_path), methods, PromptWriter(), sampler, sandbox, 0, 3)
    shuffled = replace(recipe("code -> text"), crossing=Crossing.SHUFFLED)
    example_set(pipeline, shuffled, Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    shown = dict(re.findall(r"Bag (\d) of 3 by 4\?\nProgram:\ndef solution\(\):\n    bag = (\d)", "\n".join(told)))
    assert sorted(shown.values()) == sorted(shown)
    assert len(shown) == 10
    assert all(own != other for own, other in shown.items())


def test_unverified_translations_are_kept_whatever_they_answer(made, nano):
    edges = recipe("code -> text")
    _, pipeline = made()
    wrong = ScriptedSampler(lambda prompt, seed: CODE if prompt.endswith("Program:") else WRONG)
    pipeline.sampler = wrong
    checked = example_set(pipeline, edges, Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    unverified = example_set(pipeline, replace(edges, verify=False), Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    assert (len(checked.examples), len(unverified.examples)) == (0, len(PROBLEMS.problems))


def test_an_arm_spends_anothers_tokens_on_samples_of_its_own(made, nano):
    _, pipeline = made()
    multi = example_set(
        pipeline, recipe("text -> text", "code -> code", "code -> text"), Checkpoint(nano), PROBLEMS, OPTIONS, 1
    )
    own = recipe("text -> text", "code -> code")
    equal = example_set(pipeline, own, Checkpoint(nano), PROBLEMS, OPTIONS, 1, compute=multi)
    plain = example_set(pipeline, own, Checkpoint(nano), PROBLEMS, OPTIONS, 1)
    goal = multi.sampled.completion_tokens + multi.translated.completion_tokens
    longest = 40
    assert plain.sampled == multi.sampled
    assert goal - 2 * longest <= equal.sampled.completion_tokens <= goal
    assert equal.translated.completions == 0


def trained_again(pipeline, nano, damage):
    """How often a training runs that is asked for twice, its stage's folder damaged in between; and what it left."""
    examples, fits = example_set(pipeline, recipe("code -> code"), Checkpoint(nano), PROBLEMS, OPTIONS, 1), []

    def fitter(start, target, rows, options, work, seed):
        shutil.copytree(start, target)
        fits.append(target)
        return TrainingRecord(steps=7)

    for _ in range(2):
        made, left = pipeline.trained(examples, Checkpoint(nano), TrainingOptions(), fitter, {}, 0, "train")
        if len(fits) == 1 and damage:
            damage(made.path)
            damage = None
    return len(fits), left


def flipped(checkpoint):
    weights = checkpoint / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        shutil.rmtree,
        lambda checkpoint: (checkpoint / "adapter_config.json").write_text("{"),
        lambda checkpoint: (checkpoint.parent / "manifest.json").write_text("{}"),
    ],
    ids=["a byte flipped", "gone", "adapters of nothing", "manifest"],
)
def test_a_damaged_checkpoint_is_trained_anew(made, nano, damage):
    _, pipeline = made()
    assert trained_again(pipeline, nano, damage)[0] == 2


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"of": "another version"}'])
def test_a_training_whose_record_is_lost_is_not_run_again(made, nano, content, caplog):
    def damage(checkpoint):
        record = checkpoint.parent / "record.json"
        record.unlink() if content is None else record.write_text(content)

    _, pipeline = made()
    times, left = trained_again(pipeline, nano, damage)
    assert times == 1
    assert left.record == TrainingRecord()
    assert "record.json is damaged" in caplog.text


class Narrow(ScriptedSampler):
    """As an engine whose model has no positions for the prompts of some problems."""

    def __init__(self, too_long):
        super().__init__(script)
        self.too_long = too_long

    def complete(self, prompts, *arguments):
        long = [any(f"{number} of 3" in prompt.text for number in self.too_long) for prompt in prompts]
        refused = Completion("", FinishReason.ERROR, 900, 0, None, TOO_LONG)
        groups = super().complete(prompts, *arguments)
        return [[refused] * len(group) if no else group for group, no in zip(groups, long, strict=True)]


def narrow(folder, methods, sandbox, too_long):
    pipeline = Pipeline(Ledger(folder), methods, PromptWriter(), Narrow(too_long), sandbox, seed=0, chunk=3)
    return lambda problems: pipeline.graded(Checkpoint(folder), "text", problems, SamplingParams(1.0, max_tokens=64), 1, 2)


@pytest.fixture
def no_checkpoint(monkeypatch):
    monkeypatch.setattr(Checkpoint, "key", "a key")


def test_a_first_chunk_of_nothing_but_long_prompts_stops_nothing(tmp_path, methods, sandbox, no_checkpoint):
    rows = list(narrow(tmp_path, methods, sandbox, range(3))(PROBLEMS))
    assert [row.sample.error == TOO_LONG for row in rows] == [True] * 6 + [False] * 14


def test_a_stage_in_which_no_prompt_fits_stops_with_its_sentence_each_time(tmp_path, methods, sandbox, no_checkpoint):
    graded = narrow(tmp_path, methods, sandbox, range(10))
    for _ in range(2):
        with pytest.raises(ModelError, match=r"sample train by text: no prompt .* max_tokens=64 .* one of 900 tokens; lower"):
            graded(PROBLEMS)


def test_one_prompt_that_is_too_long_is_a_problem_and_no_setting(tmp_path, methods, sandbox, no_checkpoint):
    (first, second) = narrow(tmp_path, methods, sandbox, range(10))(ProblemSet("one", PROBLEMS.problems[:1]))
    assert {first.sample.error, second.sample.error} == {TOO_LONG}


class Meeting(ScriptedSampler):
    """Waits, as for a server: from its second chunk on until grading of the chunk before has begun."""

    waits = True
    grading = None

    def complete(self, prompts, params, watch=nobody):
        if self.calls and self.grading:
            assert self.grading.acquire(timeout=LIMIT), "no chunk was graded while the next one was sampled"
        return super().complete(prompts, params, watch)


class Telling:
    """A sandbox that tells when it is given programs, and by which thread."""

    def __init__(self, sandbox, apart=True):
        self.sandbox, self.apart, self.settings = sandbox, apart, sandbox.settings
        self.begun, self.threads = threading.Semaphore(0), set()

    def execute(self, programs):
        self.threads.add(threading.current_thread())
        self.begun.release()
        return self.sandbox.execute(programs)


class TestGradingBehind:
    @staticmethod
    def graded(folder, methods, nano, executor, sampler=None, **settings):
        sampler = sampler or Meeting(script)
        pipeline = Pipeline(Ledger(folder), methods, PromptWriter(), sampler, executor, seed=0, chunk=3, **settings)
        return list(pipeline.graded(Checkpoint(nano), "code", PROBLEMS, SamplingParams(), 1, 2))

    def test_a_sampler_that_waits_is_at_the_next_chunk_while_programs_run(self, tmp_path, methods, sandbox, nano):
        telling, sampler = Telling(sandbox), Meeting(script)
        sampler.grading = telling.begun
        rows = self.graded(tmp_path / "behind", methods, nano, telling, sampler)
        assert threading.current_thread() not in telling.threads
        assert rows == self.graded(tmp_path / "after", methods, nano, Telling(sandbox, apart=False))

    @pytest.mark.parametrize("why", ["executor", "sampler", "judge"])
    def test_where_it_is_not_known_to_be_safe_one_follows_the_other(self, tmp_path, methods, sandbox, nano, why):
        telling, sampler = Telling(sandbox, apart=why != "executor"), Meeting(script)
        sampler.waits = why != "sampler"
        self.graded(tmp_path, methods, nano, telling, sampler, judge=all_right if why == "judge" else None)
        assert telling.threads == {threading.current_thread()}


def all_right(problem, reading):
    return True
