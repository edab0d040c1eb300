import pytest
import yaml

from mmst.cli.places import SWEEPS
from mmst.reporting.runs import read_sweep
from tests.reporting.made import made_run

SETTINGS = {"sweep": {"name": "made", "question": "Does it help?", "contrast": ["self_both", "multi"]}}


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory):
    """A sweep of two temperatures with three seeds each, of which one job failed."""
    root = tmp_path_factory.mktemp("made")
    for seed in (0, 1, 2):
        for temperature, gain in (("0.5", 0.0), ("1.0", 0.25)):
            overrides = ("sweep=made", f"seed={seed}", f"sampling.params.temperature={temperature}")
            name = ",".join(overrides[1:])
            made_run(root / "sweep" / name, root / "ledger", overrides, seed, gain=gain, config=SETTINGS)
    failed = root / "sweep" / "seed=3"
    failed.mkdir()
    (failed / "job.json").write_text('{"name": "seed=3", "failed": true, "why": "no <memory>", "overrides": ["seed=3"]}')
    return root / "sweep"


@pytest.fixture(scope="session")
def sweep(made_folder):
    return read_sweep(made_folder)


@pytest.fixture(scope="session")
def sweep_files():
    """Sweep -> what its file says of its question."""
    return {path.stem: yaml.safe_load(path.read_text())["sweep"] for path in SWEEPS.glob("*.yaml")}
