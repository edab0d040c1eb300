"""How training data are made: from settings to what the pipeline is told."""

from __future__ import annotations

from mmst.config.build import build
from mmst.config.schema import LabelSettings, Settings, TrainSettings
from mmst.config.sentences import config_errors
from mmst.pipeline import SelectionOptions


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
    )
    options.sampling.check_count(options.samples_per_problem)
    options.translation.check_count(options.translations_per_label)
    return options


def withheld_share(settings: Settings) -> float:
    """The share of the training problems whose translations are left out; 0 for jobs that train nothing."""
    return float(settings.filter.get("withhold") or 0.0) if isinstance(settings, TrainSettings) else 0.0
