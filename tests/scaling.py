"""`python -m tests.scaling SAMPLES`: so many made-up samples through grading, selection and assembly; prints what it took."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from mmst.crossing import SelectionOptions
from mmst.example_set import example_set
from mmst.filters.filter import Filter
from mmst.jobs.opened import lasting
from mmst.ledger.ledger import Ledger
from mmst.methods.edge import Recipe
from mmst.methods.prompt import PromptWriter
from mmst.nano.__main__ import bare_methods
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.training.checkpoint import nano_checkpoint
from mmst.types import Problem

EACH = 20
"""Samples of a problem."""
WARM = SamplingParams(temperature=1.0)


def script(prompt, seed):
    """Half of the samples are right, in 97 ways; of each problem the filter keeps four."""
    first = seed % 97
    right = f" The total is {first} + {12 - first} = 12. The answer is 12."
    return right if seed % 2 else f" The total is {first} + 1 = 7. The answer is 7."


def measured(samples):
    """The peak of memory (bytes) and CPU seconds until all is graded, the same until the end, and the number of examples."""
    problems = ProblemSet("train", [Problem(f"p{i}", f"Bag {i} of 3 by 4?", "12") for i in range(samples // EACH)])
    options = SelectionOptions(EACH, WARM, 1, 1, WARM, Filter(per_problem=4))
    recipe = Recipe.parse("self_text", ("text -> text",), ("text",))
    methods, executor = {"text": bare_methods()["text"]}, SimpleNamespace(settings={})
    with tempfile.TemporaryDirectory() as folder, lasting():
        pipeline = Pipeline(Ledger(Path(folder)), methods, PromptWriter(), ScriptedSampler(script), executor, 0, 500)
        base, times = Checkpoint(nano_checkpoint()), [time.process_time()]
        pipeline.graded(base, "text", problems, WARM, 1, EACH)
        times.append(time.process_time())
        graded = peak()
        examples = example_set(pipeline, recipe, base, problems, options, 1).examples
        times.append(time.process_time())
    return {
        "graded": graded,
        "assembled": peak(),
        "seconds": [times[1] - times[0], times[2] - times[1]],
        "examples": len(examples),
    }


def peak():
    """The most memory of this process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(int(sys.argv[1]))) + "\n")
