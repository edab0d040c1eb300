from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Runs:
    """Runs the entry points as a user does, each test in folders of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def command(self, script, *overrides):
        ledger = f"paths.ledger={self.folder / 'ledger'}"
        if "--cfg" in overrides or "--help" in overrides:
            return [sys.executable, str(ROOT / script), *overrides]
        if script == "report.py":
            return [sys.executable, str(ROOT / script), *overrides]
        flags = [override for override in overrides if override == "-m"]
        return [sys.executable, str(ROOT / script), *flags, ledger, *(o for o in overrides if o not in flags)]

    def start(self, script, *overrides, **options):
        return subprocess.Popen(
            self.command(script, *overrides),
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def run(self, script, *overrides):
        return subprocess.run(
            self.command(script, *overrides), cwd=self.folder, text=True, capture_output=True, check=False, env=dict(os.environ)
        )

    def results(self, finished):
        assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
        last = finished.stdout.strip().splitlines()[-1]
        assert last.startswith("results: ")
        return json.loads(Path(last.removeprefix("results: ")).read_text())

    def ledger_files(self):
        root = self.folder / "ledger"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.name not in ("seconds.json", "record.json", ".lock")
        }


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


@pytest.fixture
def more_runs(tmp_path_factory):
    return lambda: Runs(tmp_path_factory.mktemp("runs"))
