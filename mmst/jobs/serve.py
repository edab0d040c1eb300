"""Answers by OpenAI's chat protocol: what `mmst answer` chooses, for any client of that protocol.

    POST /v1/chat/completions    the last user message is the question; what was said before it is not looked at
    GET  /v1/models              the one model that is served

The reply's message is the answer. Beside it stand, under `mmst`, whose it is, how sure the policy is, and the policy's name.
Questions are answered one after another. Errors have the protocol's own shape.
"""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from mmst.config.schema import ServeSettings
from mmst.errors import ConfigError, MissingExtraError, UserError
from mmst.jobs.answer import Answered, answerer, one_question
from mmst.reporting.progress import say
from mmst.types import AnswerKind

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route
except ImportError as error:
    raise MissingExtraError("mmst serve", 'pip install -c constraints.txt -e ".[serve]"') from error

NO_ANSWER = "no answer"
"""The message where a completion holds none."""
Answer = Callable[[str], Answered]
"""Question -> what is answered."""


class RefusedError(Exception):
    """A request that cannot be answered as it is."""

    def __init__(self, message: str, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    question: str
    stream: bool
    """Whether the answer goes out as events; it is one chunk, since it is chosen when all is there."""
    usage: bool
    """Whether the last event tells the tokens."""


def run(settings: ServeSettings) -> None:
    """Load the model, and serve until the process is stopped.

    Raises:
        ConfigError: another server is to answer.
    """
    if settings.server is not None:
        raise ConfigError("server= is a key of mmst answer; mmst serve answers itself.")
    with listening(settings.host, settings.port) as heard, answerer(settings) as made:
        kind = AnswerKind(settings.kind)

        def answer(question: str) -> Answered:
            return made.answered(one_question(question, kind))[0]

        app = application(answer, settings.model.name, made.policy.name)
        say(f"serving {settings.model.name} on http://{settings.host}:{heard.getsockname()[1]}/v1; Ctrl-C ends it")
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[heard])


def listening(host: str, port: int) -> socket.socket:
    """An open socket.

    Raises:
        ConfigError: the address is taken, or is none of this machine's.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"host={host} port={port} cannot be listened on ({why}); port=0 takes a free one.") from error


def application(answer: Answer, model: str, policy: str) -> Starlette:
    """The server. answer: called from one thread at a time."""
    turn = Lock()

    def in_turn(question: str) -> Answered:
        with turn:
            return answer(question)

    async def complete(request: Request) -> Response:
        asked = question_of(await _body(request), model)
        try:
            found = await run_in_threadpool(in_turn, asked.question)
        except UserError as error:
            raise RefusedError(str(error)) from error
        whole = completion(found, model, policy)
        return _stream(whole, asked.usage) if asked.stream else JSONResponse(whole)

    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [row]})

    async def one_model(request: Request) -> Response:
        _check_model(request.path_params["name"], model)
        return JSONResponse(row)

    row = {"id": model, "object": "model", "created": int(time.time()), "owned_by": "mmst"}
    routes = [
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/models/{name:path}", one_model),
    ]
    handlers: Any = {RefusedError: _refused, HTTPException: _not_there, Exception: _failed}
    return Starlette(routes=routes, exception_handlers=handlers)


def question_of(body: Any, model: str) -> Asked:
    """The question in a request's body.

    Raises:
        RefusedError: there is none, or it asks for what is not served.
    """
    if not isinstance(body, dict):
        raise RefusedError("the body must be a JSON object with messages.")
    if body.get("model") is not None:
        _check_model(body["model"], model)
    if body.get("n") not in (None, 1):
        raise RefusedError(f"n={body['n']} must be 1: a policy chooses one answer.", "n")
    messages = body.get("messages")
    rows = [row for row in messages if isinstance(row, dict)] if isinstance(messages, list) else []
    said = [_text(row.get("content")) for row in rows if row.get("role") == "user"]
    if not said or not said[-1].strip():
        raise RefusedError("messages must hold a user message with a text, the question.", "messages")
    options = body.get("stream_options")
    return Asked(said[-1].strip(), body.get("stream") is True, isinstance(options, dict) and bool(options.get("include_usage")))


def completion(found: Answered, model: str, policy: str) -> dict[str, Any]:
    """A reply in the protocol's shape. Tokens are those of all answers that the policy looked at."""
    message = {"role": "assistant", "content": NO_ANSWER if found.answer is None else found.answer, "refusal": None}
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": found.prompt_tokens,
            "completion_tokens": found.tokens,
            "total_tokens": found.prompt_tokens + found.tokens,
        },
        "mmst": {"answer": found.answer, "method": found.method, "confidence": found.confidence, "policy": policy},
    }


def _text(content: Any) -> str:
    """A message's text; of one in parts, its texts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _check_model(name: object, model: str) -> None:
    if name != model:
        raise RefusedError(f"the model '{name}' is not served here; '{model}' is.", "model", 404, "model_not_found")


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise RefusedError("the body is no JSON.") from error


def _stream(whole: Mapping[str, Any], usage: bool) -> Response:
    """The same as server-sent events: the answer, its end, and the tokens where they are asked for."""
    head = {key: whole[key] for key in ("id", "created", "model", "mmst")} | {"object": "chat.completion.chunk"}
    delta = {key: whole["choices"][0]["message"][key] for key in ("role", "content")}
    events = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        *([{**head, "choices": [], "usage": whole["usage"]}] if usage else []),
    ]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Response("".join([*lines, "data: [DONE]\n\n"]), media_type="text/event-stream")


async def _refused(request: Request, error: RefusedError) -> Response:
    return JSONResponse(error.body, error.status)


async def _not_there(request: Request, error: HTTPException) -> Response:
    said = f"{request.method} {request.url.path}: {error.detail}; there are POST /v1/chat/completions and GET /v1/models."
    return JSONResponse(RefusedError(said).body, error.status_code)


async def _failed(request: Request, error: Exception) -> Response:
    body = {"message": f"the server failed: {type(error).__name__}.", "type": "server_error", "param": None, "code": None}
    return JSONResponse({"error": body}, 500)
