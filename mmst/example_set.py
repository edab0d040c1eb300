"""One arm's training set in one round: problems -> samples -> pseudo-labels -> translations -> examples."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from mmst.answers.labels import LabelRule, answer_counts, health, label_counts, labels
from mmst.crossing import Round, SelectionOptions, Weights, crossed, kept_translations
from mmst.drawing import drawn, rarity_weights
from mmst.methods.edge import Contrast, Edge, Recipe
from mmst.methods.method import Method
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet
from mmst.stages import assemble, contrast, quantity, select
from mmst.stages.sets import EdgeResult, Rows, Spent, Successes, dropped_rows, edge_counts
from mmst.statistics.agreement import correlations
from mmst.types import Contrasted, Dropped, Example, GradedSample, Verdict

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
    results = [edge_result(round, edge, recipe, rows, answers[edge.source]) for edge in edges]
    solved = {name: Successes.of(graded) for name, graded in rows.items()}
    found = _assembled(round, recipe, results, set(map(str, replayed)), solved, match)
    if recipe.contrast is not Contrast.NONE:
        found = replace(found, contrasted=_contrasted(round, recipe, found.examples, rows, answers))
    if options.weights is Weights.RARITY:
        found = replace(found, weights=rarity_weights(rows.values(), found.examples))
    return replace(
        found,
        labelled=len({id for result in results for id in result.labelled_problems}),
        labels={name: label_counts(chosen, problems.by_id) for name, chosen in answers.items()},
        health={name: health(rows[name]) for name in starts},
        sampled=sum((Spent.of(rows[name]) for name in asked), Spent()),
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
    wrong = contrast.wrong_solutions(targets, is_wrong, problems, pipeline.methods, pipeline.writer)
    if recipe.contrast is Contrast.ALONE:
        found = contrast.each_alone(examples, wrong, recipe.contrasts)
    else:
        found = contrast.pairs(examples, wrong, recipe.contrast, recipe.contrasts)
    problems_of = len({row.example.problem_id for row in found})
    log.info("%s: %d examples beside another completion, of %d problems", recipe.name, len(found), problems_of)
    pipeline.keep("contrasted", found, f"contrasts of {recipe.name}")
    return found


def _more(round: Round, rows: Mapping[str, Rows], goal: int) -> dict[str, Rows]:
    """The same and more samples of each problem, each method's share of a goal of completion tokens as it was."""
    spent = {name: Spent.of(found).completion_tokens for name, found in rows.items()}
    times = goal / max(1, sum(spent.values()))
    count = round.options.samples_per_problem
    most = max(count, ceil(count * times * SPARE))
    more = {name: round.sampled(name, most) for name in rows}
    seed = round.pipeline.seed
    return {name: quantity.within_tokens(found, count, spent[name] * times, seed) for name, found in more.items()}


def edge_result(round: Round, edge: Edge, recipe: Recipe, rows: Mapping[str, Rows], answers: Mapping[str, str]) -> EdgeResult:
    """One edge: the samples of its source that give `answers` (problem id -> answer), translated where it crosses."""
    keep, methods, problems = round.options.keep, round.pipeline.methods, round.problems
    source, target = rows[edge.source], methods[edge.target]
    labelled, refused = select.select(source, problems.by_id, methods[edge.source], keep, str(edge), answers)
    labelled, refused = _varying(round, labelled, refused, methods[edge.source], edge)
    found, translations, spent = labelled, 0, Spent()
    lost: list[Dropped] = []
    if edge.crosses:
        sent, own = select.first_of_each(labelled, round.options.labels_per_problem), rows.get(edge.target, ())
        done = crossed(round, edge, recipe, sent, own)
        found, lost = kept_translations(round, edge, recipe, done, sent, own)
        found, lost = _varying(round, found, lost, target, edge)
        translations, spent = len(done), Spent.of(done)
    wrong = sum(bool(target.wrong_steps(row.sample.completion)) for row in found)
    solved = frozenset(row.sample.problem_id for row in labelled)
    return EdgeResult(edge, len(source), len(labelled), found, refused, translations, lost, wrong, spent, solved)


def _varying(
    round: Round, rows: list[GradedSample], dropped: list[Dropped], method: Method, edge: Edge
) -> tuple[list[GradedSample], list[Dropped]]:
    """Without constant programs, where the filter asks for that."""
    if not round.options.keep.drop_constant:
        return rows, dropped
    kept, constant = select.drop_constant(rows, round.problems.by_id, method, round.pipeline.executor, str(edge))
    return kept, [*dropped, *constant]


def _assembled(
    round: Round,
    recipe: Recipe,
    results: Sequence[EdgeResult],
    replayed: set[str],
    solved: Mapping[str, Successes],
    match: ExampleSet | None,
) -> ExampleSet:
    pipeline = round.pipeline
    rows = {result.edge: result.rows for result in results}
    examples, repeated = assemble.assemble(rows, round.problems.by_id, pipeline.methods, pipeline.writer)
    matched = match.examples if match else None
    agreed = frozenset.intersection(*(found.some for found in solved.values())) if solved else frozenset()
    keep = round.options.keep
    examples, surplus = quantity.cut(examples, keep, replayed, matched, round.checkpoint.path, agreed, pipeline.seed)
    dropped = [*dropped_rows(results), *repeated, *surplus]
    pipeline.keep("examples", examples, f"examples of {recipe.name}")
    pipeline.keep("dropped", dropped, f"dropped by {recipe.name}")
    places = {
        "all": None,
        "labelled": {row.sample.problem_id for result in results for row in result.rows},
        "examples": {example.problem_id for example in examples},
    }
    firsts = {name: found.first for name, found in solved.items()}
    return ExampleSet(examples, edge_counts(results, dropped, examples), correlations=correlations(firsts, places))
