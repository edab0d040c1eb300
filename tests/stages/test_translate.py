from mmst.methods.edge import Crossing
from mmst.methods.prompt import PromptWriter
from mmst.samplers.draw import Draw
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.scripted import ScriptedSampler
from mmst.stages.translate import attempts, translate


def test_each_source_is_translated_from_its_cleaned_solution(made, problems, methods):
    source = made("\nanswer = 3 * 4\n\nQuestion: more?", method="code")
    prompts = []
    sampler = ScriptedSampler(lambda prompt, seed: prompts.append(prompt) or f" {seed}")
    rows = translate(
        attempts([source], Crossing.TRANSLATE, 0),
        problems,
        methods["code"],
        methods["text"],
        PromptWriter(),
        sampler,
        SamplingParams(),
        Draw(0, 1, "code -> text", 2),
    )
    assert prompts == ["Question: 3 bags of 4?\nProgram:\nanswer = 3 * 4\nAnswer:"] * 2
    assert [(row.id, row.method, row.source_id) for row in rows] == [
        (f"p1/code/0>text/{i}", "text", "p1/code/0") for i in range(2)
    ]
    assert rows[0].seed != rows[1].seed
