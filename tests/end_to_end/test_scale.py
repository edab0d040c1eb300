"""What a round holds in memory does not grow with its samples."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def scaled(samples):
    command = [sys.executable, "-m", "tests.scaling", str(samples)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.soak
def test_ten_times_the_samples_take_no_more_memory():
    few, many = scaled(20_000), scaled(200_000)
    assert many["examples"] == 10 * few["examples"]
    assert many["peak"] < 1.1 * few["peak"]
