"""How training data are made: from settings to what the pipeline is told."""

from __future__ import annotations

import logging

from mmst.answers.labels import LabelRule
from mmst.config.build import build
from mmst.config.schema import LabelSettings, Settings, TrainSettings
from mmst.config.sentences import config_errors
from mmst.crossing import SelectionOptions, Weights
from mmst.errors import ConfigError
from mmst.pipeline import ProblemSet

log = logging.getLogger(__name__)


@config_errors
def selection_options(settings: LabelSettings) -> SelectionOptions:
    """How pseudo-labels are drawn, translated and kept."""
    options = SelectionOptions(
        samples_per_problem=settings.sampling.per_problem,
        sampling=build(settings.sampling.params, "sampling.params"),
        translations_per_label=settings.translation.per_label,
        labels_per_problem=settings.translation.labels_per_problem,
        translation=build(settings.translation.params, "translation.params"),
        keep=build(settings.filter, "filter"),
        until=settings.sampling.until,
        at_most=settings.sampling.at_most,
        weights=Weights(settings.sampling.weights),
    )
    _check_right_samples(options, settings)
    if options.keep.labels is LabelRule.MAJORITY and options.samples_per_problem == 1:
        raise ConfigError(
            "filter.labels=majority takes the commonest of several answers, and sampling.per_problem=1 asks for one: "
            "sampling.per_problem=4 is usual."
        )
    options.sampling.check_count(options.most_samples)
    options.translation.check_count(options.translations_per_label)
    return options


def _check_right_samples(options: SelectionOptions, settings: LabelSettings) -> None:
    """Refuse what counts right samples where labels know of none, and numbers that do not go together."""
    key = f"sampling.until={options.until}" if options.until else f"sampling.weights={options.weights}"
    counts = options.until is not None or options.weights is Weights.RARITY
    if counts and options.keep.labels is not LabelRule.GOLD:
        raise ConfigError(
            f"{key} counts right samples, which filter.labels={options.keep.labels} does not know; set filter=right, "
            "or sampling.until=null sampling.weights=equal."
        )
    if options.until is None:
        return
    if options.at_most < options.until:
        raise ConfigError(
            f"sampling.at_most={options.at_most} is below sampling.until={options.until}: a problem cannot have so many right "
            "samples; raise at_most, or lower until."
        )
    spending = next((recipe.name for recipe in settings.recipes if recipe.compute), None)
    if spending is not None:
        raise ConfigError(
            f"method.compute: the arm {spending} draws as many tokens of every problem as another arm takes, and "
            f"sampling.until={options.until} as many as each problem needs; leave out one of the two."
        )


def check_gold(options: SelectionOptions, problems: ProblemSet, own_judge: bool) -> None:
    """Refuse, before anything is sampled, a filter that asks for right answers where none is known.

    own_judge: whether a judge of the user's decides, which may need none.

    Raises:
        ConfigError: says which filters need none.
    """
    unknown = sum(not problem.has_gold for problem in problems.problems)
    total, keep = len(problems.problems), options.keep
    needs = {"filter.labels=gold": keep.labels is LabelRule.GOLD, "filter.disagreement": keep.disagreement is not None}
    asking = next((key for key, asks in needs.items() if asks), None)
    if not unknown or own_judge:
        return
    if asking is not None and unknown == total:
        raise ConfigError(
            f"{asking} needs right answers, and none of the {total} training problems has one; filter=majority and "
            "filter=agreement need none."
        )
    rest = f"{asking} makes nothing of them" if asking else "labels do not need it, and nothing says how many are right"
    log.warning("%d of %d training problems have no gold answer: %s", unknown, total, rest)


def withheld_share(settings: Settings) -> float:
    """The share of the training problems whose translations are left out; 0 for jobs that train nothing."""
    return float(settings.filter.get("withhold") or 0.0) if isinstance(settings, TrainSettings) else 0.0
