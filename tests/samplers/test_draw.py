from hypothesis import given
from hypothesis import strategies as st

from mmst.samplers.draw import Draw, as_sample, seed_of
from mmst.samplers.sampler import SamplingParams
from mmst.types import Completion, FinishReason


def test_a_seed_depends_on_every_part_of_its_draw():
    base = Draw(seed=0, round=1, purpose="train/text")
    seeds = {
        seed_of(base, "p", 0),
        seed_of(base, "p", 1),
        seed_of(base, "q", 0),
        seed_of(Draw(1, 1, "train/text"), "p", 0),
        seed_of(Draw(0, 2, "train/text"), "p", 0),
        seed_of(Draw(0, 1, "train/code"), "p", 0),
    }
    assert len(seeds) == 6


def test_a_seed_does_not_depend_on_how_many_are_drawn():
    assert seed_of(Draw(0, 1, "a", count=1), "p", 0) == seed_of(Draw(0, 1, "a", count=8), "p", 0)


def test_a_seed_is_the_same_for_ever():
    assert seed_of(Draw(0, 1, "train/text"), "p", 0) == 8427883956141913329


@given(st.integers(), st.integers(0, 99), st.text(max_size=20), st.integers(0, 999))
def test_a_seed_is_a_number_that_every_engine_takes(seed, round_, problem, index):
    assert 0 <= seed_of(Draw(seed, round_, "a"), problem, index) < 2**63


def test_a_row_keeps_what_the_engine_said():
    completion = Completion("x", FinishReason.LENGTH, 5, 7, -0.5)
    row = as_sample("p/text/0", "p", "text", 0, 9, completion, SamplingParams(0.5, 0.9, 7), "engine-1", source_id="s")
    assert (row.completion, row.finish, row.prompt_tokens, row.completion_tokens, row.source_id) == ("x", "length", 5, 7, "s")
    assert (row.temperature, row.top_p, row.max_tokens, row.engine) == (0.5, 0.9, 7, "engine-1")
