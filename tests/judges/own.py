"""Judges as users write them, well and badly."""

import time


def long_enough(problem, reading):
    return len(reading.answer or "") >= len(problem.answer)


def raises(problem, reading):
    raise KeyError("score")


def talks(problem, reading):
    return {"score": 0.5}


def hangs(problem, reading):
    while reading.answer == "hang":
        time.sleep(0.01)
    return "right"


def leaves(problem, reading):
    raise SystemExit(3)
