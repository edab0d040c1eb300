"""New weights for a server at work, by fakes that speak as SGLang and vLLM do."""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mmst.errors import ConfigError, EngineError, ModelError
from mmst.samplers.openai import OpenAISampler
from mmst.samplers.sampler import SamplingParams
from mmst.types import Prompt
from tests.samplers.conftest import reply


class FakeServer:
    """Loads folders; `deaf` says that it did and does not."""

    def __init__(self, way, deaf=False):
        self.way, self.deaf = way, deaf
        self.folder, self.adapters, self.asked = "start", {}, []

    def answer(self, path, body):
        if path == "/v1/completions":
            self.asked.append(body["model"])
            said = self.adapters.get(body["model"], self.folder)
            return 200, reply(said, logprobs={"token_logprobs": [-0.5], "tokens": [said]})
        return getattr(self, f"_{self.way}")(path, body)

    def _sglang(self, path, body):
        if path == "/get_model_info":
            return 200, {"model_path": self.folder}
        if path == "/update_weights_from_disk":
            assert body["flush_cache"]
            self._load(body["model_path"])
            return 200, {"success": True, "message": "ok"}
        return 404, {"detail": "Not Found"}

    def _vllm(self, path, body):
        if path == "/collective_rpc":
            assert body["method"] == "reload_weights"
            self._load(body["kwargs"]["weights_path"])
            return 200, {"results": [None]}
        return (200, {}) if path == "/reset_prefix_cache" else (404, {"detail": "Not Found"})

    def _lora(self, path, body):
        if path == "/v1/models":
            return 200, {"data": [{"id": name} for name in ("m", *self.adapters)]}
        if path == "/v1/load_lora_adapter":
            if not self.deaf:
                self.adapters[body["lora_name"]] = body["lora_path"]
            return 200, {}
        return 404, {"detail": "Not Found"}

    def _load(self, folder):
        if not self.deaf:
            self.folder = folder


@pytest.fixture
def started():
    running = []

    def start(fake):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.say(*fake.answer(self.path, None))

            def do_POST(self):
                self.say(*fake.answer(self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))

            def say(self, status, content):
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def rounds(tmp_path, nano):
    """Two whole checkpoints."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for number, folder in enumerate(folders):
        shutil.copytree(nano, folder)
        (folder / "config.json").write_text((nano / "config.json").read_text() + " " * number)
    return folders


@pytest.fixture
def adapters(tmp_path, nano):
    folder = tmp_path / "adapters"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(nano)}))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def said(sampler):
    return sampler.complete([Prompt("p", "?", (1,))], SamplingParams(temperature=1.0))[0][0].text


@pytest.mark.parametrize("way", ["sglang", "vllm"])
def test_each_round_is_answered_from_its_own_weights(started, rounds, way):
    sampler = OpenAISampler(started(FakeServer(way)), "m", weights=way)
    assert (sampler.loads, sampler.takes_adapters) == (True, False)
    for folder in (*rounds, rounds[0]):
        sampler.load(folder)
        sampler.load(folder)
        assert said(sampler) == str(folder)


def test_adapters_are_asked_for_by_a_name_of_their_own_and_the_base_by_its(started, nano, adapters):
    fake = FakeServer("lora")
    sampler = OpenAISampler(started(fake), "m", weights="lora")
    assert sampler.takes_adapters
    sampler.load(nano)
    assert said(sampler) == "start"
    sampler.load(adapters)
    assert said(sampler) == str(adapters)
    sampler.load(nano)
    assert said(sampler) == "start"
    assert fake.asked[0] == fake.asked[2] == "m"


@pytest.mark.parametrize(
    ("way", "words"),
    [("sglang", "answers from start, and not from"), ("vllm", "the same log-probabilities as before")],
)
def test_a_server_that_did_not_take_the_weights_is_found_out(started, rounds, way, words):
    sampler = OpenAISampler(started(FakeServer(way, deaf=True)), "m", weights=way)
    if way == "vllm":
        sampler.load(rounds[0])  # what it answered from before, nobody knows
    with pytest.raises(EngineError, match=words):
        sampler.load(rounds[1])


def test_a_server_that_did_not_take_adapters_is_found_out(started, adapters):
    sampler = OpenAISampler(started(FakeServer("lora", deaf=True)), "m", weights="lora")
    with pytest.raises(EngineError, match="does not list the adapters"):
        sampler.load(adapters)


def test_what_a_way_cannot_load_is_refused(started, rounds, adapters):
    with pytest.raises(ModelError, match="holds adapters alone"):
        OpenAISampler(started(FakeServer("vllm")), "m", weights="vllm").load(adapters)
    lora = OpenAISampler(started(FakeServer("lora")), "m", weights="lora")
    lora.load(rounds[0])
    with pytest.raises(ModelError, match=r"trainer\.options\.merge=false"):
        lora.load(rounds[1])


def test_a_server_without_the_way_is_told_how_to_start(started, rounds):
    with pytest.raises(EngineError, match=r"refuses /collective_rpc \(HTTP 404\).*start it with VLLM_SERVER_DEV_MODE=1"):
        OpenAISampler(started(FakeServer("sglang")), "m", weights="vllm").load(rounds[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [({"weights": "magic"}, "one of sglang"), ({"weights": "vllm", "model": None}, "sampler.model must be")],
)
def test_bad_settings_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        OpenAISampler("http://localhost:1/v1", **{"model": "m", **options})


def test_no_server_is_one_sentence(rounds):
    with pytest.raises(EngineError, match="no server answers at"):
        OpenAISampler("http://127.0.0.1:9/v1", "m", weights="sglang").load(rounds[0])
