"""Key `push` of a job: what is refused before any work, and the push itself, once the job has ended."""

from __future__ import annotations

from pathlib import Path

from mmst.config.push import PushSettings
from mmst.config.schema import EvalSettings, Settings, TrainSettings
from mmst.errors import ConfigError
from mmst.reporting.progress import in_sweep


def checked_push(settings: Settings) -> PushSettings | None:
    """What is to be pushed when the job has ended; None where nothing is.

    Raises:
        ConfigError: the name is none, or the job is one of a sweep, whose jobs would overwrite each other.
        NotPushedError: there is no token.
    """
    wanted = PushSettings() if settings.push is True else settings.push or PushSettings()
    asked = settings.push is True or wanted.repo is not None
    if not asked or (isinstance(settings, TrainSettings | EvalSettings) and settings.plan):
        return None
    if in_sweep():
        raise ConfigError(
            "push: the jobs of a sweep would go to the same repository; leave push out, and push those that are worth it by "
            "`mmst export FOLDER --push USER/NAME`."
        )
    from mmst.publishing.hub import check_target

    check_target(repository_of(settings, wanted))
    return wanted


def push_run(settings: Settings) -> None:
    """Send a job that has ended. Raises as `mmst.publishing.publish.publish`."""
    from mmst.publishing.publish import publish

    if (wanted := checked_push(settings)) is not None:
        publish(settings.folder, repository_of(settings, wanted), wanted.private, wanted.parts)


def repository_of(settings: Settings, wanted: PushSettings) -> str:
    """Where a job is pushed to: the name that is given, or one of data set, model and run."""
    from mmst.publishing.names import repository_name

    return wanted.repo or repository_name("mmst", settings.dataset.name, Path(settings.model.name).stem, settings.folder.name)
