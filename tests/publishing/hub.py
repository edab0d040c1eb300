"""A stand-in of the Hugging Face Hub on this machine: what `huggingface_hub` calls to make a repository and commit to it."""

import base64
import hashlib
import json
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

TOKEN = "hf_" + "a1" * 17
OWNER = "me"
LFS = (".safetensors", ".parquet")
"""Files that the Hub keeps as large ones."""


@dataclass
class Repository:
    """One repository: its files, and how often it was committed to."""

    private: bool
    sdk: str | None = None
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b""})
    commits: list[str] = field(default_factory=lambda: ["first"])

    @property
    def sha(self):
        return hashlib.sha1(f"{len(self.commits)} {self.commits[-1]}".encode()).hexdigest()

    @property
    def tags(self):
        """As the Hub reads them off the card."""
        head = re.match(r"---\n(.*?)\n---", self.files.get("README.md", b"").decode(), re.DOTALL)
        return (yaml.safe_load(head[1]) or {}).get("tags", []) if head else []


class Hub:
    """What the stand-in holds, and what it is to refuse."""

    def __init__(self):
        self.repositories: dict[tuple[str, str], Repository] = {}
        """(kind, USER/NAME) -> repository."""
        self.large: dict[str, bytes] = {}
        self.failing: dict[str, int] = {}
        """A part of a path -> the status that requests for it are answered with."""
        self.asked: list[str] = []
        self.url = ""

    def files(self, kind, name="me/mine"):
        return self.repositories[kind, name].files

    def commits(self, kind, name="me/mine"):
        return len(self.repositories[kind, name].commits) - 1

    def answer(self, method, path, body, token):
        """(status, JSON) for a request."""
        self.asked.append(f"{method} {path}")
        for part, status in self.failing.items():
            if part in path:
                return status, {"error": "as the test asked"}
        if path.startswith("/upload/"):
            self.large[path.removeprefix("/upload/")] = body
            return 200, {}
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid username or password."}
        if path == "/api/validate-yaml":
            return self._validated(json.loads(body))
        if path == "/api/repos/create":
            return self._created(json.loads(body))
        if match := re.fullmatch(r"/(datasets/|spaces/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return 200, {"objects": [self._upload(row) for row in json.loads(body)["objects"]]}
        match = re.fullmatch(r"/api/(model|dataset|space)s/([^/]+/[^/]+)(?:/(\w+))?(?:/main)?", path)
        kind, name, what = match.groups() if match else (None, None, None)
        if (kind, name) not in self.repositories:
            return 404, {"error": "Repository not found"}
        return self._repository(kind, name, what, body)

    def _repository(self, kind, name, what, body):
        repository = self.repositories[kind, name]
        if what in (None, "revision"):
            files = [{"rfilename": file} for file in repository.files]
            return 200, {
                "id": name, "sha": repository.sha, "private": repository.private, "tags": repository.tags, "siblings": files,
            }  # fmt: skip
        if not name.startswith(f"{OWNER}/"):
            return 403, {"error": "Forbidden: you must use a write token"}
        if what == "preupload":
            return 200, {"files": [self._mode(repository, row["path"]) for row in json.loads(body)["files"]]}
        self._commit(repository, [json.loads(line) for line in body.splitlines()])
        return 200, {"commitUrl": f"{self.url}/{name}/commit/{repository.sha}", "commitOid": repository.sha}

    def _created(self, asked):
        name = f"{asked['organization'] or OWNER}/{asked['name']}"
        kind = asked.get("type", "model")
        prefix = "" if kind == "model" else f"{kind}s/"
        said = {"url": f"{self.url}/{prefix}{name}"}
        if (kind, name) in self.repositories:
            return 409, {**said, "error": "You already created this repo"}
        if not name.startswith(f"{OWNER}/"):
            return 403, {"error": "You don't have the rights to create a repository under this namespace"}
        self.repositories[kind, name] = Repository(asked.get("visibility") == "private", asked.get("sdk"))
        return 200, said

    @staticmethod
    def _validated(asked):
        head = re.match(r"---\n(.*?)\n---", asked["content"], re.DOTALL)
        names = [*(yaml.safe_load(head[1]).get("datasets") or []), *filter(None, [yaml.safe_load(head[1]).get("base_model")])]
        wrong = [{"message": f"{name} is no id"} for name in names if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name)]
        return (400 if wrong else 200), {"errors": wrong, "warnings": []}

    @staticmethod
    def _mode(repository, path):
        large, held = path.endswith(LFS), repository.files.get(path)
        git = b"blob %d\0" % len(held) if held is not None else b""
        oid = None if held is None else (hashlib.sha256(held) if large else hashlib.sha1(git + held)).hexdigest()
        return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}

    def _upload(self, row):
        known = {"actions": {"upload": {"href": f"{self.url}/upload/{row['oid']}"}}} if row["oid"] not in self.large else {}
        return {**row, **known}

    def _commit(self, repository, lines):
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.files[value["path"]] = self.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del repository.files[value["path"]]
            else:
                repository.commits.append(value["summary"])


@contextmanager
def hub_at_work():
    """The stand-in, served on a free port while the block runs."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = hub.answer(self.command, self.path.partition("?")[0], body, self.headers.get("Authorization"))
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def reach(hub, monkeypatch):
    """Let `huggingface_hub` in this process talk to the stand-in, without Xet, which needs a server of its own."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)


def environment(hub):
    """The same for a process of its own."""
    there = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    return {**os.environ, **there}
