import shutil

import pytest

from tests.publishing.hub import hub_at_work, reach
from tests.publishing.made import trained_run


@pytest.fixture
def hub(monkeypatch):
    with hub_at_work() as made:
        reach(made, monkeypatch)
        yield made


@pytest.fixture(scope="session")
def made_trained(tmp_path_factory, nano):
    """A run of two arms whose ledger holds what they were trained on, with the model of one."""
    root = tmp_path_factory.mktemp("trained")
    folder = trained_run(root / "runs" / "mine", root / "ledger")
    shutil.copytree(nano, folder / "models" / "multi")
    return folder


@pytest.fixture
def run(made_trained, tmp_path):
    """The same, to be changed."""
    return shutil.copytree(made_trained, tmp_path / "mine")
