"""What a round holds in memory: a chunk of its rows at a time, from the first sample to the training set."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def scaled(samples):
    command = [sys.executable, "-m", "tests.scaling", str(samples)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.soak
def test_ten_times_the_samples_are_graded_and_selected_in_the_same_memory():
    few, many = scaled(20_000), scaled(200_000)
    assert many["examples"] > 9 * few["examples"]
    assert many["graded"] < 1.1 * few["graded"]
    assert many["assembled"] < 1.1 * few["assembled"]
