"""What can be doubted of a job's model, told before anything is spent on it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mmst.jobs.opened import Job
from mmst.models.doubts import doubts
from mmst.pipeline import ProblemSet
from mmst.training.checkpoint import load_config

log = logging.getLogger(__name__)


def tell_doubts(job: Job, sets: Sequence[ProblemSet]) -> None:
    """Warn in a line of each thing that is not as it should be; nothing is known of a model on a server."""
    if job.tokenizer is None:
        return
    formats = {name: method.format for name, method in job.pipeline.methods.items()}
    problems = [problem for found in sets for problem in found.problems]
    room = job.settings.model.max_tokens
    for sentence in doubts(job.tokenizer, load_config(job.base.path), job.pipeline.writer, formats, problems, room):
        log.warning("model: %s (python -m mmst.models check examines the whole of it)", sentence)
