import gc

import pytest
import torch
from transformers import MistralConfig, MistralForCausalLM

from mmst.datasets.arithmetic.world import draw_problems
from mmst.errors import ConfigError, ModelError
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers import hf
from mmst.samplers.cache import RoomyLayer
from mmst.samplers.hf import HFSampler
from mmst.samplers.lengths import TOO_LONG
from mmst.samplers.sampler import SamplingParams
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.types import FinishReason, Prompt

GREEDY = SamplingParams(temperature=0, max_tokens=48)
WARM = SamplingParams(temperature=1.0, max_tokens=48)


@pytest.fixture(scope="module")
def prompts():
    form = PromptFormat(cue="Answer:", lead=" ", key="text")
    problems = draw_problems("validation", 24, 5)
    return [Prompt(p.id, PromptWriter().solve(p, form), seeds=(i,)) for i, p in enumerate(problems)]


@pytest.fixture
def sampler(nano):
    made = HFSampler(batch_size=64, device="cpu")
    made.load(nano)
    return made


@torch.inference_mode()
def reference(nano, text, tokens):
    """Plain greedy decoding, one prompt at a time, without a cache."""
    model, tokenizer = load_model(nano).eval(), load_tokenizer(nano)
    ids = tokenizer.encode(text, return_tensors="pt")
    start = ids.shape[1]
    for _ in range(tokens):
        following = model(ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)
        if following.item() == tokenizer.eos_token_id:
            break
        ids = torch.cat([ids, following], dim=1)
    return tokenizer.decode(ids[0, start:])


def test_greedy_equals_plain_decoding(sampler, nano, prompts):
    texts = [group[0].text for group in sampler.complete(prompts, GREEDY)]
    assert texts == [reference(nano, prompt.text, GREEDY.max_tokens) for prompt in prompts]


def test_a_shared_prefix_changes_nothing(sampler, nano, prompts, monkeypatch):
    prefix = "Question: Ana has 3 bags of 4 nuts. How many nuts is that?\nAnswer: The total is 3 * 4 = 12.\n\n"
    used = []
    whole = HFSampler._prefill_prefix
    monkeypatch.setattr(HFSampler, "_prefill_prefix", lambda self, tokens: used.append(len(tokens)) or whole(self, tokens))
    shared = [Prompt(p.id, prefix + p.text, p.seeds) for p in prompts[:8]]
    texts = [group[0].text for group in sampler.complete(shared, GREEDY)]
    assert texts == [reference(nano, prompt.text, GREEDY.max_tokens) for prompt in shared]
    assert len(used) == 1
    assert used[0] > 16


def test_a_sample_depends_on_its_seed_alone(nano, prompts):
    texts = []
    for size, order in ((64, 1), (3, 1), (7, -1)):
        sampler = HFSampler(batch_size=size, device="cpu")
        sampler.load(nano)
        completions = sampler.complete(prompts[::order], WARM)[::order]
        texts.append([group[0].text for group in completions])
    assert texts[0] == texts[1] == texts[2]


def test_k_samples_equal_k_single_ones_and_differ(sampler, prompts):
    many = sampler.complete([Prompt("p", prompts[0].text, (1, 2, 3, 4, 5, 6, 7, 8))], WARM)[0]
    single = [sampler.complete([Prompt("p", prompts[0].text, (seed,))], WARM)[0][0] for seed in range(1, 9)]
    assert [c.text for c in many] == [c.text for c in single]
    assert len({c.text for c in many}) > 1


def test_finish_reasons(sampler, prompts):
    cut = sampler.complete(prompts[:4], SamplingParams(temperature=0, max_tokens=3))
    assert {group[0].finish for group in cut} == {FinishReason.LENGTH}
    assert {group[0].completion_tokens for group in cut} == {3}
    stopped = sampler.complete([Prompt("p", prompts[0].text, (0,), stop=(" is",))], GREEDY)[0][0]
    assert stopped.finish is FinishReason.STOP
    assert " is" not in stopped.text
    whole = sampler.complete(prompts[:1], GREEDY)[0][0]
    assert whole.text.startswith(stopped.text)


def test_log_probabilities_are_of_the_model_at_temperature_one(sampler, nano, prompts):
    completion = sampler.complete(prompts[:1], GREEDY)[0][0]
    model, tokenizer = load_model(nano).eval(), load_tokenizer(nano)
    prompt = tokenizer.encode(prompts[0].text)
    generated = [*tokenizer.encode(completion.text, add_special_tokens=False), tokenizer.eos_token_id]
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + generated])).logits[0, len(prompt) - 1 : -1]
    expected = logits.log_softmax(-1).gather(1, torch.tensor(generated)[:, None]).mean()
    assert completion.mean_logprob == pytest.approx(expected.item(), abs=1e-4)
    assert completion.completion_tokens == len(generated)


def test_top_p_keeps_the_likeliest(sampler, prompts):
    narrow = sampler.complete(prompts, SamplingParams(temperature=1.0, top_p=1e-6, max_tokens=48))
    assert [g[0].text for g in narrow] == [g[0].text for g in sampler.complete(prompts, GREEDY)]


@pytest.mark.parametrize("when", ["at prefill", "at any step"])
@pytest.mark.parametrize("refill", [0.0, 0.9])
def test_running_out_of_memory_halves_the_batch(nano, prompts, monkeypatch, when, refill):
    monkeypatch.setattr(hf, "PREFILL_GROUPS", 1)  # groups of a few fit always; in the middle of them: the next test
    sampler = HFSampler(batch_size=64, device="cpu", refill_below=refill)
    sampler.load(nano)
    expected = [g[0].text for g in sampler.complete(prompts, WARM)]
    whole = HFSampler._forward
    sizes = []

    def scarce(self, ids, *rest):
        sizes.append(len(ids))
        if len(ids) > 6 and (when == "at any step" or ids.shape[1] > 1):
            raise torch.OutOfMemoryError
        return whole(self, ids, *rest)

    monkeypatch.setattr(HFSampler, "_forward", scarce)
    assert [g[0].text for g in sampler.complete(prompts, WARM)] == expected
    assert max(sizes) == 24
    assert sampler.batch_size == 6


def test_running_out_of_memory_between_groups_loses_no_row(sampler, prompts, monkeypatch):
    expected = [g[0].text for g in sampler.complete(prompts, WARM)]
    whole, calls = HFSampler._forward, []

    def once(self, ids, *rest):
        calls.append(ids.shape)
        if len(calls) == 4:
            raise torch.OutOfMemoryError
        return whole(self, ids, *rest)

    monkeypatch.setattr(HFSampler, "_forward", once)
    assert [g[0].text for g in sampler.complete(prompts, WARM)] == expected
    assert calls[3][1] > 1, "it was at a prefill"


def test_short_prompts_are_not_padded_to_the_longest(sampler, monkeypatch):
    texts = ["Question: What is 2 + 3?\nAnswer:", f"Question: {'What is 2 + 3? ' * 20}\nAnswer:"]
    prompts = [Prompt(str(n), texts[n == 7], (n,)) for n in range(8)]
    shapes, whole = [], HFSampler._forward

    def noted(self, ids, *rest):
        shapes.append(tuple(ids.shape))
        return whole(self, ids, *rest)

    monkeypatch.setattr(HFSampler, "_forward", noted)
    sampler.complete(prompts, WARM)
    prefills = [shape for shape in shapes if shape[1] > 1]
    assert sum(rows for rows, _ in prefills) == 8
    assert sum(rows * width for rows, width in prefills) < 8 * max(width for _, width in prefills) / 2


def test_no_cache_of_a_group_outlives_its_joining(sampler, prompts, monkeypatch):
    layers, whole = [], HFSampler._extended

    def counted(self, batch, params):
        gc.collect()
        layers.append((sum(isinstance(thing, RoomyLayer) for thing in gc.get_objects()), len(batch.cache.layers)))
        return whole(self, batch, params)

    monkeypatch.setattr(HFSampler, "_extended", counted)
    sampler.complete(prompts, SamplingParams(temperature=0.7, max_tokens=3))
    assert layers
    assert all(alive == own for alive, own in layers)


def test_memory_for_not_even_one_completion_is_said(sampler, prompts, monkeypatch):
    def none(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(HFSampler, "_forward", none)
    with pytest.raises(ModelError, match="too small for one completion"):
        sampler.complete(prompts, WARM)


@pytest.mark.parametrize("refill", [0.3, 0.99])
def test_rows_that_enter_a_running_batch_change_nothing(nano, prompts, sampler, refill):
    many = [Prompt(p.id, p.text, (p.seeds[0], p.seeds[0] + 100, p.seeds[0] + 200)) for p in prompts]
    expected = sampler.complete(many, WARM)
    refilled = HFSampler(batch_size=10, device="cpu", refill_below=refill)
    refilled.load(nano)
    widest = []
    whole = HFSampler._forward

    def counted(self, ids, *rest):
        widest.append(len(ids))
        return whole(self, ids, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HFSampler, "_forward", counted)
        found = refilled.complete(many, WARM)
    assert [[c.text for c in group] for group in found] == [[c.text for c in group] for group in expected]
    assert max(widest) == 10


@pytest.mark.parametrize("shared", [False, True])
def test_a_prefix_and_refills_together_change_nothing(nano, prompts, sampler, shared):
    prefix = "Question: Ana has 3 bags of 4 nuts. How many nuts is that?\nAnswer: The total is 3 * 4 = 12.\n\n"
    many = [Prompt(p.id, (prefix if shared else "") + p.text, (1, 2)) for p in prompts[:12]]
    refilled = HFSampler(batch_size=7, device="cpu", refill_below=0.9)
    refilled.load(nano)
    texts = [[c.text for c in group] for group in refilled.complete(many, WARM)]
    assert texts == [[c.text for c in group] for group in sampler.complete(many, WARM)]


def test_a_model_with_a_sliding_window_is_sampled_in_fixed_batches(nano, prompts, tmp_path):
    tokenizer = load_tokenizer(nano)
    torch.manual_seed(0)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2}
    config = MistralConfig(**sizes, num_attention_heads=2, num_key_value_heads=1, sliding_window=16, eos_token_id=1)
    MistralForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    texts = []
    for size in (64, 5):
        sampler = HFSampler(batch_size=size, device="cpu", refill_below=0.9)
        sampler.load(tmp_path)
        texts.append([g[0].text for g in sampler.complete(prompts, WARM)])
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 12


def test_a_watch_is_told_of_every_completion_and_token(sampler, prompts):
    told = []
    completions = sampler.complete(prompts, WARM, lambda rows, tokens: told.append((rows, tokens)))
    assert sum(rows for rows, _ in told) == len(prompts)
    assert sum(tokens for _, tokens in told) == sum(group[0].completion_tokens for group in completions)
    assert len(told) > 5


def test_a_prompt_that_is_too_long_is_a_row_of_its_own(sampler, prompts, caplog):
    long = Prompt("long", "What is 2 + 3? " * 400, (5, 6))
    told = []
    found = sampler.complete([*prompts[:3], long, *prompts[3:6]], GREEDY, lambda rows, tokens: told.append(rows))
    assert [(c.finish, c.error, c.text, c.completion_tokens) for c in found[3]] == [(FinishReason.ERROR, TOO_LONG, "", 0)] * 2
    assert found[3][0].prompt_tokens > 512
    assert [g[0].text for g in [*found[:3], *found[4:]]] == [g[0].text for g in sampler.complete(prompts[:6], GREEDY)]
    assert sum(told) == 8
    assert "1 of 7 prompts are too long" in caplog.text


def test_a_call_of_nothing_but_long_prompts_stops_nothing(nano):
    sampler = HFSampler(device="cpu")
    sampler.load(nano)
    long = [Prompt(name, "What is 2 + 3? " * 400, (5,)) for name in "ab"]
    assert [group[0].error for group in sampler.complete(long, GREEDY)] == [TOO_LONG] * 2


def test_tokens_that_leave_no_prompt_any_room_are_a_wrong_setting(sampler, prompts):
    with pytest.raises(ModelError, match=r"max_tokens=512 leaves no prompt any room .* lower model\.max_tokens"):
        sampler.complete(prompts, SamplingParams(0, max_tokens=512))


def test_no_prompt_no_completion(sampler):
    assert sampler.complete([], GREEDY) == []


def test_long_prompts_make_small_batches(nano, prompts, monkeypatch):
    sizes = []
    whole = HFSampler._forward
    monkeypatch.setattr(HFSampler, "_forward", lambda self, ids, *rest: sizes.append(len(ids)) or whole(self, ids, *rest))
    row = 2 * 4 * 4 * 32 * 4 * (max(len(load_tokenizer(nano).encode(p.text)) for p in prompts) + GREEDY.max_tokens)
    sampler = HFSampler(cache_gib=5.5 * row / 2**30, device="cpu")
    sampler.load(nano)
    sampler.complete(prompts, GREEDY)
    assert max(sizes) == 5


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"cache_gib": 0}, {"refill_below": 1.0}])
def test_impossible_sizes_are_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        HFSampler(**bad)


def test_8_bit_layers_are_for_a_cpu(monkeypatch):
    monkeypatch.setattr(hf, "_device", lambda name: torch.device("cuda"))
    with pytest.raises(ConfigError, match=r"sampler\.dtype=int8 is for a CPU"):
        HFSampler(dtype="int8")


def test_a_token_without_an_embedding_is_named_before_anything_is_sampled(nano, tmp_path):
    tokenizer = load_tokenizer(nano)
    tokenizer.add_tokens(["zebra"])
    save_checkpoint(load_model(nano), tokenizer, tmp_path / "more")
    made = HFSampler(device="cpu")
    made.load(tmp_path / "more")
    assert made.complete([Prompt("p", "A horse?", (0,))], SamplingParams(0, max_tokens=2))
    with pytest.raises(ModelError, match=r"'zebra' is token \d+, and the model has embeddings of"):
        made.complete([Prompt("p", "A zebra?", (0,))], SamplingParams(0, max_tokens=2))
