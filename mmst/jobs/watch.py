"""The page of a run, a sweep or all runs while they go on: `mmst report FOLDER --watch`.

    GET /            what is at work: stage, rates, verdicts so far, and what is left of the run and of the sweep
    GET /state       the same as JSON, which the page asks for every two seconds
    GET /report      the report of what has ended so far, made when it is asked for
    GET /index       all runs, of which some can be compared
    GET /compare     ?run=A&run=B: one page of several runs of the index

Served on 127.0.0.1 unless another host is asked for; then nobody is asked for a password.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mmst.errors import MissingExtraError, UserError
from mmst.jobs.serve import listening
from mmst.ledger.files import natural_order
from mmst.reporting.events import LIVE
from mmst.reporting.outlook import duration
from mmst.reporting.progress import say

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route
except ImportError as error:
    raise MissingExtraError("report --watch", 'pip install -c constraints.txt -e ".[serve]"') from error

HERE = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches; a page of another site that names itself otherwise is refused."""
MOST = 60
"""Jobs that the page shows."""
SILENT = 60.0
"""Seconds without a word after which a run is said to be silent."""
JOB, STARTED, SWEEP = "job.json", ".hydra/config.yaml", "sweep.json"

Page = Callable[[Sequence[Path]], str]
"""Folders -> their report."""
Index = Callable[[Path], tuple[str, Sequence[str]]]
"""Folder -> the index of its runs, and the folders that it offers for comparing."""


def run(folder: Path, host: str, port: int, page: Page, index: Index) -> None:
    """Serve until the process is stopped."""
    with listening(host, port) as heard:
        shown = f"[{host}]" if ":" in host else host
        say(f"watching {folder} on http://{shown}:{heard.getsockname()[1]}/; Ctrl-C ends it")
        app = application(folder, page, index, [*HERE, host] if host in HERE else ["*"])
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[heard])


def application(folder: Path, page: Page, index: Index, hosts: Sequence[str] = ("*",)) -> Starlette:
    """The server."""

    async def live(request: Request) -> Response:
        files = resources.files("mmst.reporting") / "page"
        text = (files / "live.html").read_text()
        parts = {"/*style*/": (files / "page.css").read_text(), "/*script*/": (files / "live.js").read_text()}
        for place, content in parts.items():
            text = text.replace(place, content)
        return HTMLResponse(text)

    async def state(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(state_of, folder))

    async def report(request: Request) -> Response:
        return await _page(page, [folder])

    async def listed(request: Request) -> Response:
        text, _ = await run_in_threadpool(index, folder)
        return HTMLResponse(text.replace("<body>", '<body data-serves="true">', 1))

    async def compare(request: Request) -> Response:
        _, offered = await run_in_threadpool(index, folder)
        chosen = [place for place in offered if place in request.query_params.getlist("run")]
        if len(chosen) < 2:
            return PlainTextResponse("Choose two or more runs of the index.", 400)
        return await _page(page, [Path(place) for place in chosen])

    routes = {"/": live, "/state": state, "/report": report, "/index": listed, "/compare": compare}
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return Starlette(routes=[Route(path, answer) for path, answer in routes.items()], middleware=[guard])


async def _page(page: Page, folders: Sequence[Path]) -> Response:
    try:
        return HTMLResponse(await run_in_threadpool(page, folders))
    except UserError as error:
        return PlainTextResponse(f"{error}\n", 409)


def state_of(folder: Path) -> dict[str, Any]:
    """What the jobs of a folder are at, those at work first."""
    places = {
        path.parent.parent
        for pattern in (STARTED, f"*/{STARTED}", f"*/*/{STARTED}", f"*/*/*/{STARTED}")
        for path in folder.glob(pattern)
    }
    jobs = [_job(place, folder) for place in sorted(places, key=natural_order)]
    order = {"at work": 0, "silent": 1, "failed": 2, "done": 3}
    jobs.sort(key=lambda job: order[job["state"]])
    total = _read(folder / SWEEP).get("jobs")
    return {"name": folder.resolve().name, "jobs": jobs[:MOST], "total": total, "left": _left(jobs, total)}


def _job(place: Path, above: Path) -> dict[str, Any]:
    ended, live = _read(place / JOB), _read(place / LIVE)
    begun = (place / STARTED).stat().st_mtime
    again = ended and (place / JOB).stat().st_mtime < begun  # it was started once more
    name = place.resolve().name if place == above else str(place.relative_to(above))
    if ended and not again:
        found = {"state": "failed" if ended.get("failed") else "done", "why": ended.get("why")}
        return {"name": name, **found, "seconds": ended.get("seconds"), "live": None}
    quiet = time.time() - float(live.get("at", begun))
    return {"name": name, "state": "silent" if quiet > SILENT else "at work", "quiet": round(quiet), "live": live or None}


def _left(jobs: Sequence[dict[str, Any]], total: int | None) -> str:
    """How long the rest of a sweep takes, by what its jobs took so far; nothing where that is not known."""
    took = [job["seconds"] for job in jobs if job["state"] == "done" and job["seconds"]]
    ended = sum(job["state"] in ("done", "failed") for job in jobs)
    at_work = sum(job["state"] == "at work" for job in jobs)
    if total is None or not took or not at_work or ended >= total:
        return ""
    return f"sweep: {ended} of {total} jobs ended, about {duration(sum(took) / len(took) * (total - ended) / at_work)} left"


def _read(path: Path) -> dict[str, Any]:
    """What a file holds; nothing where it is not there, or is being written."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
