"""Compose the project's configurations without starting a job."""

from functools import cache

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from mmst.cli.main import store_sweeps
from mmst.cli.places import CONFIGS

stored = cache(store_sweeps)
"""Hydra keeps them, so that once is enough."""


def composed(job, *overrides, **options):
    """The configuration of a job with overrides of the command line."""
    stored()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(job, ["name=x", *overrides], **options)


def settings(job, *overrides):
    """The same as settings, which are read while Hydra is still there: they may name further parts."""
    from mmst.config.read import read_settings

    stored()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return read_settings(compose(job, ["name=x", *overrides]))
