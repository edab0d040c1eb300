import json
import subprocess
import sys
from dataclasses import replace

import pytest

from mmst.reporting.dashboard import dashboard, plain_name, report, spec_of
from mmst.reporting.headline import headline
from mmst.reporting.tracking import round_rows, summary_of

pytest.importorskip("wandb_workspaces")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb_workspaces")


def named(spec, key):
    """All values of a key, anywhere."""
    if isinstance(spec, dict):
        for name, value in spec.items():
            yield from value if name == key and isinstance(value, list) else named(value, key)
    elif isinstance(spec, list):
        for value in spec:
            yield from named(value, key)


def test_panels_show_what_is_told_and_nothing_else(sweep):
    spec = json.loads(json.dumps(spec_of(dashboard(sweep, "team", "mmst"))))
    assert (spec["entity"], spec["project"], spec["displayName"]) == ("team", "mmst", "mmst: sweep")
    metrics = set(named(spec, "metrics"))
    found = sweep.runs[0].found
    told = summary_of(found).keys() | set().union(*round_rows(found))
    shown = {metric.removeprefix("summary_metrics.") for metric in metrics}
    assert shown <= told
    assert {"test/multi/text/accuracy", "test/base/either/accuracy", "rounds/multi/code"} <= shown


def test_names_are_such_as_are_taken(sweep):
    assert plain_name("mmst: seed=0+x, \u2603") == "mmst: seed-0-x, -"
    made = dashboard(replace(sweep, name="seed=0"), "team", "mmst")
    assert made.name == "mmst: seed-0"


def test_a_report_has_the_question_and_its_answer(sweep):
    made = report(sweep, "team", "mmst")
    assert made.title == "Does it help?"
    said = [block.text for block in made.blocks if type(block).__name__ == "P"]
    assert said == headline(sweep)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["--spec"], 0, '"Accuracy: test"'), ([], 2, "by --entity"), (["--entity", "me"], 2, "wandb login")],
)
def test_as_a_command(made_folder, monkeypatch, tmp_path, arguments, code, said):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    command = [sys.executable, "-m", "mmst.reporting.dashboard", str(made_folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
