import pytest

from mmst.reporting.arms import Cell
from mmst.reporting.part import arm_label, p_value, percent, phi, points


def test_numbers_are_written_with_their_intervals():
    cell = Cell(-0.0512, -0.1, 0.003, 90, 0, (-0.05, -0.06))
    assert points(cell) == "-5.1 [-10.0, +0.3]"
    assert percent(Cell(0.0512, 0.01, 1.0, 90, 0, (0.05,))) == "5.1 [1.0, 100.0]"
    assert phi({"phi": 0.5, "low": -0.1, "high": 0.9}) == "+0.50 [-0.10, +0.90]"


def test_what_is_not_there_is_empty():
    assert (percent(None), phi({"phi": None, "low": 0, "high": 0}), p_value(None)) == ("", "", "")


@pytest.mark.parametrize(("p", "text"), [(0.00009, "<0.0001"), (0.0001, "0.0001"), (0.0473, "0.047"), (1.0, "1")])
def test_p_values(p, text):
    assert p_value(p) == text


def test_an_arm_is_named_with_what_sets_it_apart():
    assert (arm_label("multi", ""), arm_label("multi", "k=2")) == ("multi", "multi (k=2)")
