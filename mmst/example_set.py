"""One arm's training set in one round: problems -> samples -> pseudo-labels -> translations -> examples."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress
from math import ceil

from mmst.answers.labels import Health, HealthTally, LabelRule, answer_counts, label_counts, labels
from mmst.crossing import Round, SelectionOptions, Weights, crossed, kept_translations
from mmst.drawing import drawn, rarity_weights
from mmst.ledger.spooled import Spooled
from mmst.methods.edge import Contrast, Edge, Recipe
from mmst.methods.method import Method
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet
from mmst.stages import assemble, contrast, quantity, select
from mmst.stages.sets import (
    EdgeResult,
    Rows,
    Spent,
    SpentTally,
    Successes,
    SuccessTally,
    dropped_rows,
    edge_counts,
    gone_through,
)
from mmst.statistics.agreement import correlations
from mmst.types import Contrasted, Dropped, DropReason, Example, GradedSample, Verdict

log = logging.getLogger(__name__)

SPARE = 1.25
"""How many more samples are drawn than tokens should need: what completions take varies, and what is over is left out."""


def example_set(
    pipeline: Pipeline,
    recipe: Recipe,
    checkpoint: Checkpoint,
    problems: ProblemSet,
    options: SelectionOptions,
    number: int,
    match: ExampleSet | None = None,
    compute: ExampleSet | None = None,
) -> ExampleSet:
    """All data stages of a recipe in round `number`: from problems to the examples of one arm.

    match: whose quantity they are cut to. compute: whose sampled and translated tokens its samples may take.
    """
    round = Round(pipeline, checkpoint, problems, options, number)
    keep, count = options.keep, options.samples_per_problem
    replayed = recipe.replayed(pipeline.methods) if keep.replay else ()
    edges = (*recipe.edges, *replayed)
    starts = dict.fromkeys(edge.source for edge in edges)
    asked = pipeline.methods if options.asks_all_methods else dict.fromkeys([*starts, *recipe.asked])
    rows: dict[str, Rows] = {name: drawn(round, name) for name in asked}
    if compute:
        goal = compute.sampled.completion_tokens + compute.translated.completion_tokens
        rows |= _more(round, {name: rows[name] for name in starts}, goal)
    voting = {} if keep.labels is LabelRule.GOLD else rows
    votes = {name: answer_counts(answers, problems.by_id) for name, answers in voting.items()}
    answers = {name: labels(keep.labels, name, votes, problems.by_id, count, keep.least_share) for name in starts}
    results = _edge_results(round, recipe, edges, rows, answers)
    counted = {name: Counted.of(graded) for name, graded in rows.items()}
    solved = {name: found.successes for name, found in counted.items()}
    found = _assembled(round, recipe, results, set(map(str, replayed)), solved, match)
    if recipe.contrast is not Contrast.NONE:
        found = replace(found, contrasted=_contrasted(round, recipe, found.examples, rows, answers))
    if options.weights is Weights.RARITY:
        found = replace(found, weights=rarity_weights(rows.values(), found.examples))
    return replace(
        found,
        labelled=len({id for result in results for id in result.labelled_problems}),
        labels={name: label_counts(chosen, problems.by_id) for name, chosen in answers.items()},
        health={name: counted[name].health for name in starts},
        sampled=sum((counted[name].spent for name in asked), Spent()),
        translated=sum((result.spent for result in results), Spent()),
    )


def _contrasted(
    round: Round,
    recipe: Recipe,
    examples: Sequence[Example],
    rows: Mapping[str, Rows],
    answers: Mapping[str, Mapping[str, str]],
) -> list[Contrasted]:
    """The examples beside wrong solutions. answers: source method -> problem id -> what its samples are held against."""
    pipeline, problems = round.pipeline, round.problems.by_id
    labels = {id: answer for found in answers.values() for id, answer in found.items()}

    def is_wrong(row: GradedSample) -> bool:
        if round.options.keep.labels is LabelRule.GOLD:
            return row.verdict is Verdict.WRONG
        label = labels.get(row.sample.problem_id)
        return None not in (label, row.answer) and not select.same_answer(row.answer, label, problems[row.sample.problem_id])

    targets = {name: rows[name] for name in recipe.targets if name in rows}
    wrong = contrast.wrong_solutions(targets, is_wrong, problems, pipeline.methods, pipeline.writer, recipe.contrasts)
    if recipe.contrast is Contrast.ALONE:
        found = contrast.each_alone(examples, wrong, recipe.contrasts)
    else:
        found = contrast.pairs(examples, wrong, recipe.contrast, recipe.contrasts)
    problems_of = len({row.example.problem_id for row in found})
    log.info("%s: %d examples beside another completion, of %d problems", recipe.name, len(found), problems_of)
    pipeline.keep("contrasted", found, f"contrasts of {recipe.name}")
    return found


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of one method's samples."""

    successes: Successes
    spent: Spent
    health: Health

    @classmethod
    def of(cls, rows: Rows) -> Counted:
        """Gone through once."""
        successes, spent, diversity = SuccessTally(), SpentTally(), HealthTally()
        gone_through(rows, successes, spent, diversity)
        return cls(successes.found, spent.found, diversity.found)


def _more(round: Round, rows: Mapping[str, Rows], goal: int) -> dict[str, Rows]:
    """The same and more samples of each problem, each method's share of a goal of completion tokens as it was."""
    spent = {name: Spent.of(found).completion_tokens for name, found in rows.items()}
    times = goal / max(1, sum(spent.values()))
    count = round.options.samples_per_problem
    most = max(count, ceil(count * times * SPARE))
    more = {name: round.sampled(name, most) for name in rows}
    seed = round.pipeline.seed
    folder = round.pipeline.ledger.root
    return {name: quantity.within_tokens(found, count, spent[name] * times, seed, folder) for name, found in more.items()}


def _edge_results(
    round: Round,
    recipe: Recipe,
    edges: Sequence[Edge],
    rows: Mapping[str, Rows],
    answers: Mapping[str, Mapping[str, str]],
) -> list[EdgeResult]:
    """Each edge's. What edges with one source learn from of it is the same, unless a rule of the user's looks at the edge."""
    labelled: dict[str, Labelled] = {}
    results = []
    for edge in edges:
        if edge.source not in labelled or round.options.keep.rules:
            labelled[edge.source] = Labelled.of(round, edge, rows[edge.source], answers[edge.source])
        results.append(_edge_result(round, edge, recipe, rows, labelled[edge.source]))
    return results


@dataclass(frozen=True, slots=True)
class Labelled:
    """The pseudo-labels of one method, and what was refused."""

    rows: Sequence[GradedSample]
    refused: Sequence[Dropped]
    problems: frozenset[str]

    @classmethod
    def of(cls, round: Round, edge: Edge, rows: Rows, answers: Mapping[str, str]) -> Labelled:
        """The samples of an edge's source that give `answers` (problem id -> answer)."""
        method, folder = round.pipeline.methods[edge.source], round.pipeline.ledger.root
        found, refused = select.select(rows, round.problems.by_id, method, round.options.keep, str(edge), answers, folder)
        found, refused = _varying(round, found, refused, method, edge)
        return cls(found, refused, frozenset(row.sample.problem_id for row in found))


def _edge_result(round: Round, edge: Edge, recipe: Recipe, rows: Mapping[str, Rows], labelled: Labelled) -> EdgeResult:
    """One edge: the pseudo-labels of its source, translated where it crosses."""
    target, folder = round.pipeline.methods[edge.target], round.pipeline.ledger.root
    found, translations, spent = labelled.rows, 0, Spent()
    lost: Sequence[Dropped] = ()
    if edge.crosses:
        sent, own = select.first_of_each(labelled.rows, round.options.labels_per_problem, folder), rows.get(edge.target, ())
        done = crossed(round, edge, recipe, sent, own)
        translated, dropped = kept_translations(round, edge, recipe, done, sent, own)
        found, lost = _varying(round, translated, dropped, target, edge)
        translations, spent = len(done), Spent.of(done)
    wrong, problems = 0, set()
    for row in found:
        wrong += bool(target.wrong_steps(row.sample.completion))
        problems.add(row.sample.problem_id)
    return EdgeResult(
        edge=edge,
        samples=len(rows[edge.source]),
        pseudo_labels=len(labelled.rows),
        rows=found,
        refused=labelled.refused,
        translations=translations,
        lost=lost,
        wrong_steps=wrong,
        spent=spent,
        labelled_problems=labelled.problems,
        problems=frozenset(problems),
    )


def _varying(
    round: Round, rows: Spooled[GradedSample], dropped: Spooled[Dropped], method: Method, edge: Edge
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    """Without constant programs, where the filter asks for that."""
    if not round.options.keep.drop_constant:
        return rows, dropped
    pipeline = round.pipeline
    kept, constant = select.drop_constant(
        rows, round.problems.by_id, method, pipeline.executor, str(edge), pipeline.ledger.root
    )
    dropped.extend(constant)
    return kept, dropped


def _assembled(
    round: Round,
    recipe: Recipe,
    results: Sequence[EdgeResult],
    replayed: set[str],
    solved: Mapping[str, Successes],
    match: ExampleSet | None,
) -> ExampleSet:
    pipeline, keep, folder = round.pipeline, round.options.keep, round.pipeline.ledger.root
    rows = {result.edge: result.rows for result in results}
    examples, repeated = assemble.assemble(rows, round.problems.by_id, pipeline.methods, pipeline.writer, folder)
    matched = match.examples if match else None
    agreed = frozenset.intersection(*(found.some for found in solved.values())) if solved else frozenset()
    dropped = Spooled(Dropped, folder, chain(dropped_rows(results), repeated))
    marks = quantity.cut(examples, keep, replayed, matched, round.checkpoint.path, agreed, pipeline.seed)
    if marks is not None:
        surplus = compress(examples, (not mark for mark in marks))
        dropped.extend(Dropped(example.id, example.edge, DropReason.SUBSAMPLED) for example in surplus)
        examples = Spooled(Example, folder, compress(examples, marks))
    kept = pipeline.kept("examples", examples, f"examples of {recipe.name}")
    pipeline.keep("dropped", dropped, f"dropped by {recipe.name}")
    counts = edge_counts(results, dropped, examples)
    places = {
        "all": None,
        "labelled": frozenset().union(*(result.problems for result in results)),
        "examples": {example.problem_id for example in examples},
    }
    firsts = {name: found.first for name, found in solved.items()}
    return ExampleSet(kept, counts, correlations=correlations(firsts, places))
