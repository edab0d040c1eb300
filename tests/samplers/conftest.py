from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.waiting import until


class ScriptedServer:
    """Speaks OpenAI's protocol as badly as its script says: script(request body, attempt) -> (status, reply)."""

    def __init__(self, script, kind="application/json"):
        self.bodies = []
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with server._lock:
                    attempt = sum(
                        seen.get("seed") == body.get("seed") and seen.get("prompt") == body.get("prompt")
                        for seen in server.bodies
                    )
                    server.bodies.append(body | {"path": self.path, "key": self.headers["authorization"]})
                    server._running += 1
                    server.most_at_once = max(server.most_at_once, server._running)
                status, reply = script(body, attempt)
                content = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
                with server._lock:
                    server._running -= 1
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()


def reply(text, finish="stop", tokens=3, **choice):
    return {
        "id": "x",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "text": text, "finish_reason": finish, **choice}],
        "usage": {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens},
    }


@pytest.fixture
def serve():
    servers = []

    def start(script, kind="application/json"):
        servers.append(ScriptedServer(script, kind))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def transformers_server(nano, tmp_path_factory):
    """The address of a real `transformers serve` with the nano model."""
    log = tmp_path_factory.mktemp("serve") / "log"
    process, url = _served(nano, log)
    while process.poll() is not None and "address already in use" in log.read_text():  # taken since it was free
        process, url = _served(nano, log)
    try:
        assert process.poll() is None, log.read_text()
        yield f"{url}/v1"
    finally:
        process.kill()
        process.wait()


def _served(model, log):
    """A server that answers, or has ended, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--device", "cpu", "--port", port]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    url = f"http://localhost:{port}"
    until(lambda: process.poll() is not None or _answers(f"{url}/health"))
    return process, url


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
