"""Wait for an event: no test guesses how long a machine takes."""

import time

from tests.commands import LIMIT

BETWEEN = 0.01
"""Seconds between two looks."""


def until(happened, running=None):
    """Wait until `happened()`; a command that ends before, or a hang, fails the test."""
    looks = 0
    while not happened():
        assert running is None or running.poll() is None, running.communicate()
        assert looks * BETWEEN < LIMIT, "hangs"
        looks += 1
        time.sleep(BETWEEN)
