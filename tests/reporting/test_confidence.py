import json
from dataclasses import asdict

from mmst.policies.case import Choice
from mmst.policies.score import policy_score
from mmst.reporting.confidence import HEADER, agreement_warning, confidence_table
from mmst.reporting.runs import read_sweep
from mmst.reporting.worth import policies_part
from tests.policies.made import RIGHT, WRONG
from tests.reporting.made import made_run


def score(right_when_sure, sure=4, unsure=4):
    """Sure ones agree; of the unsure ones half are right."""
    choices = [Choice(f"s{n}", "text", "12", RIGHT if n < right_when_sure else WRONG, 9, 1.0) for n in range(sure)]
    choices += [Choice(f"u{n}", "text", "12", RIGHT if n % 2 else WRONG, 9, 0.5) for n in range(unsure)]
    return asdict(policy_score(choices))


def sweep_of(folder, policies):
    made_run(folder / "run", folder / "ledger")
    path = folder / "run" / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "policies": policies}))
    return read_sweep(folder / "run")


def test_the_page_has_reliability_and_risk_against_coverage(tmp_path):
    sweep = sweep_of(tmp_path, {"test": {"base": {"vote": score(4)}}})
    (row,) = confidence_table(sweep, "test").rows
    assert dict(zip(HEADER, row, strict=True)) == {
        "arm": "base", "seed": row[1], "policy": "vote", "ECE": "0.0", "% wrong, surest 25%": "0.0",
        "% wrong, surest 50%": "0.0", "% wrong, surest 75%": "25.0", "% wrong, surest 100%": "25.0",
        "stated: % right (n)": "50: 50 (4), 100: 100 (4)",
    }  # fmt: skip
    assert confidence_table(sweep, "heldout") is None


def test_each_page_with_agreement_tells_what_it_was_worth_on_every_data_set(tmp_path):
    policies = {"test": {"base": {"agreement": score(4)}}, "heldout": {"base": {"agreement": score(0)}}}
    sweep = sweep_of(tmp_path, policies)
    for name in policies:
        note = policies_part(sweep, name).tables[0].note
        assert "test, base: 100.0% of 4; heldout, base: 0.0% of 4." in note
    assert agreement_warning(sweep_of(tmp_path / "other", {"test": {"base": {"vote": score(4)}}})) == ""
