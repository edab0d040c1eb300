import json
import logging
import sys
import threading

import pytest

from mmst.datasets.arithmetic.world import draw_problems
from mmst.errors import ConfigError, EngineError, MissingExtraError
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers import openai
from mmst.samplers.hf import HFSampler
from mmst.samplers.openai import OpenAISampler
from mmst.samplers.sampler import SamplingParams
from mmst.training.checkpoint import served_checkpoint
from mmst.types import FinishReason, Message, Prompt
from tests.commands import LIMIT
from tests.samplers.conftest import reply

WARM = SamplingParams(temperature=0.7, top_p=0.9, max_tokens=40)
PROMPTS = [Prompt(f"p{i}", f"Bag {i}?", (2**40 + i, 2**41 + 100 + i), stop=("\n\n",)) for i in range(6)]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Back-off without the waiting."""
    import openai._base_client as client

    monkeypatch.setattr(client, "INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr(client, "MAX_RETRY_DELAY", 0.002)
    monkeypatch.setattr(openai, "FIRST_WAIT", 0.001)


def sampler(server, **options):
    made = OpenAISampler(base_url=server if isinstance(server, str) else server.url, **{"model": "m", "retries": 2, **options})
    made.load(None)
    return made


def test_each_sample_is_a_request_with_its_own_seed_and_all_parameters(serve):
    server = serve(lambda body, attempt: (200, reply(f"{body['prompt']}{body['seed']}")))
    completions = sampler(server, concurrency=3, extra={"top_k": 5}).complete(PROMPTS, WARM)
    assert [[c.text for c in group] for group in completions] == [
        [f"{prompt.text}{seed % 2**31}" for seed in prompt.seeds] for prompt in PROMPTS
    ]
    body = server.bodies[0]
    assert (body["model"], body["temperature"], body["top_p"], body["max_tokens"]) == ("m", 0.7, 0.9, 40)
    assert (body["stop"], body["top_k"], body["path"]) == (["\n\n"], 5, "/v1/completions")
    assert server.most_at_once <= 3
    assert completions[0][0].prompt_tokens == 7
    assert completions[0][0].completion_tokens == 3


@pytest.mark.parametrize("chat", [True, False])
def test_a_chat_server_gets_a_conversation_as_its_turns_and_a_text_as_one(serve, chat):
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    server = serve(lambda body, attempt: (200, reply("") | {"object": "chat.completion", "choices": [choice]}))
    turns = (Message("system", "Think."), Message("user", "1?"))
    sampler(server, api="chat").complete([Prompt("p", "Think.\n\n1?", (1,), (), turns, chat)], WARM)
    conversation = [{"role": "system", "content": "Think."}, {"role": "user", "content": "1?"}]
    assert server.bodies[0]["messages"] == (conversation if chat else [{"role": "user", "content": "Think.\n\n1?"}])


def test_a_chat_server_gets_a_message(serve):
    told = {
        "content": [{"token": "a", "logprob": -1.0, "top_logprobs": []}, {"token": "b", "logprob": -2.0, "top_logprobs": []}]
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop", "logprobs": told}
    server = serve(lambda body, attempt: (200, reply("") | {"object": "chat.completion", "choices": [choice]}))
    completion = sampler(server, api="chat").complete(PROMPTS[:1], WARM)[0][0]
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "Bag 0?"}]
    assert server.bodies[0]["path"] == "/v1/chat/completions"
    assert (completion.text, completion.mean_logprob) == ("hi", -1.5)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), "low"])
def test_log_probabilities_that_are_no_numbers_are_none(serve, value):
    told = {"token_logprobs": [-0.5, value], "tokens": ["a", "b"], "top_logprobs": None, "text_offset": [0, 1]}
    server = serve(lambda body, attempt: (200, json.dumps(reply("x", logprobs=told))))
    assert sampler(server).complete(PROMPTS[:1], WARM)[0][0].mean_logprob is None


def test_log_probabilities_are_taken_where_they_are_told(serve):
    told = {"token_logprobs": [-0.5, None, -1.5], "tokens": ["a", "b", "c"], "top_logprobs": None, "text_offset": [0, 1, 2]}
    server = serve(lambda body, attempt: (200, reply("x", logprobs=told)))
    assert sampler(server).complete(PROMPTS[:1], WARM)[0][0].mean_logprob == -1.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(serve, status):
    server = serve(lambda body, attempt: (status, "busy") if attempt < 2 else (200, reply("done")))
    completions = sampler(server).complete(PROMPTS, WARM)
    assert {c.text for group in completions for c in group} == {"done"}
    assert len(server.bodies) == 36


@pytest.mark.parametrize(
    "bad",
    [
        (500, "always"),
        (400, "too long"),
        (200, "no json"),
        (200, {"object": "text_completion", "choices": []}),
        (200, reply(None)),
        (200, reply("x", finish="content_filter")),
        (200, reply("x") | {"choices": None}),
    ],
)
def test_what_fails_is_an_error_row_and_the_rest_is_kept(serve, caplog, bad):
    server = serve(lambda body, attempt: bad if body["prompt"] == "Bag 2?" else (200, reply("fine")))
    with caplog.at_level(logging.WARNING):
        completions = sampler(server).complete(PROMPTS, WARM)
    assert [group[0].finish for group in completions] == ["stop", "stop", "error", "stop", "stop", "stop"]
    assert completions[2][1].text == ""
    assert "2 of 12 requests failed and are unjudged" in caplog.text


def test_a_slow_answer_is_given_up_and_asked_for_again(serve):
    given_up = threading.Event()

    def script(body, attempt):
        if attempt == 0:
            given_up.wait(LIMIT)
        return 200, reply(f"attempt {attempt}")

    completions = sampler(serve(script), timeout=0.5, retries=20).complete(PROMPTS[:1], WARM)
    given_up.set()
    assert completions[0][0].text.removeprefix("attempt ") > "0"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_or_model_stops_at_once(serve, status):
    server = serve(lambda body, attempt: (status, {"error": {"message": "unknown model"}}))
    with pytest.raises(EngineError, match=r"refuses 'm': .*unknown model"):
        sampler(server, concurrency=1).complete(PROMPTS, WARM)
    assert len(server.bodies) < 4


@pytest.mark.parametrize("status", [400, 403, 404, 422])
@pytest.mark.parametrize("place", [0, 2, 5])
def test_one_refused_prompt_is_a_row_with_its_reason(serve, status, place):
    def script(body, attempt):
        return (status, {"error": {"message": "flagged"}}) if body["prompt"] == f"Bag {place}?" else (200, reply("fine"))

    made = sampler(serve(script), concurrency=4)
    completions = made.complete(PROMPTS, WARM)
    errors = [(c.finish, c.error) for c in completions[place]]
    assert errors == [(FinishReason.ERROR, f"refused ({status})")] * 2
    assert sum(c.finish is FinishReason.STOP for group in completions for c in group) == 10
    again = made.complete(PROMPTS[place : place + 1], WARM)  # a chunk of its own, after others succeeded
    assert [c.error for c in again[0]] == [f"refused ({status})"] * 2


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
        "Input is too long for requested model.",
        "`inputs` tokens + `max_new_tokens` must be <= 4096",
        "prompt has 5000 tokens, limit is 4096",
        "Please reduce the length of the messages.",
    ],
)
def test_a_prompt_that_the_server_finds_too_long_says_so(serve, words):
    server = serve(
        lambda body, attempt: (400, {"error": {"message": words}}) if body["prompt"] == "Bag 3?" else (200, reply("fine"))
    )
    assert sampler(server).complete(PROMPTS, WARM)[3][0].error == "prompt too long"


def test_a_parameter_that_a_server_refuses_is_said_with_the_way_out(serve):
    def script(body, attempt):
        bad = {"seed", "max_tokens"} & set(body)
        return (422, {"detail": f"extra_forbidden: {sorted(bad)}"}) if bad else (200, reply("fine"))

    server = serve(script)
    with pytest.raises(EngineError, match=r"extra_forbidden.*left out by null.*seed: null"):
        sampler(server).complete(PROMPTS, WARM)
    without = {"seed": None, "max_tokens": None, "logprobs": None, "max_completion_tokens": 20}
    completions = sampler(server, extra=without).complete(PROMPTS, WARM)
    assert {c.text for group in completions for c in group} == {"fine"}
    sent = server.bodies[-1]
    assert not {"seed", "max_tokens", "logprobs"} & set(sent)
    assert sent["max_completion_tokens"] == 20


@pytest.mark.parametrize(
    "nothing",
    [
        {"error": {"message": "rate limited", "code": 429}},
        {"error": {"message": "overloaded"}},
        {"object": "text_completion", "choices": []},
        {"object": "text_completion", "choices": None},
        {"object": "text_completion", "choices": [{"text": None, "finish_reason": "stop"}]},
        "<html>bad gateway</html>",
        "",
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(serve, nothing):
    server = serve(lambda body, attempt: (200, nothing) if attempt < 2 else (200, reply("fine")))
    completions = sampler(server).complete(PROMPTS, WARM)
    assert {c.text for group in completions for c in group} == {"fine"}


def test_a_refusal_inside_an_answer_is_not_asked_for_again(serve):
    refusal = {"error": {"message": "moderated", "code": 403}}
    server = serve(lambda body, attempt: (200, refusal) if body["prompt"] == "Bag 1?" else (200, reply("fine")))
    assert [c.error for c in sampler(server).complete(PROMPTS, WARM)[1]] == ["refused (403)"] * 2
    assert len(server.bodies) == 12


@pytest.mark.parametrize(
    ("reason", "tokens", "finish"),
    [
        ("eos", 3, "stop"),
        ("eos_token", 40, "stop"),
        ("stop_sequence", 3, "stop"),
        ("end_turn", 3, "stop"),
        ("STOP", 3, "stop"),
        (None, 3, "stop"),
        ("", 39, "stop"),
        (None, 40, "length"),
        ("", 40, "length"),
        ("MAX_TOKENS", 40, "length"),
        ("model_length", 3, "length"),
        ("content_filter", 3, "error"),
        ("abort", 3, "error"),
        ("not_finished", 3, "error"),
        ("none", 3, "stop"),
        ("FINISH_REASON_UNSPECIFIED", 40, "length"),
        ("model_context_window_exceeded", 3, "length"),
        ("tool_calls", 3, "error"),
        ("SAFETY", 3, "error"),
        ("</s>", 3, "stop"),
        ("<|endoftext|>", 3, "stop"),
        ("endoftext", 3, "stop"),
        ("stopsequence", 3, "stop"),
        ("natural", 3, "stop"),
        ({"type": "length", "length": 40}, 40, "length"),
        ("maxtokens", 40, "length"),
        ("context_overflow", 3, "length"),
        ("incomplete", 3, "length"),
        ("n/a", 3, "stop"),
        ("stopped_by_filter", 3, "error"),
        ("endpoint_gone", 3, "error"),
        ("time_limit", 3, "error"),
    ],
)
def test_servers_have_many_words_for_an_end_and_for_a_limit(serve, reason, tokens, finish):
    server = serve(
        lambda body, attempt: (200, reply("x", finish="stop" if body["prompt"] == "Bag 0?" else reason, tokens=tokens))
    )
    assert sampler(server).complete(PROMPTS[:2], WARM)[1][0].finish == finish


def test_a_content_may_be_a_list_of_parts(serve):
    parts = [{"type": "text", "text": "one "}, {"type": "refusal", "refusal": "no"}, {"type": "text", "text": "two"}]
    choice = {"index": 0, "message": {"role": "assistant", "content": parts}, "finish_reason": "stop"}
    server = serve(lambda body, attempt: (200, reply("") | {"object": "chat.completion", "choices": [choice]}))
    assert sampler(server, api="chat").complete(PROMPTS[:1], WARM)[0][0].text == "one two"


THOUGHT = "<think>\n2 + 3\n</think>\n\nIt is 5."


def chat_answer(finish="stop", choice=None, **message):
    told = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, **(choice or {})}
    return reply("") | {"object": "chat.completion", "choices": [told]}


@pytest.mark.parametrize(
    ("answer", "text", "finish"),
    [
        (chat_answer(content="It is 5.", reasoning_content="2 + 3"), "<think>\n2 + 3\n</think>\n\nIt is 5.", "stop"),
        (chat_answer(content="It is 5.", reasoning="2 + 3"), "<think>\n2 + 3\n</think>\n\nIt is 5.", "stop"),
        (chat_answer("length", content=None, reasoning_content="2 +"), "<think>\n2 +", "length"),
        (chat_answer("length", content=None), "", "length"),
        (chat_answer(content=None, refusal="I can't."), "I can't.", "stop"),
        (chat_answer("tool_calls", content=None, tool_calls=[{"id": "1", "type": "function", "function": {}}]), "", "error"),
        (chat_answer(content=None), "", "error"),
        (chat_answer(content="It is 5.") | {"usage": None}, "It is 5.", "stop"),
        ({"choices": [{"message": {"content": ["It is ", "5."]}}]}, "It is 5.", "stop"),
        (chat_answer(content=[{"type": "thinking", "thinking": [{"text": "2 + 3"}]}, {"text": "It is 5."}]), THOUGHT, "stop"),
        (chat_answer(content=[{"type": "reasoning", "text": "2 + 3"}, {"text": "It is 5."}]), THOUGHT, "stop"),
        (chat_answer(content="It is 5.", reasoning_details=[{"type": "reasoning.text", "text": "2 + 3"}]), THOUGHT, "stop"),
        (chat_answer(content="It is 5.", reasoning_content={"text": "2 + 3"}), THOUGHT, "stop"),
        (chat_answer(content="<think>2</think>It is 5.", reasoning="2"), "<think>2</think>It is 5.", "stop"),
        (chat_answer(content={"parts": [{"text": "It is 5."}]}), "It is 5.", "stop"),
        (chat_answer(content=[{"type": "text", "text": {"value": "It is 5."}}]), "It is 5.", "stop"),
        (chat_answer(content=5), "5", "stop"),
        (chat_answer(content="5\ud800"), "5?", "stop"),
        ({"choices": [{"message": "It is 5."}], "usage": [1]}, "It is 5.", "stop"),
        ({"message": {"role": "assistant", "content": "It is 5."}, "done": True, "done_reason": "stop"}, "It is 5.", "stop"),
        ([chat_answer(content="It is 5.")], "It is 5.", "stop"),
        (json.dumps(json.dumps(chat_answer(content="It is 5."))), "It is 5.", "stop"),
    ],
)
def test_a_message_may_hold_reasoning_a_refusal_or_nothing(serve, answer, text, finish):
    fine = chat_answer(content="fine")
    server = serve(lambda body, attempt: (200, fine if body["messages"][0]["content"] == "Bag 0?" else answer))
    found = sampler(server, api="chat", retries=0).complete(PROMPTS[:2], WARM)[1][0]
    assert (found.text, found.finish) == (text, finish)


def test_half_a_character_in_what_a_server_says_of_a_failure_is_replaced(serve):
    halved = chat_answer("flagged\ud800", content="It is 5.")
    server = serve(lambda body, attempt: (200, reply("fine")) if body["messages"][0]["content"] == "Bag 0?" else (200, halved))
    found = sampler(server, api="chat", retries=0).complete(PROMPTS[:2], WARM)[1][0]
    assert (found.finish, found.error) == ("error", "the server ended a completion for 'flagged?'")


def test_log_probabilities_of_llama_cpp_are_taken_and_count_the_tokens_where_nothing_else_does(serve):
    told = {"content": [{"id": 1, "token": "a", "logprob": -0.5, "top_logprobs": []}] * 40}
    server = serve(lambda body, attempt: (200, reply("x", finish=None, logprobs=told) | {"usage": None}))
    completion = sampler(server).complete(PROMPTS[:1], WARM)[0][0]
    assert (completion.mean_logprob, completion.completion_tokens, completion.finish) == (-0.5, 40, "length")


@pytest.mark.parametrize(
    "nothing",
    [
        {"object": "error", "message": "flagged", "code": 400},
        {"choices": [{"index": 0, "error": {"code": 403, "message": "flagged"}, "finish_reason": "error", "text": ""}]},
        {"code": 422, "msg": "flagged"},
    ],
)
def test_refusals_of_other_shapes_are_refusals(serve, caplog, nothing):
    server = serve(lambda body, attempt: (200, nothing) if body["prompt"] == "Bag 1?" else (200, reply("fine")))
    with caplog.at_level(logging.WARNING):
        assert sampler(server).complete(PROMPTS, WARM)[1][0].error.startswith("refused (4")
    assert "flagged" in caplog.text
    assert len(server.bodies) == 12


def events(*parts, over=True):
    return "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + ("data: [DONE]\n\n" if over else "")


def test_a_server_that_only_streams_is_read_and_a_stream_that_was_cut_is_asked_for_again(serve):
    begun = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in ("It ", "is 5.")]
    ended = {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }
    streams = [events(*begun, over=False), events(*begun, ended)]
    server = serve(lambda body, attempt: (200, streams[min(attempt, 1)]), kind="text/event-stream")
    made = sampler(server, api="chat", extra={"stream": True})
    found = made.complete([Prompt("p", "Bag?", (1,))], WARM)[0][0]
    assert (found.text, found.finish, found.completion_tokens) == ("It is 5.", "stop", 3)
    assert len(server.bodies) == 2


def test_an_account_without_credit_stops_at_once(serve):
    def script(body, attempt):
        return (200, reply("fine")) if body["prompt"] == "Bag 0?" else (402, {"error": {"message": "no credit"}})

    with pytest.raises(EngineError, match=r"refuses 'm': .*no credit"):
        sampler(serve(script), concurrency=1).complete(PROMPTS, WARM)


def test_a_server_without_system_messages_says_the_way_out(serve):
    server = serve(lambda body, attempt: (400, {"error": {"message": "System role not supported"}}))
    with pytest.raises(EngineError, match=r"System role not supported.*model\.system='\"\"' puts the instruction"):
        sampler(server, api="chat").complete(PROMPTS, WARM)


def test_no_secret_is_shown(serve):
    server = serve(lambda body, attempt: (403, {"error": {"message": "no"}}))
    address = server.url.replace("http://", "http://ann:hunter2@") + "?api_key=hunter3"
    made = sampler(address, extra={"api_key": "hunter4", "user": "ann", "extra_headers": {"Authorization": "hunter5"}})
    assert "hunter" not in made.engine
    assert "user=ann" in made.engine
    with pytest.raises(EngineError) as caught:
        made.complete(PROMPTS, WARM)
    assert "hunter" not in str(caught.value)


def test_where_there_is_no_server_nobody_waits():
    with pytest.raises(EngineError, match=r"no server answers at http://127\.0\.0\.1:9/v1"):
        sampler("http://127.0.0.1:9/v1", retries=50).complete(PROMPTS, WARM)


def test_a_server_that_fails_at_everything_is_told_and_nothing_is_kept(serve):
    with pytest.raises(EngineError, match=r"none of 12 requests to .* succeeded"):
        sampler(serve(lambda body, attempt: (500, "broken")), retries=0).complete(PROMPTS, WARM)


def test_text_after_a_stop_string_is_cut(serve):
    server = serve(lambda body, attempt: (200, reply("one\n\nQuestion: two", finish="length")))
    completion = sampler(server).complete(PROMPTS[:1], WARM)[0][0]
    assert (completion.text, completion.finish) == ("one", FinishReason.STOP)


def test_equal_samples_raise_a_doubt(serve, caplog):
    with caplog.at_level(logging.WARNING):
        sampler(serve(lambda body, attempt: (200, reply("same")))).complete(PROMPTS, WARM)
    assert "may ignore the temperature" in caplog.text


def test_the_model_is_the_configured_one_the_served_one_or_the_folder(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("THE_KEY", "secret")
    server = serve(lambda body, attempt: (200, reply("x")))
    made = OpenAISampler(server.url, api_key_variable="THE_KEY")
    assert made.loads
    for folder in (tmp_path, served_checkpoint("big", tmp_path)):
        made.load(folder)
        made.complete(PROMPTS[:1], WARM)
    assert {body["model"] for body in server.bodies} == {str(tmp_path), "big"}
    assert {body["key"] for body in server.bodies} == {"Bearer secret"}
    assert not sampler(server).loads


@pytest.mark.parametrize("bad", [{"api": "x"}, {"base_url": "localhost"}, {"concurrency": 0}, {"retries": -1}, {"timeout": 0}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        OpenAISampler(**{"base_url": "http://x/v1", **bad})


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"\[openai\]"):
        OpenAISampler("http://x/v1")


def test_a_real_server_gives_the_greedy_completions_of_the_model(transformers_server, nano):
    form = PromptFormat(cue="Answer:", lead=" ", key="text", stop=("\nQuestion:", "\n\n"))
    problems = draw_problems("validation", 12, 5)
    prompts = [Prompt(p.id, PromptWriter().solve(p, form), seeds=(i,), stop=form.stop) for i, p in enumerate(problems)]
    greedy = SamplingParams(temperature=0, max_tokens=48)
    remote = OpenAISampler(transformers_server, concurrency=2)
    remote.load(nano)
    local = HFSampler(device="cpu")
    local.load(nano)
    expected = [group[0] for group in local.complete(prompts, greedy)]
    found = [group[0] for group in remote.complete(prompts, greedy)]
    assert [(c.text, c.finish, c.prompt_tokens) for c in found] == [(c.text, c.finish, c.prompt_tokens) for c in expected]
    # One at a time: this server has one random generator for all that it does.
    warmth = {"generation_config": '{"do_sample": true, "max_new_tokens": 48}'}
    sampling = OpenAISampler(transformers_server, concurrency=1, extra=warmth)
    sampling.load(nano)
    warm = sampling.complete([Prompt("p", prompts[0].text, tuple(range(8)), form.stop)], SamplingParams(1.5, max_tokens=48))[0]
    assert len({c.text for c in warm}) > 1
