"""Runs made of given outcomes and samples, in the form that real ones leave behind: what the report is tested and timed on."""

import json
import random

from mmst.answers.labels import Health, LabelCounts
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.spec import RowsSpec
from mmst.pipeline import Checkpoint, EdgeCounts, ExampleSet, ProblemSet
from mmst.reporting.results import run_results, write_outcomes, write_results
from mmst.rounds import ArmResult
from mmst.stages.asked import NAME, AskedRow, asked_rows, prompt_of
from mmst.stages.evaluate import measured
from mmst.types import FinishReason, GradedSample, Problem, Prompt, Sample, Verdict

METHODS = ("text", "code")
RIGHT = {"base": 0.4, "self_both": 0.5, "multi": 0.6}
"""How often each arm is right."""
WORDS = ("plus", "apples", "minus", "times", "each", "so there are", "in all", "left", "= ", "print(")
CONFIG = {"model": {"name": "nano"}, "dataset": {"name": "arithmetic"}, "decontaminate": None}


def made_problems(name, count, mark=""):
    families = ("groups", "shares", "rates")
    return [
        Problem(f"{name}{mark}-{i}", f"How many of {i}?{mark}", str(i), tags=(f"family:{families[i % 3]}",))
        for i in range(count)
    ]


def graded(problem, method, index, right, source=None):
    verdict = Verdict.UNJUDGED if right is None else Verdict.RIGHT if right else Verdict.WRONG
    answer = problem.answer if right else str(int(problem.answer) + 1)
    numbers = random.Random(f"{problem.id} {method} {index} {right} {source}")
    steps = " ".join(f"{numbers.choice(WORDS)} {numbers.randrange(999)}" for _ in range(20))
    completion = f"By {method}, {problem.question} </script> is <b>&{index}</b>: {steps}. The answer is {answer}."
    id = f"{source}>{method}" if source else f"{problem.id}/{method}/{index}"
    sample = Sample(id, problem.id, method, index, 7, completion, FinishReason.STOP, 9, 9, -0.1, 0.7, 1.0, 64, "made 1", source)
    return GradedSample(sample, answer, verdict, "stated")


def stage(ledger, name, settings, rows, row_type, facts=()):
    """A stage of the ledger that holds these rows, done; returns its key."""
    made = ledger.chain(rows, [Work(name, settings, lambda part, task: part, row_type)], Chunking(1000), name)
    if facts:
        made.finish({**made.manifest(), **dict(facts)})
    return made.key


def sampled(ledger, rows, method, purpose, checkpoint, made_by="sample"):
    """A stage of samples and the stage that grades them."""
    asked = [
        Prompt(prompt_of(row.sample.id), f"Question: How many of {row.sample.problem_id.rpartition('-')[2]}?\nAnswer:", ())
        for row in rows
    ]
    prompts = f"{purpose} {checkpoint} {method}"
    stage(ledger, NAME, RowsSpec(prompts), asked_rows(asked), AskedRow)
    settings = {"draw": {"purpose": purpose, "round": 1}, "checkpoint": checkpoint, "method": method, "prompts": prompts}
    key = stage(ledger, made_by, settings, [row.sample for row in rows], Sample)
    stage(ledger, "grade", {"samples": key, "method": method}, rows, GradedSample)


def made_run(
    folder, ledger_root, overrides=(), seed=0, problems=30, samples=2, gain=0.0, config=None, evaluation=False, mark=""
):
    """One finished run of the arms `RIGHT`; `gain` is added to how often `multi` is right.

    `evaluation`: what eval.py leaves, which trains nothing. `mark`: a text that ids, questions and completions hold.
    """
    draw = random.Random(f"{seed} {sorted(overrides)}")
    ledger = Ledger(ledger_root)
    train, test = (made_problems(f"{name}{seed}", problems, mark) for name in ("train", "test"))
    stage(ledger, "problems", {"set": "train", "seed": seed}, train, Problem)
    stage(ledger, "problems", {"set": "test", "seed": seed}, test, Problem)
    base = f"base{seed}"
    drawn = random.Random(seed)
    for method in METHODS:
        rows = [graded(problem, method, i, drawn.random() < 0.5) for problem in train for i in range(samples)]
        sampled(ledger, rows, method, f"train/{method}", base)
        other = METHODS[method == "text"]
        moved = [graded(p, other, 0, drawn.random() < 0.7, f"{p.id}/{method}/0") for p in train]
        sampled(ledger, moved, other, f"{method} -> {other}", base, "translate")
    results = []
    for arm, share in RIGHT.items():
        checkpoint = base if arm == "base" else f"{arm}{seed}{'-'.join(overrides)}"
        chance = share + (gain if arm == "multi" else 0)
        numbers = random.Random(seed) if arm == "base" else draw
        rows = {m: [graded(problem, m, 0, numbers.random() < chance) for problem in test] for m in METHODS}
        if arm == "multi":
            rows["code"][0] = graded(test[0], "code", 0, None)
        for method in METHODS:
            sampled(ledger, rows[method], method, f"test/{method}", checkpoint)
        examples = None
        if arm != "base" and not evaluation:
            stage(
                ledger,
                "train",
                {"arm": arm, "seed": checkpoint},
                [],
                Sample,
                {"title": f"train {arm}", "checkpoint": checkpoint},
            )
            counts = {
                "text -> text": EdgeCounts(samples=60, pseudo_labels=30, examples=20, dropped={"answer_only": 1}),
                "code -> text": EdgeCounts(samples=60, pseudo_labels=30, translations=30, verified=20, examples=20, dropped={}),
            }
            health = {method: Health(16, 0.5, 0.25, 0.75, 0.5) for method in METHODS}
            examples = ExampleSet([], counts, {method: LabelCounts(30, 20, 20, 19) for method in METHODS}, health)
        by_id = {problem.id: problem for problem in test}
        found = measured(rows, by_id, {}, 0)
        place = Checkpoint(folder / arm)
        place.__dict__["key"] = checkpoint
        results.append(ArmResult(arm, int(examples is not None), place, {"test": found}, examples))
    pairs = [("base", "self_both"), ("base", "multi"), ("self_both", "multi")]
    found = run_results(results, pairs, [ProblemSet("test", test)], ledger, {**CONFIG, **(config or {})})
    write_results(found, folder)
    write_outcomes(results, folder)
    job = {"name": folder.name, "failed": False, "why": None, "overrides": list(overrides)}
    (folder / "job.json").write_text(json.dumps(job))
    curve = folder / "curves" / "multi" / "metrics.csv"
    curve.parent.mkdir(parents=True)
    curve.write_text("step,loss\n" + "".join(f"{step},{2 / (step + 1):.3f}\n" for step in range(9)))
    return folder
