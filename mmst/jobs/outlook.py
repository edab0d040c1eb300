"""The long pieces of a job, in their order: what its progress is counted in. Pieces that arms share are there once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmst.crossing import SelectionOptions
from mmst.ledger.progress import Piece, PieceKind
from mmst.methods.edge import Crossing, Edge, Recipe, Tries
from mmst.pipeline import ProblemSet
from mmst.rounds import Evaluation, RoundsPlan


def run_pieces(
    plan: RoundsPlan, recipes: Sequence[Recipe], methods: Sequence[str], train: ProblemSet, tests: Sequence[ProblemSet]
) -> list[Piece]:
    """What `mmst.rounds.run_rounds` does, but for samples whose number its own results decide."""
    trained = [recipe for recipe in recipes if recipe.edges]
    found: dict[tuple[str, Piece], Piece] = {}

    def note(checkpoint: str, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            found.setdefault((checkpoint, piece), piece)

    selection = plan.selection
    if plan.evaluation.learns:
        note("", (_sampled(train, name, selection.samples_per_problem) for name in _asked(trained, selection, methods)))
    note("", measured_pieces(plan.evaluation, methods, tests))
    for recipe in trained:
        checkpoint = ""
        for number in range(1, plan.rounds + 1):
            note(checkpoint, made_pieces(recipe, selection, methods, train))
            checkpoint = f"{recipe.name}, round {number}"
            steps = plan.training.options.step_count(len(train.problems) * selection.keep.per_problem * len(recipe.edges))
            note(checkpoint, [Piece(f"train   {checkpoint}", steps, PieceKind.STEPS)])
            note(checkpoint, measured_pieces(plan.evaluation, methods, tests))
    return list(found.values())


def made_pieces(recipe: Recipe, selection: SelectionOptions, methods: Sequence[str], train: ProblemSet) -> list[Piece]:
    """Samples and translations of one round of a recipe."""
    edges = (*recipe.edges, *(recipe.replayed(methods) if selection.keep.replay else ()))
    asked = methods if selection.asks_all_methods else list(dict.fromkeys([*(edge.source for edge in edges), *recipe.asked]))
    sampled = [_sampled(train, name, selection.samples_per_problem) for name in asked]
    labels = len(train.problems) * min(selection.labels_per_problem, selection.samples_per_problem)
    crossing = [edge for edge in edges if edge.crosses]
    tries = 1 if recipe.tries is Tries.ALL else selection.translations_per_label
    each = labels * selection.translations_per_label // tries
    return sampled + [_translated(edge, recipe.crossing, each, number) for edge in crossing for number in range(1, tries + 1)]


def measured_pieces(evaluation: Evaluation, methods: Sequence[str], tests: Sequence[ProblemSet]) -> list[Piece]:
    """What measuring one checkpoint takes."""
    edges = dict.fromkeys(edge for policy in evaluation.policies for edge in policy.needs(list(methods)).translations)
    found = []
    for problems in tests:
        found += [_sampled(problems, name, 1) for name in methods]
        found += [_sampled(problems, name, evaluation.samples) for name in methods if evaluation.samples]
        found += [_translated(Edge.parse(edge, list(methods)), Crossing.TRANSLATE, len(problems.problems)) for edge in edges]
    return found


def _asked(recipes: Sequence[Recipe], selection: SelectionOptions, methods: Sequence[str]) -> list[str]:
    if selection.asks_all_methods:
        return list(methods)
    sources = {source for recipe in recipes for source in recipe.asked}
    return [name for name in methods if name in sources]


def _sampled(problems: ProblemSet, method: str, count: int) -> Piece:
    return Piece(f"sample {problems.name} by {method}", len(problems.problems) * count, PieceKind.SAMPLES)


def _translated(edge: Edge, crossing: Crossing, most: int, number: int = 1) -> Piece:
    what = [str(edge), "" if crossing is Crossing.TRANSLATE else str(crossing), f"try {number}" if number > 1 else ""]
    return Piece(f"translate {', '.join(part for part in what if part)}", most, PieceKind.TRANSLATIONS)
