"""The long pieces of a job, in their order: what its progress is counted in. Pieces that arms share are there once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mmst.choosing import TRAINING
from mmst.crossing import SelectionOptions
from mmst.ledger.progress import Piece, PieceKind
from mmst.methods.edge import Crossing, Edge, Recipe, Tries, attempt_title
from mmst.pipeline import ProblemSet
from mmst.policies.policy import Needs, Policy
from mmst.reasons import PROGRAM
from mmst.rounds import Evaluation, RoundsPlan
from mmst.solutions import problems_read, title_of
from mmst.stages.reasons import Way
from mmst.types import AnswerKind


def run_pieces(
    plan: RoundsPlan, recipes: Sequence[Recipe], methods: Sequence[str], train: ProblemSet, tests: Sequence[ProblemSet]
) -> list[Piece]:
    """What `mmst.rounds.run_rounds` does, but for samples whose number its own results decide."""
    trained = [recipe for recipe in recipes if recipe.edges]
    found: list[Piece] = []
    shared: set[tuple[str, Piece]] = set()

    def note(checkpoint: str, pieces: Iterable[Piece]) -> None:
        new = [piece for piece in pieces if (checkpoint, piece) not in shared]
        shared.update((checkpoint, piece) for piece in new)
        found.extend(new)

    def measure() -> None:
        if plan.evaluation.learns and trained:
            found.extend(_hidden(plan.evaluation.policies, methods, TRAINING, len(train.problems)))
            read = min(len(train.problems), problems_read(plan.evaluation.policies, methods))
            answers = read * selection.samples_per_problem * len(_asked(trained, selection, methods))
            found.extend([Piece(title_of(TRAINING), answers, PieceKind.SOLUTIONS)] if read else [])
        found.extend(measured_pieces(plan.evaluation, methods, tests))

    selection = plan.selection
    if plan.evaluation.learns:
        note("", (piece for name in _asked(trained, selection, methods) for piece in _drawn(train, name, selection)))
    measure()
    for recipe in trained:
        checkpoint = ""
        for number in range(1, plan.rounds + 1):
            note(checkpoint, made_pieces(recipe, selection, methods, train))
            checkpoint = f"{recipe.name}, round {number}"
            steps = plan.training.options.step_count(len(train.problems) * selection.keep.per_problem * len(recipe.edges))
            found.append(Piece(f"train   {checkpoint}", steps, PieceKind.STEPS))
            measure()
    return found + hardest_pieces(plan.evaluation, methods, tests)


def made_pieces(recipe: Recipe, selection: SelectionOptions, methods: Sequence[str], train: ProblemSet) -> list[Piece]:
    """Samples and translations of one round of a recipe."""
    edges = (*recipe.edges, *(recipe.replayed(methods) if selection.keep.replay else ()))
    asked = methods if selection.asks_all_methods else list(dict.fromkeys([*(edge.source for edge in edges), *recipe.asked]))
    sampled = [piece for name in asked for piece in _drawn(train, name, selection)]
    labels = len(train.problems) * min(selection.labels_per_problem, selection.until or selection.samples_per_problem)
    crossing = [edge for edge in edges if edge.crosses]
    tries = 1 if recipe.tries is Tries.ALL else selection.translations_per_label
    each = labels * selection.translations_per_label // tries
    return sampled + [
        _translated(edge, recipe.crossing, each, number, recipe.taught) for edge in crossing for number in range(1, tries + 1)
    ]


def measured_pieces(evaluation: Evaluation, methods: Sequence[str], tests: Sequence[ProblemSet]) -> list[Piece]:
    """What measuring one checkpoint takes."""
    found = []
    for problems in tests:
        found += [_sampled(problems, name, 1) for name in methods]
        found += [_sampled(problems, name, evaluation.samples) for name in methods if evaluation.samples]
        found += _looked_at(evaluation.reasons, methods, problems)
        found += _chosen(evaluation.policies, methods, problems)
    return found


def hardest_pieces(evaluation: Evaluation, methods: Sequence[str], tests: Sequence[ProblemSet]) -> list[Piece]:
    """What the base samples for the hardest third of each set to be told."""
    return [_sampled(problems, name, evaluation.hardest) for problems in tests for name in methods if evaluation.hardest]


def _looked_at(ways: Sequence[Way], methods: Sequence[str], problems: ProblemSet) -> list[Piece]:
    """What looking at the reasons of right answers takes."""
    found = []
    for name in methods:
        if Way.EXECUTION in ways and name != PROGRAM:
            found.append(_translated(Edge(name, PROGRAM), Crossing.TRANSLATE, len(problems.problems)))
        if Way.JUDGE in ways:
            found.append(Piece(f"reasons of {problems.name} by {name}", len(problems.problems), PieceKind.REASONS))
    return found


def _chosen(policies: Sequence[Policy], methods: Sequence[str], problems: ProblemSet) -> list[Piece]:
    """What choosing among the methods' answers takes."""
    tested = any(problem.kind is AnswerKind.TESTS for problem in problems.problems)
    asked = [policy for policy in policies if not (tested and policy.compares)]
    needs = [policy.needs(list(methods)) for policy in asked]
    count = len(problems.problems)
    edges = dict.fromkeys(edge for need in needs for edge in need.translations)
    found = [_translated(Edge.parse(edge, list(methods)), Crossing.TRANSLATE, count) for edge in edges]
    found += _hidden(asked, methods, problems.name, count)
    found += _read(needs, methods, problems.name, count)
    picks = {name: asking for need in needs for name, asking in need.picks.items()}
    return found + [Piece(f"select {problems.name}", count * one.orders, PieceKind.PICKS) for one in picks.values()]


def _hidden(policies: Sequence[Policy], methods: Sequence[str], name: str, count: int) -> list[Piece]:
    if not any(policy.needs(list(methods)).hidden for policy in policies):
        return []
    return [Piece(f"hidden states of {name}", count, PieceKind.HIDDEN_STATES)]


def _read(needs: Sequence[Needs], methods: Sequence[str], name: str, count: int) -> list[Piece]:
    """Sampled answers that the model reads."""
    reading = [need.samples for need in needs if need.solutions]
    each = sum(max((samples.get(method, 0) for samples in reading), default=0) for method in methods)
    return [Piece(title_of(name), count * each, PieceKind.SOLUTIONS)] if reading else []


def _asked(recipes: Sequence[Recipe], selection: SelectionOptions, methods: Sequence[str]) -> list[str]:
    if selection.asks_all_methods:
        return list(methods)
    sources = {source for recipe in recipes for source in recipe.asked}
    return [name for name in methods if name in sources]


def _drawn(problems: ProblemSet, method: str, selection: SelectionOptions) -> list[Piece]:
    """What one round samples by a method; where draws end with right samples, what they take at most."""
    if selection.until is None:
        return [_sampled(problems, method, selection.samples_per_problem)]
    first = _sampled(problems, method, selection.until)
    later = (f"{first.title}, try {number + 1}" for number in range(selection.until, selection.at_most))
    return [first, *(Piece(title, len(problems.problems), PieceKind.SAMPLES) for title in later)]


def _sampled(problems: ProblemSet, method: str, count: int) -> Piece:
    return Piece(f"sample {problems.name} by {method}", len(problems.problems) * count, PieceKind.SAMPLES)


def _translated(edge: Edge, crossing: Crossing, most: int, number: int = 1, taught: bool = False) -> Piece:
    return Piece(f"translate {attempt_title(edge, crossing, number, taught)}", most, PieceKind.TRANSLATIONS)
