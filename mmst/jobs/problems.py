"""Which problems a job trains and measures on: splits of the data set, further sets, without what stands in both."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

from mmst.answers.equality import gold_of
from mmst.config.build import build
from mmst.config.schema import DataSettings, LabelSettings, Node, Settings
from mmst.config.sentences import config_errors
from mmst.datasets.contamination import contaminated
from mmst.errors import ConfigError, UserError
from mmst.methods.prompt import check_pairs
from mmst.pipeline import ProblemSet
from mmst.types import Problem

log = logging.getLogger(__name__)


@config_errors
def problem_set(dataset: DataSettings, split: str, solvers: Mapping[str, Node]) -> ProblemSet:
    """One split of a data set, cut to its limit; its kinds of answers must be ones that the solvers can be asked for.

    Raises:
        ConfigError: the data set has no such split, or gold answers that cannot be read.
    """
    problems: list[Problem] = build(dataset.split(split), "dataset")[: dataset.limit]
    _check_golds(problems, dataset.name, split)
    for name, node in solvers.items():
        form = build(node["format"], f"solvers.{name}.format")
        for kind in {problem.kind for problem in problems}:
            form.check_kind(kind, name)
    return ProblemSet(split, tuple(problems))


def _check_golds(problems: Sequence[Problem], dataset: str, split: str) -> None:
    """No sample could be judged against a gold answer that cannot be read, so that nothing is sampled for it."""
    bad = [problem for problem in problems if (problem.answer or problem.tests) and gold_of(problem) is None]
    if bad:
        first = f"'{bad[0].answer[:80]}' of the problem {bad[0].id}" + (" (a choice)" if bad[0].choices else "")
        raise ConfigError(
            f"dataset: {len(bad)} of the {len(problems)} gold answers of {dataset}, split {split}, cannot be read as answers "
            f"of their kind, the first of them {first}; mend them, or leave these problems out."
        )


def train_set(settings: LabelSettings) -> ProblemSet:
    """The training problems without those of other splits: what is measured on, here or by a job that chooses settings."""
    whole = problem_set(settings.dataset, "train", settings.solvers)
    _check_exemplars(whole, settings.solvers)
    ngram = settings.decontaminate
    if ngram is None:
        return whole
    measured_on = test_sets(settings)
    others = _readable_sets(settings, {"train", *(tests.name for tests in measured_on)})
    found = contaminated(whole.problems, [p for tests in (*measured_on, *others) for p in tests.problems], ngram)
    if found:
        first = ", ".join(f"{train} is {test}" for train, test in list(found.items())[:3])
        log.warning(
            "%d of %d training problems stand in other splits too, and are left out (%s)",
            len(found),
            len(whole.problems),
            first,
        )
    left = tuple(problem for problem in whole.problems if problem.id not in found)
    if not left:
        raise ConfigError(
            "decontaminate: all training problems stand in other splits too; choose another data set, or decontaminate=null."
        )
    return ProblemSet("train", left)


def test_sets(settings: Settings) -> list[ProblemSet]:
    """What arms are measured on: the splits that `splits` names, else the test split and held-out families if there are any."""
    splits = settings.splits or [split for split in ("test", "heldout") if split in settings.dataset.splits]
    if twice := [name for name in settings.others if name in splits]:
        raise ConfigError(
            f"datasets, splits: two of what is measured on are called '{twice[0]}'; give one another name, as in "
            '"mawps dataset.name=other".'
        )
    sets = [problem_set(settings.dataset, split, settings.solvers) for split in splits]
    others = settings.others.items()
    return sets + [ProblemSet(name, problem_set(dataset, "test", settings.solvers).problems) for name, dataset in others]


def _readable_sets(settings: Settings, without: Collection[str]) -> list[ProblemSet]:
    """The data set's further splits, as far as they can be had: nothing is measured on them here."""
    sets = []
    for split in settings.dataset.splits:
        if split not in without:
            try:
                sets.append(problem_set(settings.dataset, split, settings.solvers))
            except UserError as error:
                log.warning("training problems are not held against the split %s, which cannot be read (%s)", split, error)
    return sets


@config_errors
def _check_exemplars(found: ProblemSet, solvers: Mapping[str, Node]) -> None:
    forms = {name: build(node["format"], f"solvers.{name}.format") for name, node in solvers.items()}
    for kind in {problem.kind for problem in found.problems}:
        check_pairs(forms, kind)
