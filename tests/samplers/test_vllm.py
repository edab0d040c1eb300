"""The sampler with a vLLM that is a stand-in of a few lines, and, where there is one, with vLLM itself."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from mmst.datasets.arithmetic.world import draw_problems
from mmst.errors import ConfigError, EngineError, MissingExtraError
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers.hf import HFSampler
from mmst.samplers.sampler import SamplingParams
from mmst.samplers.vllm import VLLMSampler
from mmst.training.checkpoint import load_tokenizer, save_checkpoint
from mmst.types import Prompt
from tests.families.table import model_of
from tests.made_tokenizers import made_tokenizer
from tests.waiting import until

STAND_IN = """
import os, sys
from types import SimpleNamespace as Made

class SamplingParams:
    def __init__(self, **given):
        self.__dict__.update(given)

class LLM:
    def __init__(self, **arguments):
        print("vLLM talks a lot")
        print("loading", file=sys.stderr)
        if arguments["gpu_memory_utilization"] == 0.5:
            raise RuntimeError("no such GPU")
        self.arguments = arguments

    def generate(self, prompts, params, use_tqdm):
        bar = use_tqdm(total=len(prompts))
        answers = []
        for prompt, how in zip(prompts, params):
            if how.max_tokens == 13:
                os._exit(13)
            if how.max_tokens == 15:
                answers.append(Made(outputs=[Made(text=str(how.stop_token_ids), finish_reason="stop", token_ids=[1],
                    cumulative_logprob=-1.0, stop_reason=how.stop_token_ids[-1])], prompt_token_ids=[1]))
                continue
            if how.max_tokens == 14:
                raise ValueError("prompt too long")
            told = (os.environ.get("CUDA_VISIBLE_DEVICES"), len(prompt["prompt_token_ids"]), how.seed, how.stop)
            text = " ".join(map(str, (*told, how.temperature)))
            reason = "abort" if how.seed == 7 else "stop"
            best = Made(text=text, finish_reason=reason, token_ids=[1, 2], cumulative_logprob=-3.0, stop_reason=None)
            if how.seed >= 1000:  # the tokens that a stop string ended, given in the prompt
                best.token_ids, best.stop_reason = prompt["prompt_token_ids"], how.stop[0]
            answers.append(Made(outputs=[best], prompt_token_ids=prompt["prompt_token_ids"]))
            bar.update(1)
        bar.close()
        return answers
"""
REAL = os.environ.get("MMST_VLLM_PYTHON", "")
WARM = SamplingParams(temperature=0.7, max_tokens=8)


@pytest.fixture
def stand_in(tmp_path):
    (tmp_path / "vllm.py").write_text(STAND_IN)
    (tmp_path / "vllm-0.1.dist-info").mkdir()
    (tmp_path / "vllm-0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.1\n")
    made = []

    def make(**options):
        made.append(VLLMSampler(environment={"PYTHONPATH": str(tmp_path)}, **options))
        return made[-1]

    yield make
    for sampler in made:
        sampler.close()


def pids(sampler):
    return [engine._process.pid for engine in sampler._engines]


def running(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_requests_carry_tokens_seeds_and_stops_and_come_back_in_order(stand_in, nano):
    sampler = stand_in()
    sampler.load(nano)
    prompts = [Prompt("a", "Bag?", (1, 2), ("\n\n",)), Prompt("b", "How many bags are there?", (3,))]
    told = []
    completions = sampler.complete(prompts, WARM, lambda rows, tokens: told.append((rows, tokens)))
    lengths = [len(load_tokenizer(nano).encode(p.text)) for p in prompts]
    expected = [[f"None {lengths[0]} {seed} ['\\n\\n'] 0.7" for seed in (1, 2)], [f"None {lengths[1]} 3 None 0.7"]]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    assert [[c.text.replace(str(visible), "None", 1) for c in group] for group in completions] == expected
    assert completions[0][0].mean_logprob == -1.5
    assert completions[0][0].prompt_tokens == lengths[0]
    assert told == [(1, 0), (1, 0), (1, 0), (0, 6)]
    assert sampler.engine == "vllm-0.1-auto-2"


@pytest.mark.parametrize("template", [None, "{% for m in messages %}{{ m['content'] + '<|turn|>' }}{% endfor %}"])
def test_the_end_of_a_templates_turn_ends_a_completion(stand_in, tmp_path, template):
    tokenizer = made_tokenizer("qwen", template=template)
    save_checkpoint(model_of("llama", len(tokenizer)), tokenizer, tmp_path / "model")
    sampler = stand_in()
    sampler.load(tmp_path / "model")
    ends = ["</s>"] if template is None else ["</s>", "<|turn|>"]
    told = sampler.complete([Prompt("a", "Bag?", (1,))], SamplingParams(temperature=0, max_tokens=15))[0][0]
    assert (told.text, told.finish) == (str([tokenizer.convert_tokens_to_ids(end) for end in ends]), "stop")


def test_the_tokens_tell_which_stop_strings_were_completed_at_once(stand_in, nano):
    sampler = stand_in()
    sampler.load(nano)
    prompts = [Prompt("a", "one: two:", (1000,), (":", " two:")), Prompt("b", ":", (1001,), (":",))]
    assert [group[0].text for group in sampler.complete(prompts, WARM)] == ["one", ""]


def test_a_prompt_that_is_too_long_never_reaches_the_engine(stand_in, nano):
    sampler = stand_in(longest=40)
    sampler.load(nano)
    prompts = [Prompt("a", "Bag?", (1,)), Prompt("b", "How many bags are there? " * 20, (2, 3)), Prompt("c", "Bag?", (4,))]
    found = sampler.complete(prompts, WARM)
    assert [[c.error for c in group] for group in found] == [[""], ["prompt too long"] * 2, [""]]
    assert found[2][0].text.split()[2] == "4"


def test_replicas_see_devices_of_their_own(stand_in, nano, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    sampler = stand_in(replicas=2, tensor_parallel=2)
    sampler.load(nano)
    prompts = [Prompt(str(i), "Bag?", (i + 10,)) for i in range(5)]
    texts = [group[0].text.split() for group in sampler.complete(prompts, WARM)]
    assert [text[0] for text in texts] == ["4,5", "6,7", "4,5", "6,7", "4,5"]
    assert [text[2] for text in texts] == ["10", "11", "12", "13", "14"]


def test_a_request_that_the_engine_gave_up_is_an_error_row(stand_in, nano):
    sampler = stand_in()
    sampler.load(nano)
    completions = sampler.complete([Prompt("a", "Bag?", (7, 8))], WARM)[0]
    assert [c.finish for c in completions] == ["error", "stop"]


def test_another_checkpoint_gets_another_process_and_the_old_one_is_gone(stand_in, nano, tmp_path):
    sampler = stand_in()
    sampler.load(nano)
    first = pids(sampler)
    sampler.load(nano)
    assert pids(sampler) == first
    (tmp_path / "copy").symlink_to(nano)
    sampler.load(tmp_path / "copy")
    assert pids(sampler) != first
    assert not running(first[0])
    last = pids(sampler)
    sampler.close()
    assert not running(last[0])


def test_a_process_that_dies_is_told_with_its_last_words_and_replaced(stand_in, nano):
    sampler = stand_in()
    sampler.load(nano)
    with pytest.raises(EngineError, match=r"ended with code 13: loading; .* goes on from here"):
        sampler.complete([Prompt("a", "Bag?", (1,))], SamplingParams(0.7, max_tokens=13))
    sampler.load(nano)
    assert sampler.complete([Prompt("a", "Bag?", (1,))], WARM)[0][0].finish == "stop"


def test_an_engine_that_does_not_start_is_told(stand_in, nano):
    with pytest.raises(EngineError, match="ended with code 1: RuntimeError: no such GPU"):
        stand_in(gpu_memory=0.5).load(nano)


def test_a_refused_request_is_told(stand_in, nano):
    sampler = stand_in()
    sampler.load(nano)
    with pytest.raises(EngineError, match="refuses: ValueError: prompt too long"):
        sampler.complete([Prompt("a", "Bag?", (1,))], SamplingParams(0.7, max_tokens=14))


def test_the_process_does_not_outlive_a_killed_parent(stand_in, nano, tmp_path):
    parent = multiprocessing.get_context("fork").Process(target=starts_and_is_killed, args=(stand_in(), nano, tmp_path / "pid"))
    parent.start()
    parent.join()
    assert parent.exitcode == -signal.SIGKILL
    until(lambda: not running(int((tmp_path / "pid").read_text())))


def starts_and_is_killed(sampler, model, file):
    sampler.load(model)
    file.write_text(str(pids(sampler)[0]))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("bad", [{"tensor_parallel": 0}, {"replicas": 0}, {"gpu_memory": 0}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        VLLMSampler(**bad)


def test_an_interpreter_that_is_none_or_has_no_vllm_is_told(tmp_path):
    with pytest.raises(ConfigError, match="is no interpreter"):
        VLLMSampler(python=str(tmp_path / "none"))
    with pytest.raises(MissingExtraError, match="pip install vllm"):
        VLLMSampler()


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="MMST_VLLM_PYTHON names no interpreter with vLLM")
def test_vllm_itself_gives_the_greedy_completions_of_the_model(nano):
    form = PromptFormat(cue="Answer:", lead=" ", key="text", stop=("\nQuestion:", "\n\n"))
    problems = draw_problems("validation", 24, 5)
    prompts = [Prompt(p.id, PromptWriter().solve(p, form), seeds=(i,), stop=form.stop) for i, p in enumerate(problems)]
    greedy = SamplingParams(temperature=0, max_tokens=48)
    local = HFSampler(device="cpu")
    local.load(nano)
    expected = [group[0] for group in local.complete(prompts, greedy)]
    sampler = VLLMSampler(
        python=REAL, dtype="float32", environment={"VLLM_CPU_KVCACHE_SPACE": 1}, extra={"enforce_eager": True}
    )
    sampler.load(Path(nano))
    try:
        told = []
        found = [group[0] for group in sampler.complete(prompts, greedy, lambda rows, tokens: told.append(rows))]
        assert [(c.text, c.finish, c.prompt_tokens) for c in found] == [(c.text, c.finish, c.prompt_tokens) for c in expected]
        assert [c.mean_logprob for c in found] == pytest.approx([c.mean_logprob for c in expected], abs=1e-3)
        assert sum(told) == len(prompts)
        warm = SamplingParams(1.0, max_tokens=48)
        many = [Prompt("p", prompts[0].text, tuple(range(1, 9)), form.stop), *prompts[1:]]
        together = sampler.complete(many, warm)[0]
        alone = sampler.complete(many[:1], warm)[0]
        assert [c.text for c in together] == [c.text for c in alone]
        assert len({c.text for c in together}) > 1
    finally:
        sampler.close()
