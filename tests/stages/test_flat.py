"""What the data stages hold of rows that are gone is a few bytes each, of some 1,000 that a row takes in memory."""

import gc
import tracemalloc
from dataclasses import replace

import pytest

from mmst.answers.labels import HealthTally
from mmst.filters.filter import Filter
from mmst.ledger.spooled import Mapped
from mmst.methods.edge import Edge
from mmst.methods.prompt import PromptWriter
from mmst.stages.assemble import assemble
from mmst.stages.quantity import within_tokens
from mmst.stages.select import select, select_translations
from mmst.stages.sets import SpentTally, SuccessTally, gone_through
from mmst.types import Problem, Verdict
from tests.stages.conftest import graded_sample

FEW, MANY = 500, 3_000
TOGETHER = 50
"""Rows that are written or looked up at once, here: of the fewest, several times as many are kept."""
A_ROW = 60
"""Bytes: a hash, a mark, its part of what is known of its problem."""
EACH = 20
"""Samples of a problem."""


class Alike(dict):
    """Problems by any id: what is held of them is no stage's."""

    def __missing__(self, id):
        return Problem(id, "3 bags of 4?", "12")


def sample_of(number):
    """Every second one is right, and no two are equal."""
    n, right = number % EACH, number % 2
    text = f"The total of {number} bags is {n} + {12 - n} = 12. The answer is {12 if right else 7}."
    verdict = Verdict.RIGHT if right else Verdict.WRONG
    return graded_sample(text, "12" if right else "7", verdict, n, f"p{number // EACH}", source=f"s{number}")


def samples(count):
    """Made as they are asked for, as those in the ledger are read."""
    return Mapped(range(count), sample_of)


def selected(rows, methods, folder):
    keep, dropped = select(rows, Alike(), methods["text"], Filter(), "text -> text", {}, folder)
    return len(keep) == len(rows) // 5 and len(keep) + len(dropped) == len(rows)


def verified(rows, methods, folder):
    labels = Mapped(range(len(rows)), label_of)
    keep, dropped = select_translations(rows, labels, Alike(), methods["text"], Filter(), "code -> text", folder=folder)
    return len(keep) == len(rows) // 5 and len(keep) + len(dropped) == len(rows)


def label_of(number):
    label = graded_sample("answer = 12", "12")
    return replace(label, sample=replace(label.sample, id=f"s{number}"))


def assembled(rows, methods, folder):
    kept = {Edge("text", "text"): rows, Edge("code", "text"): rows}
    examples, dropped = assemble(kept, Alike(), methods, PromptWriter(), folder)
    return len(examples) == len(dropped) == len(rows)


def within(rows, methods, folder):
    return len(within_tokens(rows, EACH // 2, 0.75 * len(rows), 0, folder)) == 3 * len(rows) // 4


def counted(rows, methods, folder):
    tallies = SuccessTally(), SpentTally(), HealthTally()
    gone_through(rows, *tallies)
    return tallies[1].found.completions == tallies[2].found.samples == len(rows)


@pytest.mark.parametrize("stage", [selected, verified, assembled, within, counted])
def test_six_times_the_rows_take_the_same_memory(methods, tmp_path, monkeypatch, stage):
    monkeypatch.setattr("mmst.ledger.spooled.BLOCK", TOGETHER)
    monkeypatch.setattr("mmst.stages.assemble.TOGETHER", TOGETHER)
    assert stage(samples(TOGETHER * 2), methods, tmp_path)  # what is cached is so before
    few, many = (min(peak(stage, samples(count), methods, tmp_path) for _ in range(2)) for count in (FEW, MANY))
    assert many < 1.2 * few + A_ROW * (MANY - FEW)


def peak(stage, rows, methods, folder):
    """Bytes at the most; what is cached at its first time, or what another thread holds just then, is not the stage's."""
    gc.collect()
    tracemalloc.start()
    try:
        assert stage(rows, methods, folder)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
