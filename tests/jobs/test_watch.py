import json
import os
import time

import pytest

from mmst.errors import DataError

pytest.importorskip("starlette")
from starlette.testclient import TestClient

from mmst.jobs.watch import HERE, application, state_of
from mmst.reporting.events import LIVE

EVENT = {"title": "sample train by text", "stage": 1, "of": 4, "done": 3, "total": 9, "note": "33% right", "left": ""}


def job(folder, live=None, ended=None):
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text("")
    if live is not None:
        (folder / LIVE).write_text(json.dumps({**EVENT, "at": live}))
    if ended is not None:
        (folder / "job.json").write_text(json.dumps(ended))


@pytest.fixture
def sweep(tmp_path):
    now = time.time()
    job(tmp_path / "seed-0", ended={"failed": False, "why": None, "seconds": 100.0})
    job(tmp_path / "seed-1", ended={"failed": True, "why": "no <memory>", "seconds": 1.0})
    job(tmp_path / "seed-2", live=now)
    job(tmp_path / "seed-3", live=now - 1000)
    (tmp_path / "sweep.json").write_text('{"jobs": 6}')
    return tmp_path


def test_jobs_at_work_come_first_and_what_is_left_is_told(sweep):
    found = state_of(sweep)
    assert [(row["name"], row["state"]) for row in found["jobs"]] == [
        ("seed-2", "at work"), ("seed-3", "silent"), ("seed-1", "failed"), ("seed-0", "done"),
    ]  # fmt: skip
    assert found["jobs"][0]["live"]["note"] == "33% right"
    assert found["left"] == "sweep: 2 of 6 jobs ended, about 7 min left"


def test_a_job_that_is_run_once_more_is_at_work(tmp_path):
    job(tmp_path / "run", live=time.time(), ended={"failed": True, "why": "it was stopped", "seconds": 1.0})
    os.utime(tmp_path / "run" / "job.json", (1, 1))
    (found,) = state_of(tmp_path / "run")["jobs"]
    assert (found["name"], found["state"]) == ("run", "at work")


@pytest.fixture
def web(sweep):
    def page(folders):
        if len(folders) == 1:
            raise DataError("report: no run is finished.")
        return f"<p>{len(folders)} runs</p>"

    offered = [str(sweep / name) for name in ("seed-0", "seed-1")]
    return TestClient(
        application(sweep, page, lambda folder: ("<body><p>all</p></body>", offered), [*HERE]), "http://localhost"
    )


def test_the_page_asks_for_the_state_and_needs_nothing_from_elsewhere(web, sweep):
    text = web.get("/").text
    assert "/state" in text
    assert "http" not in text
    assert web.get("/state").json()["name"] == sweep.name


def test_a_report_that_cannot_be_made_yet_is_a_sentence(web):
    found = web.get("/report")
    assert (found.status_code, found.text) == (409, "report: no run is finished.\n")


def test_runs_of_the_index_are_compared_and_no_other_folders(web, sweep):
    assert 'data-serves="true"' in web.get("/index").text
    both = [("run", str(sweep / "seed-0")), ("run", str(sweep / "seed-1"))]
    assert web.get("/compare", params=both).text == "<p>2 runs</p>"
    assert web.get("/compare", params=[("run", "/etc"), ("run", "/root")]).status_code == 400


def test_a_page_of_another_host_is_refused(web):
    assert web.get("/state", headers={"host": "evil.example"}).status_code == 400
