import importlib
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="session")
def script():
    """Name -> a module of the folder `benchmarks`, which is on the path of its scripts alone."""

    def loaded(name):
        sys.path.insert(0, str(ROOT / "benchmarks"))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(ROOT / "benchmarks"))

    return loaded
