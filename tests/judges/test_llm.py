import logging
import socket

import pytest

from mmst.errors import ConfigError
from mmst.judges.llm import Llm, verdict_in
from mmst.ledger.spec import key_of, part_spec
from mmst.methods.method import Reading
from mmst.sandbox.pool import SandboxPool
from mmst.stages.grade import verdicts
from mmst.types import AnswerKind, Problem
from tests.samplers.conftest import ScriptedServer, reply

PROBLEM = Problem("p", "How many {gold} apples?", "12", AnswerKind.NUMBER)


@pytest.fixture
def serve():
    servers = []

    def start(say):
        def script(body, attempt):
            status, text = say(body["messages"][0]["content"])
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            return status, reply("") | {"object": "chat.completion", "choices": [choice]}

        servers.append(ScriptedServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def judge(url, **options):
    return Llm(url, **{"model": "m", "retries": 0, **options})


def judged(judge, *readings):
    with SandboxPool(workers=1) as executor:
        return verdicts(readings, [PROBLEM] * len(readings), executor, judge)


def test_the_model_is_told_all_and_its_word_counts(serve):
    server = serve(lambda text: (200, "Right." if "judge: a dozen" in text else "wrong"))
    said = judged(judge(server.url), Reading("a dozen", "", completion="So {answer}."), Reading("13", "", completion="So."))
    assert [verdict for verdict, _ in said] == ["right", "wrong"]
    told = server.bodies[0]["messages"][0]["content"]
    assert "How many {gold} apples?" in told
    assert "Gold answer: 12" in told
    assert "So {answer}." in told
    assert (server.bodies[0]["model"], server.bodies[0]["temperature"]) == ("m", 0.0)


def test_steps_are_asked_about_by_a_prompt_of_their_own(serve, tmp_path):
    server = serve(lambda text: (200, "wrong" if "5 + 2 = 10" in text else "right"))
    readings = Reading("10", "", completion="5 + 2 = 10"), Reading("12", "", completion="3 * 4 = 12")
    made = judge(server.url)
    assert [verdict for verdict, _ in judged(made.of_reasons(), *readings)] == ["wrong", "right"]
    assert "Gold answer" not in server.bodies[0]["messages"][0]["content"]
    assert key_of(part_spec(made)) != key_of(part_spec(made.of_reasons()))
    (tmp_path / "own.txt").write_text("Steps of {question}?\n{completion}")
    judged(judge(server.url, reasons=str(tmp_path / "own.txt")).of_reasons(), *readings)
    assert server.bodies[-1]["messages"][0]["content"].startswith("Steps of How many")
    with pytest.raises(ConfigError, match="cannot be read"):
        judge(server.url, reasons="nowhere.txt")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("right", "right"),
        ("**Wrong**, since 13 is not 12.", "wrong"),
        ('{"verdict": "right", "why": "equal"}', "right"),
        ('```json\n{"why": "right?", "verdict": "Wrong"}\n```', "wrong"),
        ("<think>right, or wrong?</think>\nwrong", "wrong"),
        ("Rightly so", "unjudged"),
        ("It is right", "unjudged"),
        ("", "unjudged"),
        ('{"verdict": 1}', "unjudged"),
        ("<think>right", "unjudged"),
    ],
)
def test_replies(text, verdict):
    said = verdict_in(text)
    assert said.verdict == verdict
    assert said.reason


def test_what_was_lost_or_says_nothing_is_not_asked_about(serve):
    server = serve(lambda text: (200, "right"))
    said = judged(judge(server.url), Reading(None, "lost", judged=False), Reading(None, "empty", completion=" "))
    assert said == [("unjudged", "lost"), ("no_answer", "empty")]
    assert server.bodies == []


def test_a_request_that_fails_is_unjudged_with_its_reason(serve, caplog):
    server = serve(lambda text: (500, "") if "judge: 13" in text else (200, "right"))
    with caplog.at_level(logging.WARNING):
        said = judged(judge(server.url), Reading("12", ""), Reading("13", ""))
    assert said[0][0] == "right"
    assert said[1] == ("unjudged", "the judge's server failed: HTTP 500")
    assert "judge: 1 of 2 are unjudged" in caplog.text


def test_no_server_is_unjudged_in_a_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    ((verdict, reason),) = judged(judge(url), Reading("12", ""))
    assert verdict == "unjudged"
    assert reason.startswith(f"judge: no server answers at {url}")


def key(**options):
    return key_of(part_spec(judge(**{"url": "http://one/v1", **options})))


def test_the_key_holds_the_prompt_and_the_model_and_not_the_server(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("Is {answer} {gold}?")
    assert key() == key(url="http://two/v1", concurrency=2, timeout=1, retries=3, api_key_variable="OTHER")
    keys = [key(), key(model="n"), key(prompt=str(file)), key(max_tokens=9), key(api="completions"), key(extra={"top_k": 1})]
    file.write_text("Is {answer} the same as {gold}?")
    assert len({*keys, key(prompt=str(file))}) == 7


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prompt": "/nowhere.txt"}, "judge.prompt=/nowhere.txt cannot be read"),
        ({"url": "localhost"}, "judge.base_url=localhost must be the server's address"),
        ({"api": "x"}, "judge.api=x must be one of"),
    ],
)
def test_settings_that_cannot_work_are_one_sentence(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        judge(**{"url": "http://one/v1", **options})


def test_a_prompt_without_the_answer_is_refused(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("Is it right? {question}")
    with pytest.raises(ConfigError, match="nothing to judge"):
        judge("http://one/v1", prompt=str(file))
