"""Which problems a job trains and measures on: splits of the data set, further sets, without what stands in both."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mmst.answers.equality import gold_of
from mmst.config.build import build
from mmst.config.groups import DataSettings, DecontaminationSettings, Node
from mmst.config.schema import LabelSettings, Settings
from mmst.config.sentences import config_errors
from mmst.datasets.contamination import Contamination, contaminated
from mmst.datasets.text_files import refuse_halves
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
        DataError: a text of a problem holds half of a character.
    """
    problems: list[Problem] = build(dataset.split(split), "dataset")[: dataset.limit]
    refuse_halves(problems, f"dataset: {dataset.name}, split {split}")
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


def train_set(settings: LabelSettings, measured_on: Sequence[ProblemSet]) -> tuple[ProblemSet, Contamination]:
    """The training problems without those of other splits, and how many these were.

    measured_on: what the job measures on. What another job may measure on, such as a split to choose settings by, counts too.

    Raises:
        ConfigError: none is left.
    """
    whole = problem_set(settings.dataset, "train", settings.solvers)
    _check_exemplars(whole, settings.solvers)
    others = _readable_sets(settings, {"train", *(tests.name for tests in measured_on)})
    given = settings.decontaminate
    wanted = given if isinstance(given, DecontaminationSettings) else DecontaminationSettings(given)
    tests = [problem for tests in (*measured_on, *others) for problem in tests.problems]
    found = contaminated(whole.problems, tests, wanted.ngram)
    out = {**(found.repeated if wanted.ngram else {}), **(found.templates if wanted.templates else {})}
    _tell(found, wanted)
    _tell_kinds(whole, measured_on)
    left = tuple(problem for problem in whole.problems if problem.id not in out)
    if not left:
        raise ConfigError(
            "decontaminate: all training problems stand in other splits too; choose another data set, or "
            + ("decontaminate.templates=false." if wanted.templates else "decontaminate.ngram=null.")
        )
    return ProblemSet("train", left), replace(found, left_out=len(out))


def _tell_kinds(train: ProblemSet, measured_on: Sequence[ProblemSet]) -> None:
    """Of problems without answers nothing but other splits can say what kind of answer they ask for."""
    asked = {problem.kind.value for tests in measured_on for problem in tests.problems}
    taken = {problem.kind.value for problem in train.problems if not problem.has_gold}
    if asked and not taken <= asked:
        odd = ", ".join(sorted(taken - asked))
        log.warning(
            "training problems without an answer are taken to ask for one of the kind %s, and what is measured on for %s; "
            "dataset=file dataset.kind=... says what they ask for",
            odd,
            ", ".join(sorted(asked)),
        )


def _tell(found: Contamination, wanted: DecontaminationSettings) -> None:
    """Both counts in a line each; of what stays in training, as a warning only where the data set is one that is looked at."""
    kinds = (
        (found.repeated, "stand in other splits too", wanted.ngram is not None, "ngram=13"),
        (found.templates, "are problems of other splits with other numbers", wanted.templates, "templates=true"),
    )
    for same, what, left_out, key in kinds:
        if same:
            train, test = next(iter(same.items()))
            done = "are left out" if left_out else f"stay (decontaminate.{key} leaves them out)"
            level = logging.INFO if wanted.ngram is None else logging.WARNING
            log.log(
                level, "%d of %d training problems %s, and %s: %s is %s", len(same), found.problems, what, done, train, test
            )


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
    sets += [ProblemSet(name, problem_set(dataset, "test", settings.solvers).problems) for name, dataset in others]
    for tests in sets:
        _hold_exemplars_against(tests, settings.solvers)
    return sets


def _readable_sets(settings: Settings, without: Collection[str]) -> list[ProblemSet]:
    """The data set's further splits and the further data sets, as far as they can be had: nothing is measured on them here."""
    splits = {split: (settings.dataset, split) for split in settings.dataset.splits}
    others = {name: (dataset, "test") for name, dataset in settings.others.items()}
    sets = []
    for name, (dataset, split) in {**splits, **others}.items():
        if name not in without:
            try:
                sets.append(problem_set(dataset, split, settings.solvers))
            except UserError as error:
                log.warning("training problems are not held against %s, which cannot be read (%s)", name, error)
    return sets


@config_errors
def _check_exemplars(found: ProblemSet, solvers: Mapping[str, Node]) -> None:
    forms = {name: build(node["format"], f"solvers.{name}.format") for name, node in solvers.items()}
    for kind in {problem.kind for problem in found.problems}:
        check_pairs(forms, kind)


@config_errors
def _hold_exemplars_against(tests: ProblemSet, solvers: Mapping[str, Node]) -> None:
    """Exemplars show their solutions in every prompt: one that is a test problem gives its answer away.

    Raises:
        ConfigError: an exemplar is a test problem, word for word.
    """
    forms = {name: build(node["format"], f"solvers.{name}.format") for name, node in solvers.items()}
    kinds = {problem.kind for problem in tests.problems}
    asked = {question: name for name, form in reversed(forms.items()) for kind in kinds for question in form.questions(kind)}
    shown = [Problem(question, question, "") for question in asked]
    same = contaminated(shown, tests.problems, None).repeated
    for question, test in same.items():
        raise ConfigError(
            f"solvers.{asked[question]}.format.exemplars: '{question[:60]}' is the problem {test} of what is measured on "
            f"({tests.name}), and its solution stands in every prompt; put another exemplar in its place, or set model.shots=0."
        )
    near = contaminated(shown, tests.problems)
    for question, test in {**near.repeated, **near.templates}.items():
        where = f"solvers.{asked[question]}.format.exemplars"
        log.warning("%s: '%s' is much like the problem %s of what is measured on (%s)", where, question[:60], test, tests.name)
