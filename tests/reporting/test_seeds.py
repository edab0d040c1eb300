import json

import pytest

from mmst.errors import DataError
from mmst.reporting.seeds import difference_rows, read_runs, report


def run(text, code):
    arms = {arm: {m: {"accuracy": 0.5} for m in ("text", "code", "either")} for arm in ("base", "multi")}
    rows = [
        {"a": "base", "b": "multi", "method": m, "difference": d} for m, d in (("text", text), ("code", code), ("either", 0.9))
    ]
    return {"arms": arms, "comparisons": rows, "heldout": {}}


def test_differences_are_averaged_over_seeds_and_over_methods_but_not_over_either():
    rows = difference_rows([run(0.10, 0.02), run(0.20, 0.04), run(0.30, 0.06)])
    assert [row[1] for row in rows] == ["text", "code", "either", "mean of methods"]
    assert rows[0][2].startswith("+20.0 [-4.8, +44.8]")
    assert rows[3][3] == "+6.0, +12.0, +18.0"


def test_a_report_is_markdown():
    assert "| multi - base | text | +10.0 [" in report([run(0.1, 0.1), run(0.1, 0.1)])


def test_runs_must_be_finished_and_alike(tmp_path):
    with pytest.raises(DataError, match=r"holds no results\.json"):
        read_runs([tmp_path])
    for name, arms in (("a", {"base": {}}), ("b", {"other": {}})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps({"arms": arms}))
    with pytest.raises(DataError, match="has the arms other"):
        read_runs([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(DataError, match="at least two runs"):
        read_runs([tmp_path / "a"])
    (tmp_path / "a" / "results.json").write_text("{")
    with pytest.raises(DataError, match=r"results\.json is damaged"):
        read_runs([tmp_path / "a", tmp_path / "b"])
