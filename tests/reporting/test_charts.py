import re
import xml.etree.ElementTree as ElementTree

import pytest

from mmst.reporting.arm_style import COLOURS
from mmst.reporting.arms import Cell
from mmst.reporting.charts import colour, curves_chart, dashes_of, flow_chart, interval_chart, line_chart, scatter_chart

CELL = Cell(0.5, 0.4, 0.6, 100, 0, (0.5,))
CHARTS = {
    "interval": lambda: interval_chart([("base (<&>)", {"text": CELL}), ("multi", {"text": CELL, "code": CELL})], "% right"),
    "line": lambda: line_chart({"text": {"base": [(1, CELL), (8, CELL)], "b": [(1, CELL)]}}, "k", "% right", logarithmic=True),
    "scatter": lambda: scatter_chart({"base": [(-0.2, 0.1)], "b": [(0.3, -0.1)]}, "phi", "gain"),
    "curves": lambda: curves_chart({"base": [[(1, 2.0), (2, 1.0)], [(1, 2.1)]], "b": [[(1, 1.9)]]}, "step", "loss"),
    "flow": lambda: flow_chart({"text -> text": [9, 5, None, None, 4], "code -> text": [9, 5, 5, 3, 3]}, list("abcde")),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_svg_that_takes_its_colours_from_the_page(name):
    text = CHARTS[name]()
    drawn = ElementTree.fromstring(text)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(--ink)" in text
    assert "var(--s0)" in text
    assert not re.search(r"#0[01][0-9a-f]{4}", text), "a stand-in colour is left"
    assert text == CHARTS[name](), "the same chart twice is the same text"


def test_intervals_are_drawn_where_they_are():
    """The second row's line is twice as long as the first one's."""
    wide = Cell(0.5, 0.3, 0.7, 100, 0, (0.5,))
    drawn = interval_chart([("base", {"text": CELL}), ("multi", {"text": wide})], "%")
    lengths = []
    for series in ("var(--s0)", "var(--s2)"):
        (d,) = [
            path.get("d")
            for path in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}path")
            if f"stroke: {series}" in path.get("style", "") and "stroke-width: 2" in path.get("style", "")
        ]
        left, right = (float(x) for x in re.findall(r"[ML] ([\d.]+)", d))
        lengths.append(right - left)
    assert lengths[1] == pytest.approx(2 * lengths[0], rel=0.01)


def test_a_line_of_differences_shows_where_there_is_none():
    lines = {"gain": {"multi": [(1, CELL), (2, CELL)]}}
    ticks = [re.findall(r">([\d.]+)</text>", line_chart(lines, "k", "points", zero=zero)) for zero in (True, False)]
    assert "0" in ticks[0]
    assert "0" not in ticks[1]


def test_ribbons_show_their_counts():
    drawn = CHARTS["flow"]()
    shown = re.findall(r">(\d+)</text>", drawn)
    assert sorted(shown) == sorted(map(str, [9, 5, 4, 9, 5, 5, 3, 3]))


def test_there_is_a_colour_for_every_series():
    assert colour(COLOURS) == colour(0)


def test_variants_of_an_arm_differ_in_their_lines():
    assert dashes_of(["base", "multi (k=1)", "multi (k=2)"]) == {"base": "-", "multi (k=1)": "-", "multi (k=2)": "--"}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_what_it_shows(name):
    drawn = ElementTree.fromstring(CHARTS[name]())
    assert drawn.get("role") == "img"
    assert drawn.get("aria-label").startswith("Chart: ")
