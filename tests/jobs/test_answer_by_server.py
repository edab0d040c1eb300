import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mmst.cli.answer import main
from mmst.errors import ConfigError, DataError, EngineError

QUESTION = "Ana has 3 bags of 4 nuts. How many nuts is that?"
REPLY = {
    "usage": {"prompt_tokens": 60, "completion_tokens": 41},
    "mmst": {"answer": "12", "method": "code", "confidence": 0.98, "policy": "logprob"},
}


@contextmanager
def serving(status, reply):
    """A server with one reply; yields its address, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_a_question_is_answered_by_the_server(capsys, ending):
    with serving(200, json.dumps(REPLY).encode()) as (address, asked):
        main([QUESTION, f"server={address}{ending}"])
    assert asked == [("/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}]})]
    assert capsys.readouterr().out == "12\nby code, confidence 0.98, 41 tokens\n"


def test_a_file_of_questions_is_answered_line_by_line(tmp_path, capsys):
    (tmp_path / "q.txt").write_text("How many?\nHow far?\n")
    with serving(200, json.dumps(REPLY).encode()) as (address, _):
        main([str(tmp_path / "q.txt"), f"server={address}"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["question"], row["answer"], row["prompt_tokens"]) for row in rows] == [
        ("How many?", "12", 60), ("How far?", "12", 60),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "reply", "error", "sentence"),
    [
        (400, b'{"error": {"message": "that is too hard."}}', DataError, "refuses the question: that is too hard."),
        (502, b"<html>", DataError, "refuses the question: HTTP 502"),
        (200, b"<html>", EngineError, "no mmst serve answers at"),
        (200, b'{"usage": {}, "choices": []}', EngineError, "is no mmst serve"),
        (200, b"[]", EngineError, "is no mmst serve"),
    ],
)
def test_what_is_no_answer_is_told_in_a_sentence(status, reply, error, sentence):
    with serving(status, reply) as (address, _), pytest.raises(error, match=sentence):
        main([QUESTION, f"server={address}"])


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ([QUESTION, "server=http://127.0.0.1:9"], EngineError, r"no mmst serve answers at .* start one by `mmst serve`"),
        ([QUESTION, "server=localhost:8000"], ConfigError, "must be the address of an mmst serve"),
        ([QUESTION, "server=http://127.0.0.1:9", "run=r"], ConfigError, "run= is the server's to choose"),
        (["server=http://127.0.0.1:9"], ConfigError, "leave it out for a data set"),
        (["nothing.jsonl", "server=http://127.0.0.1:9"], DataError, "there is no file nothing.jsonl"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(words, error, sentence):
    with pytest.raises(error, match=sentence):
        main(words)
