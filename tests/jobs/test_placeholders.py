"""Names in braces in a tracker's settings."""

import pytest

from mmst.errors import ConfigError
from mmst.jobs.placeholders import filled

KNOWN = {"folder": "runs/a", "group": None}


def test_names_are_replaced_at_every_depth():
    node = {"_target_": "a.B", "logger": {"save_dir": "{folder}/curves", "steps": 1}, "group": "{group}"}
    assert filled(node, KNOWN, "tracker.job") == {
        "_target_": "a.B", "logger": {"save_dir": "runs/a/curves", "steps": 1}, "group": None,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["{nobody}", "{", "{0}"])
def test_a_name_that_is_not_known_is_refused_by_its_key(value):
    with pytest.raises(ConfigError, match=r"tracker\.job\.logger\.name: .* may hold \{folder\}, \{group\}\."):
        filled({"logger": {"name": value}}, KNOWN, "tracker.job")
