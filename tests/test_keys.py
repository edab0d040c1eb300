"""Each key of the composed configuration is changed in turn: a stage's key changes exactly where its rows can.

Every job is run whole, by an engine, an executor and a trainer that compute nothing and depend on all that they are told. What
a run finds in a ledger that other settings have filled must be what it computes in an empty one.
"""

import hashlib
import json
import math
import re
import shutil
from contextlib import contextmanager
from decimal import Decimal

import msgspec
import pytest
from omegaconf import DictConfig, OmegaConf

from mmst.config.build import build
from mmst.config.schema import TrainSettings, checked
from mmst.jobs.evaluation import evaluation_of
from mmst.jobs.labels import selection_options
from mmst.jobs.opened import build_methods, objective_of, prompt_writer, read_recipe
from mmst.jobs.problems import test_sets as sets_measured_on
from mmst.jobs.problems import train_set
from mmst.jobs.training import arms_objective
from mmst.ledger.ledger import Ledger
from mmst.methods.edge import Recipe
from mmst.pipeline import Checkpoint, Pipeline
from mmst.rounds import InitFrom, RoundsPlan, TrainingPlan, run_rounds
from mmst.samplers.sampler import nobody
from mmst.sandbox.result import Result, Status
from mmst.stages.asked import NAME as PROMPTS
from mmst.training.record import TrainingRecord
from mmst.types import Completion, FinishReason
from tests.composing import composed as composed_config

BASE = [
    "model.shots=2", "dataset.train.size=10", "dataset.test.size=3", "dataset.heldout.size=2", "filter.share=0.5",
    "sampling.per_problem=3", "translation.per_label=3", "filter.per_problem=3", "arms=[self_text]",
    "method=multi_matched", "method.match=null", "+method.crossing=translate", "+method.verify=true",
    "+method.tries=all", "+method.send=all", "+method.choose=all", "objective=dpo",
    "+method.compute=null", "method.edges=['text -> text','code -> text']", "sandbox.workers=1",
]  # fmt: skip
SOURCE, TRANSLATION, EXAMPLES, TRAINING, TEST = "sample train", "translate", "examples", "train", "sample test"
CONTRASTED = "contrasted"
GRADES, PROBLEMS = "grade", "problems"
CHANGES = {
    "seed": (1, TEST), "model.shots": (1, TEST), "model.max_tokens": (32, TEST),
    "sampler.dtype": ("bfloat16", TEST), "evaluation.params.max_tokens": (32, TEST),
    "evaluation.samples": (2, "sample test of several"), "sampling.per_problem": (2, SOURCE),
    "sampling.until": (2, SOURCE), "sampling.weights": ("rarity", TRAINING),
    "sampling.params.temperature": (0.8, SOURCE), "sampling.params.top_p": (0.9, SOURCE),
    "sampling.params.max_tokens": (32, SOURCE), "translation.per_label": (2, TRANSLATION),
    "translation.labels_per_problem": (1, TRANSLATION), "translation.params.temperature": (0.8, TRANSLATION),
    "translation.params.top_p": (0.9, TRANSLATION), "translation.params.max_tokens": (32, TRANSLATION),
    "solvers.text.format.cue": ("Solution:", TEST), "solvers.text.format.lead": ("  ", TEST),
    "solvers.text.format.key": ("code", TEST), "solvers.text.format.instruction": ("Think.", TEST),
    "solvers.text.format.solution_name": ("talk", TRANSLATION), "solvers.text.format.rewrite": ("Say it.", TRANSLATION),
    "solvers.text.format.shots": (1, TEST), "solvers.text.format.stop": (["\n"], TEST),
    "solvers.code.format.cue": ("Python program:", TEST), "solvers.code.format.lead": ("\n\n", TEST),
    "solvers.code.format.key": ("text", TEST), "solvers.code.format.instruction": ("Think.", TEST),
    "solvers.code.format.solution_name": ("script", TRANSLATION), "solvers.code.format.shots": (1, TEST),
    "solvers.code.format.stop": (["\n"], TEST), "dataset.train.split": ("validation", PROBLEMS),
    "dataset.train.size": (5, PROBLEMS), "dataset.train.seed": (1, PROBLEMS), "dataset.test.split": ("validation", PROBLEMS),
    "dataset.test.size": (2, PROBLEMS), "dataset.test.seed": (1, PROBLEMS), "dataset.heldout.split": ("validation", PROBLEMS),
    "dataset.heldout.size": (1, PROBLEMS), "dataset.heldout.seed": (1, PROBLEMS), "dataset.limit": (2, PROBLEMS),
    "dataset.seed": (1, PROBLEMS), "splits": (["heldout"], PROBLEMS), "decontaminate.ngram": (5, PROBLEMS),
    "dataset.ngram": (5, PROBLEMS), "sandbox.modules": (["sympy"], GRADES), "sandbox.limits.cpu_seconds": (3.0, GRADES),
    "sandbox.limits.wall_factor": (5.0, GRADES), "sandbox.limits.memory_bytes": (2**29, GRADES),
    "filter.labels": ("majority", EXAMPLES), "filter.per_problem": (1, EXAMPLES), "filter.deduplicate": ("none", "dropped"),
    "filter.drop_answer_only": (False, EXAMPLES), "filter.drop_constant": (True, TRANSLATION),
    "filter.drop_wrong_steps": (True, EXAMPLES), "filter.longest": (12, EXAMPLES), "filter.balance": (True, EXAMPLES),
    "filter.match": ("self_text", EXAMPLES), "filter.match_by": ("tokens", EXAMPLES), "filter.share": (0.7, EXAMPLES),
    "filter.most": (3, EXAMPLES), "filter.replay": (0.3, EXAMPLES),
    "filter.withhold": (0.7, EXAMPLES), "filter.disagreement": (0.2, EXAMPLES),
    "trainer.accelerator": ("auto", TRAINING), "trainer.devices": (2, TRAINING), "trainer.nodes": (2, TRAINING),
    "trainer.precision": ("bf16-mixed", TRAINING), "trainer.accumulate": (2, TRAINING), "trainer.strategy": ("ddp", TRAINING),
    "trainer.trainer.accelerator": ("auto", TRAINING), "trainer.trainer.devices": (2, TRAINING),
    "trainer.trainer.num_nodes": (2, TRAINING), "trainer.trainer.strategy": ("ddp", TRAINING),
    "trainer.trainer.precision": ("bf16-mixed", TRAINING), "trainer.trainer.accumulate_grad_batches": (2, TRAINING),
    "trainer.trainer.gradient_clip_val": (0.5, TRAINING), "model.longest": (255, TRAINING), "model.lr": (1e-4, TRAINING),
    "model.lora": (4, TRAINING), "trainer.options.steps": (7, TRAINING), "trainer.options.batch_size": (16, TRAINING),
    "trainer.options.longest": (255, TRAINING), "trainer.options.too_long": ("refuse", TRAINING),
    "trainer.options.layout": ("packed", TRAINING), "trainer.options.groups": (2, TRAINING),
    "trainer.options.attention": ("eager", TRAINING), "trainer.options.recompute": (True, TRAINING),
    "trainer.options.loss_chunk": (8, TRAINING), "trainer.options.compile": (True, TRAINING),
    "trainer.options.lora": (4, TRAINING), "trainer.options.edge_weights": ({"code_to_text": 2.0}, TRAINING),
    "trainer.options.share_prefixes": (False, TRAINING),
    "trainer.options.held_out": (0.5, TRAINING), "trainer.options.optimizer.lr": (1e-4, TRAINING),
    "trainer.options.optimizer.weight_decay": (0.0, TRAINING), "trainer.options.optimizer.warmup": (0.0, TRAINING),
    "trainer.options.optimizer.schedule": ("linear", TRAINING), "trainer.options.optimizer.offloaded": (True, TRAINING),
    "method.edges": ("self", EXAMPLES), "method.match": ("self_text", EXAMPLES), "method.crossing": ("resolve", TRANSLATION),
    "method.verify": (False, EXAMPLES), "method.tries": ("until_verified", TRANSLATION),
    "method.send": ("unsolved", TRANSLATION),
    "objective.aim": ("rpo", TRAINING), "objective.pairs": ("across", CONTRASTED), "objective.per_problem": (1, CONTRASTED),
    "objective.beta": (0.2, TRAINING), "objective.lr_share": (0.5, TRAINING),
    "method.choose": ("shortest", EXAMPLES), "arms": (["self_both"], EXAMPLES),
    "rounds": (2, SOURCE),
}  # fmt: skip
"""Key -> another value, and the first stage whose rows it can change."""
HARMLESS = {
    "name": ("y", "where the run lies"), "paths.ledger": ("a", "where"), "paths.cache": ("a", "where"),
    "paths.models": ("a", "where"),
    "title": ("y", "a heading"),
    "push.repo": ("me/mine", "where a run goes"), "push.private": (False, "who sees it"), "push.parts": (["page"], "what goes"),
    "method.compute": (None, "no arm here spends more than its own; tests/test_pipeline.py has one"),
    "model.threads": (2, "how fast it is"), "executor.arms": (2, "how fast it is; tests/jobs/test_arms.py"),
    "dataset.samples": (3, "sampling.per_problem is set here"), "objective.samples": (3, "as dataset.samples"),
    "sampling.at_most": (4, "no draw ends with right samples; tests/test_drawing.py has some that do"),
    "job": (None, "what is run"), "about": ("?", "words"), "model.name": ("m", "words"), "dataset.name": ("d", "words"),
    "method.name": ("n", "words"), "plan": (True, "runs nothing"), "prompts": (1, "runs nothing"),
    "power": (1.0, "of a plan"), "power_from": ("x", "of a plan"),
    "model.bare": (None, "two shots are not bare"), "solvers.text.format.bare": (None, "two shots are not bare"),
    "solvers.code.format.bare": (None, "two shots are not bare"), "filter.rules": (None, "classes; what they drop counts"),
    "evaluation.reasons": ([], "what is read off answers"), "evaluation.hardest": (2, "other samples; tests/test_hardest.py"),
    "redo_unjudged": (True, "nothing was unjudged"),
    "chunk": (2, "a sample does not know its chunk"), "chunk_seconds": (0.001, "as chunk"),
    "model.chunk_seconds": (5, "as chunk"),
    "decontaminate.templates": (True, "no template is shared here; tests/jobs/test_problems.py has some"),
    "datasets": (None, "needs a group; as splits"), "evaluation.sampled.temperature": (0.8, "nothing is sampled"),
    "evaluation.sampled.max_tokens": (9, "nothing is sampled"), "evaluation.params.temperature": (None, "must be 0"),
    "model.chat": (None, "the base has no template"), "solvers.text.format.exemplars": (None, "as its rows; needs files"),
    "solvers.code.format.exemplars": (None, "as its rows"),
    "solvers.text.format.instructions.tests": ("?", "no problem is of this kind"),
    "solvers.code.format.instructions.tests": ("?", "no problem is of this kind"),
    "solvers.code.format.rewrite": ("?", "nothing is translated into code"),
    "sampler.batch_size": (8, "a sample does not know its batch"), "sampler.cache_gib": (1.0, "as batch_size"),
    "sampler.refill_below": (0.5, "as batch_size"),
    "sampler.device": ("cpu", "the same that auto finds; in the engine's name"), "sandbox.workers": (2, "how many at a time"),
    "sandbox.accept_missing": (["landlock"], "how programs are confined"),
    "filter.least_share": (0.9, "of labels without gold"), "trainer.own_process": (True, "where"),
    "trainer.launcher.devices": (2, "trainer.devices is what counts"),
    "trainer.launcher.nodes": (None, "trainer.nodes is what counts"), "trainer.launcher.prefix": (["srun"], "where"),
    "trainer.launcher.rendezvous": ("a:1", "where"), "trainer.trainer.enable_progress_bar": (True, "what is shown"),
    "trainer.trainer.enable_model_summary": (True, "what is shown"), "trainer.trainer.log_every_n_steps": (1, "what is shown"),
    "trainer.options.epochs": (None, "used where steps are null"), "trainer.options.row": (600, "of packed rows"),
    "trainer.options.rows_at_once": (None, "of packed rows"),
    "trainer.options.merge": (False, "of adapters"), "trainer.options.measure_every": (5, "nothing is held out"),
    "trainer.options.patience": (1, "nothing is held out"), "trainer.options.save_every": (1, "what is kept"),
    "trainer.options.keep": (2, "what is kept"), "trainer.options.keep_after": (True, "what is kept"),
    "init_from": ("previous", "there is no second round"), "on_collapse": ("stop", "whether there are further trainings"),
}  # fmt: skip
"""Key -> another value (None: it has no other one here), and why it changes no row."""
SILENT = re.compile(r"tracker\..*|policy\..*|hardware\..*|.*\._target_|.*\._partial_")
"""What is told to others; what is planned with; classes, whose versions count (tests/ledger/test_spec.py)."""

SETS = {}

NO_PROGRAM = ("1", "5")
"""The last digits of problems that only text solves."""


class Engine:
    """Completes by the hash of all that it is told: right, wrong, leaking, repeating itself."""

    loads = takes_adapters = True

    def __init__(self, engine, problems):
        self.engine, self.problems, self.checkpoint = engine, problems, ""

    def load(self, checkpoint):
        self.checkpoint = Checkpoint(checkpoint).key

    def complete(self, prompts, params, watch=nobody):
        return [[self.completion(prompt, seed, params) for seed in prompt.seeds] for prompt in prompts]

    def completion(self, prompt, seed, params):
        told = msgspec.json.encode([self.checkpoint, prompt.text, prompt.stop, seed, params])
        draw = int(hashlib.sha256(told).hexdigest(), 16)
        problem = max(self.problems, key=lambda p: prompt.text.rfind(p.question))
        number = re.search(r"\d+", problem.question).group()
        answer, first = Decimal(problem.answer), draw % 3 + 2
        step = f"{first} + {answer - first}"
        if prompt.text.endswith("rogram:"):
            answer += problem.id.endswith(NO_PROGRAM)
            step = f"{first} + {answer - first}"
            right = f"\ndef solution():\n    seen = {number}\n    return {step} + 0 * seen"
            texts = [
                right,
                right,
                right,
                f"\ndef solution():\n    return {answer}",
                f"\ndef solution():\n    return {step} + 1",
            ]
        else:
            right = f" It is {step} = {answer}. The answer is {answer}."
            wrong = f" It is {first} + 1 = {answer}, in more words than it needs. The answer is {answer}."
            texts = [right, right, wrong, f" The answer is {answer}.", f" It is {step} + 1. The answer is {answer + 1}."]
        return Completion([*texts, texts[-1]][draw // 3 % 6], FinishReason.STOP, 9, 9, -0.1)

    def close(self):
        pass


class Runs:
    """Runs programs of this file's making."""

    def __init__(self, settings):
        self.settings = settings

    def execute(self, programs):
        return [Result(program.name, Status.OK, *self.value(program.code)) for program in programs]

    def value(self, code):
        space = {}
        exec(code, space)
        found = space["solution"]()
        return type(found).__name__, str(found)


def fitted(trainer):
    def fit(start, target, rows, options, work, seed):
        told = [Checkpoint(start).key, [msgspec.to_builtins(row) for row in rows], options.settings(), trainer, seed]
        shutil.copytree(start, target, ignore=shutil.ignore_patterns("*.safetensors"))
        (target / "model.safetensors").write_text(hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest())
        return TrainingRecord()

    return fit


class Recorder(Ledger):
    """Remembers each stage that was asked for, in order, with its key and what was found under it."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = []

    @contextmanager
    def stage(self, name, spec):
        with super().stage(name, spec) as stage:
            if name != PROMPTS:  # stages of what is asked follow from the others' keys
                self.asked.append((f"{name} {self.purpose(stage.settings)}" if name == "sample" else name, stage))
            yield stage

    def purpose(self, settings):
        draw = settings["draw"]
        return draw["purpose"].split("/")[0] + " of several" * (draw["round"] == 0 and draw["count"] > 1)

    def kept(self):
        def content(stage):
            facts = stage.manifest()
            return facts.get("checkpoint") or stage.content

        return [(label, stage.key, content(stage)) for label, stage in self.asked]


def problem_sets(config, settings):
    read = OmegaConf.to_yaml(OmegaConf.masked_copy(config, ["dataset", "splits", "decontaminate"]), resolve=True)
    if read not in SETS:
        measured_on = sets_measured_on(settings)
        SETS[read] = [train_set(settings, measured_on)[0], *measured_on]
    return SETS[read]


def stages(config, root, nano):
    """(stage, key, content of what is in the ledger) of each stage that a job asks for, in order."""
    settings = checked(OmegaConf.to_container(config, resolve=True), TrainSettings)
    methods = build_methods(settings.solvers)
    train, *tests = problem_sets(config, settings)
    problems = [problem for found in (train, *tests) for problem in found.problems]
    engine = Engine(build(settings.sampler, "sampler").engine, problems)
    with build(settings.sandbox, "sandbox") as pool:
        executor = Runs(pool.settings)
    ledger = Recorder(root)
    writer = prompt_writer(settings, nano)
    pipeline = Pipeline(
        ledger, methods, writer, engine, executor, settings.seed, settings.chunk, settings.redo_unjudged,
        chunk_seconds=settings.chunk_seconds or math.inf,
    )  # fmt: skip
    trainer = settings.trainer.trainer
    shown = {"enable_progress_bar", "enable_model_summary", "log_every_n_steps"}
    counted = {key: value for key, value in trainer.items() if key not in shown}
    options = build(settings.trainer.options, "trainer.options")
    objectives = {settings.method.name: arms_objective(objective_of(settings, settings.method))}
    plan = RoundsPlan(
        settings.rounds,
        InitFrom(settings.init_from),
        selection_options(settings),
        TrainingPlan(options, lambda name, title: fitted(counted), trainer, objectives),
        evaluation_of(settings.evaluation, {}, list(methods)),
        settings.seed,
    )
    main = settings.method
    edges = {"self_both": "self", "self_text": ["text -> text"], main.name: main.edges}
    parsed = read_recipe(main, methods, objective_of(settings, main))
    recipes = [*(Recipe.parse(name, edges[name], methods) for name in settings.arms), parsed]
    run_rounds(pipeline, plan, recipes, Checkpoint(nano), train, tests)
    return ledger.kept()


def leaves(node, under=""):
    for key in node:
        child = node[key]
        if isinstance(child, DictConfig) and len(child):
            yield from leaves(child, f"{under}{key}.")
        else:
            yield f"{under}{key}"


@pytest.fixture(scope="module")
def composed():
    return composed_config("train", *BASE)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_cut_off():
    """So that no file has to be on the disk before the next one."""
    patch = pytest.MonkeyPatch()
    patch.setattr("os.fsync", lambda file: None)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return tmp_path_factory.mktemp("ledger")


@pytest.fixture(scope="module")
def base(composed, ledger, nano):
    return stages(composed, ledger, nano)


@pytest.fixture
def changed(composed):
    def change(key, value):
        config = composed.copy()
        OmegaConf.update(config, key, value, merge=False)
        return config

    return change


def test_every_key_of_the_configuration_is_looked_at(composed):
    keys = [key for key in leaves(composed) if not SILENT.fullmatch(key)]
    assert set(keys) == {*CHANGES, *HARMLESS}
    assert not set(CHANGES) & set(HARMLESS)


@pytest.mark.parametrize("key", CHANGES)
def test_another_value_changes_the_first_stage_that_it_can_and_finds_nothing_stale(key, changed, base, ledger, nano, tmp_path):
    value, first = CHANGES[key]
    config = changed(key, value)
    found = stages(config, ledger, nano)
    new = [label for label, stage_key, _ in found if stage_key not in {known for _, known, _ in base}]
    left = [label for label, stage_key, _ in base if stage_key not in {other for _, other, _ in found}]
    assert next(iter([*new, *left]), None) == first
    assert found == stages(config, tmp_path, nano)


@pytest.mark.parametrize("key", [key for key, (value, _) in HARMLESS.items() if value is not None])
def test_what_changes_no_row_changes_no_key(key, changed, base, ledger, nano):
    assert stages(changed(key, HARMLESS[key][0]), ledger, nano) == base


@pytest.mark.parametrize("key", ["chunk", "chunk_seconds"])
def test_where_chunks_close_changes_no_row(key, changed, base, nano, tmp_path):
    assert stages(changed(key, HARMLESS[key][0]), tmp_path, nano) == base
