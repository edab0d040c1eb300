from pathlib import Path

from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.types import Prompt


def test_completions_come_from_the_script_by_prompt_and_seed():
    sampler = ScriptedSampler(lambda prompt, seed: f"{prompt}{seed}")
    sampler.load(Path())
    completions = sampler.complete([Prompt("a", "x", (1, 2)), Prompt("b", "y", (3,))], SamplingParams())
    assert [[c.text for c in group] for group in completions] == [["x1", "x2"], ["y3"]]
    assert sampler.calls == 2
