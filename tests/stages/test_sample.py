from mmst.methods.prompt import PromptWriter
from mmst.samplers.draw import Draw, seed_of
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.stages.sample import sample


def test_samples_come_by_problem_then_by_number(problems, methods):
    sampler = ScriptedSampler(lambda prompt, seed: f" {seed}")
    draw = Draw(7, 1, "train/text", 3)
    rows = sample(list(problems.values()), methods["text"], PromptWriter(), sampler, SamplingParams(), draw)
    assert [row.id for row in rows] == [f"{p}/text/{i}" for p in ("p1", "p2") for i in range(3)]
    assert [row.seed for row in rows] == [seed_of(draw, p, i) for p in ("p1", "p2") for i in range(3)]
    assert all(row.completion == f" {row.seed}" for row in rows)
