import json

from mmst.reporting.runs import read_sweep
from mmst.reporting.worth import flips_part, policies_part
from tests.reporting.made import made_run


def sweep_of(folder):
    made_run(folder / "run", folder / "ledger")
    path = folder / "run" / "results.json"
    found = json.loads(path.read_text())
    score = {"accuracy": 0.718, "low": 0.69, "high": 0.74, "n": 30, "tokens": 24.6, "ece": 0.04}
    test = {"arm": "base", "policy": "router", "against": "code", "by_training": True, "difference": 0.179, "low": 0.157}
    found["policies"] = {"test": {"base": {"router": score}}}
    found["policy_comparisons"] = {"test": [{**test, "high": 0.202, "p_holm": 1e-9}]}
    path.write_text(json.dumps(found))
    return read_sweep(folder / "run")


def test_policies_are_a_section_with_tokens_and_calibration(tmp_path):
    (table,) = policies_part(sweep_of(tmp_path), "test").tables
    ((arm, _, *cells),) = table.rows
    assert arm == "base"
    assert cells == ["routed", "71.8 [69.0, 74.0]", "25", "", "4.0", "code", "+17.9 [+15.7, +20.2]", "<0.0001", "30"]
    assert policies_part(sweep_of(tmp_path / "other"), "heldout") is None


def test_flips_are_a_section_with_contrasts(tmp_path):
    sweep = sweep_of(tmp_path)
    arms, contrasts = flips_part(sweep, "test").tables
    assert {(row[0], row[2]) for row in arms.rows} == {(a, m) for a in ("self_both", "multi") for m in ("text", "code")}
    assert {row[3] for row in arms.rows} == {"this and another", "only this", "only another", "none"}
    assert {row[4] for row in arms.rows if row[3] in ("only another", "none")} == {"gained"}
    assert {row[0] for row in contrasts.rows} == {"multi - self_both"}
    cell = {"arm": "multi", "method": "text", "had": "only_other", "near_n": 8, "near_flipped": 4, "far_n": 9, "far_flipped": 1}
    empty = {**cell, "had": "both", "far_n": 0, "far_flipped": 0}
    told = {"difference": 0.389, "low": -0.02, "high": 0.68, "p": 0.13}
    sweep.runs[0].found["flips"]["test"]["near_far"] = [{**cell, **told}, {**empty, **told}]
    (*_, near_far) = flips_part(sweep, "test").tables
    assert near_far.rows[0][2:] == ["text", "only another", "gained", "4 of 8", "1 of 9", "+38.9 [-2.0, +68.0]", "0.13"]
    assert near_far.rows[1][-2:] == ["", ""]
