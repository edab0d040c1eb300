import pytest
import yaml

from mmst.cli.places import CONFIGS, SWEEPS
from mmst.reporting.arm_style import COLOURS, KNOWN, arm_colour, page_colours


def test_arms_of_one_sweep_have_their_own_colours():
    """So an arm has one colour on every page, and no two on a page share one."""
    for name, arms in arms_of_sweeps().items():
        found = page_colours(arms)
        assert found == {arm: KNOWN[arm] for arm in arms}, name
        assert len(set(found.values())) == len(found), name


def arms_of_sweeps():
    """Sweep -> the arms of its file, with those that each run has."""
    found = {}
    for path in sorted(SWEEPS.glob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        method = content.get("method", {})
        varied = content["hydra"]["sweeper"]["params"].get("method", "multi")
        own = [method["name"]] if "name" in method else varied.split(",")
        found[path.stem] = {"base", *own, *content.get("arms", [])}
    return found


def test_every_method_that_comes_with_mmst_has_a_colour():
    for path in (CONFIGS / "method").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["name"] in KNOWN, path.name


def test_other_arms_take_the_colours_that_are_left():
    found = page_colours(["base", "multi", "self_both", "mine", "yours", "resolve", "shortest"])
    assert (found["base"], found["multi"]) == (0, 2)
    assert found["resolve"] == KNOWN["resolve"]
    assert found["shortest"] != KNOWN["shortest"], "an arm before it has that one"
    assert len(set(found.values())) == len(found)


def test_more_arms_than_colours_share_some():
    names = [f"arm{number}" for number in range(2 * COLOURS)]
    found = page_colours(names)
    assert found.keys() == set(names)
    assert set(found.values()) <= set(range(COLOURS))


@pytest.mark.parametrize("label", ["multi", "multi (k=4)", "multi - base", "multi, round 2"])
def test_a_label_has_the_colour_of_its_arm(label):
    assert arm_colour(label) == KNOWN["multi"]
    assert arm_colour(label, {"multi": 7}) == 7
