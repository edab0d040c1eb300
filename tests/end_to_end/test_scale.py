"""What a round holds in memory: until all is graded a chunk, then what is kept and why the rest was not."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def scaled(samples):
    command = [sys.executable, "-m", "tests.scaling", str(samples)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.soak
def test_ten_times_the_samples_are_graded_in_the_same_memory_and_selected_in_a_kilobyte_each():
    few, many = scaled(20_000), scaled(200_000)
    assert many["examples"] > 9 * few["examples"]
    assert many["graded"] < 1.1 * few["graded"]
    assert many["assembled"] - few["assembled"] < 1000 * 180_000
