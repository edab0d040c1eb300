import socket

import openai
import pytest
from starlette.testclient import TestClient

from mmst.errors import ConfigError, DataError
from mmst.jobs.answer import Answered
from mmst.jobs.serve import application, listening

QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " How many nuts? "}]


@pytest.fixture
def asked():
    return []


@pytest.fixture
def web(asked):
    def answer(question):
        asked.append(question)
        if "hard" in question:
            raise DataError("that is too hard.")
        if "broken" in question:
            raise RuntimeError("a secret")
        number = None if "none" in question else "12"
        return Answered("question-1", question, number, "code", 0.75, 40, None, 60)

    return TestClient(application(answer, "nano", "router"), raise_server_exceptions=False)


@pytest.fixture
def client(web):
    return openai.OpenAI(base_url="http://testserver/v1", api_key="none", http_client=web, max_retries=0)


def test_the_last_user_message_is_answered_with_its_method_and_confidence(client, asked):
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}, *QUESTION]
    found = client.chat.completions.create(model="nano", messages=turns, temperature=0)
    assert asked == ["How many nuts?"]
    assert (found.choices[0].message.content, found.choices[0].finish_reason, found.model) == ("12", "stop", "nano")
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.total_tokens) == (60, 40, 100)
    assert found.model_extra["mmst"] == {"answer": "12", "method": "code", "confidence": 0.75, "policy": "router"}


def test_texts_in_parts_are_one_question_and_no_answer_is_said(client, asked):
    parts = [{"type": "text", "text": "There is none."}, {"type": "text", "text": "Why?"}]
    found = client.chat.completions.create(model="nano", messages=[{"role": "user", "content": parts}])
    assert asked == ["There is none.\nWhy?"]
    assert (found.choices[0].message.content, found.model_extra["mmst"]["answer"]) == ("no answer", None)


def test_a_stream_is_one_chunk_its_end_and_the_tokens_if_asked(client):
    how = {"model": "nano", "messages": QUESTION, "stream": True}
    first, last = client.chat.completions.create(**how)
    assert (first.choices[0].delta.content, last.choices[0].finish_reason) == ("12", "stop")
    assert first.model_extra["mmst"]["method"] == "code"
    *_, usage = client.chat.completions.create(**how, stream_options={"include_usage": True})
    assert usage.usage.total_tokens == 100


def test_the_one_model_is_listed(client):
    assert [row.id for row in client.models.list()] == ["nano"]
    assert client.models.retrieve("nano").owned_by == "mmst"
    with pytest.raises(openai.NotFoundError, match="the model 'gpt' is not served here; 'nano' is"):
        client.models.retrieve("gpt")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"model": "gpt"}, openai.NotFoundError, "the model 'gpt' is not served here"),
        ({"messages": []}, openai.BadRequestError, "messages must hold a user message with a text"),
        ({"messages": [{"role": "user", "content": " "}]}, openai.BadRequestError, "must hold a user message"),
        ({"messages": "How many?"}, openai.BadRequestError, "must hold a user message"),
        ({"n": 2}, openai.BadRequestError, "n=2 must be 1"),
        ({"messages": [{"role": "user", "content": "hard"}]}, openai.BadRequestError, "that is too hard"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_protocols_shape(client, change, kind, words):
    with pytest.raises(kind, match=words) as raised:
        client.chat.completions.create(**{"model": "nano", "messages": QUESTION, **change})
    assert raised.value.type == "invalid_request_error"


def test_a_failure_of_the_server_says_no_more_than_its_kind(client):
    with pytest.raises(openai.InternalServerError, match=r"the server failed: RuntimeError\.") as raised:
        client.chat.completions.create(model="nano", messages=[{"role": "user", "content": "broken"}])
    assert "secret" not in str(raised.value)


def test_what_is_no_json_and_what_is_not_there_are_errors_in_the_same_shape(web):
    for found in (web.post("/v1/chat/completions", content=b"{"), web.post("/v1/chat/completions", json=[1])):
        assert (found.status_code, found.json()["error"]["type"]) == (400, "invalid_request_error")
    assert web.get("/v1/chat/completions").status_code == 405
    gone = web.get("/v1/embeddings")
    assert (gone.status_code, "POST /v1/chat/completions" in gone.json()["error"]["message"]) == (404, True)


def test_a_free_port_is_taken_and_one_that_is_in_use_is_refused():
    with listening("127.0.0.1", 0) as heard:
        port = heard.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port={port} cannot be listened on .*port=0 takes a free one"):
            listening("127.0.0.1", port)
        assert heard.family is socket.AF_INET
    with pytest.raises(ConfigError, match="port=70000 cannot be listened on"):
        listening("127.0.0.1", 70000)
