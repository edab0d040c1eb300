import json
import shutil
import subprocess

import pyarrow
import pyarrow.parquet
import pytest
from scipy.stats import binomtest

from mmst.cli.compare import main
from mmst.errors import DataError
from mmst.reporting.blind import blind_page, key_of_pairs, pairs, preference
from mmst.reporting.results import OUTCOMES
from mmst.reporting.runs import read_sweep
from tests.commands import LIMIT
from tests.reporting.made import made_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blind")
    made_run(folder / "run", folder / "ledger")
    place = folder / "run" / OUTCOMES
    rows = pyarrow.parquet.read_table(place).to_pylist()
    for row in rows:
        row["completion"] = row["completion"] and row["completion"] + " So it is." * (row["arm"] == "multi")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), place)
    return folder / "run"


def drawn(run, seed=0, **more):
    return pairs(read_sweep(run).runs[0], "base", "multi", "text", **{"count": 12, "seed": seed, "both_right": False, **more})


def test_the_page_names_no_arm_and_the_order_is_drawn(run):
    shown = drawn(run)
    assert shown == drawn(run) != drawn(run, seed=1)
    assert {pair.left_arm for pair in shown} == {"base", "multi"}
    page = blind_page(shown)
    assert "multi" not in page
    assert "base" not in page.replace("baseline", "")
    assert "</script> is" not in page, "what a model wrote stays text"
    assert all(pair.question and pair.id in page and pair.problem not in pair.id for pair in shown)


def test_only_problems_that_both_arms_solve(run):
    few, all_of_them = drawn(run, count=99, both_right=True), drawn(run, count=99)
    right = [pair for pair in all_of_them if f"The answer is {pair.problem.rpartition('-')[2]}." in pair.left]
    assert 0 < len(few) < len(all_of_them)
    assert {pair.id for pair in few} <= {pair.id for pair in right}


def judged(run, folder, choose):
    """Key and verdicts of a person that looks by `choose(pair)`."""
    shown = drawn(run)
    key, verdicts = folder / "a.key.json", folder / "verdicts.json"
    key.write_text(json.dumps(key_of_pairs(shown, "base", "multi")))
    chosen = {pair.id: side for pair in shown if (side := choose(pair))}
    verdicts.write_text(json.dumps({"verdicts": chosen}))
    return key, verdicts


def test_verdicts_are_read_back_with_an_interval_and_a_sign_test(run, tmp_path):
    found = preference(*judged(run, tmp_path, lambda pair: "left" if pair.left_arm == "multi" else "right"))
    assert (found.better, found.worse, found.share) == (12, 0, 1.0)
    assert found.p == pytest.approx(binomtest(12, 12).pvalue)
    assert found.low > 0.7
    sides = iter(["equal", "", "left", "right"] * 3)
    mixed = preference(*judged(run, tmp_path, lambda pair: next(sides)))
    assert (mixed.equal, mixed.unanswered, mixed.better + mixed.worse) == (3, 3, 6)
    assert mixed.low < 0.5 < mixed.high
    nothing = preference(*judged(run, tmp_path, lambda pair: "equal"))
    assert (nothing.share, nothing.p) == (0.5, 1.0)


def test_the_command_writes_page_and_key_and_reads_verdicts(run, tmp_path, capsys):
    main([str(run), "base", "multi", "--out", str(tmp_path / "ab.html"), "--count", "5"])
    key = json.loads((tmp_path / "ab.key.json").read_text())
    verdicts = tmp_path / "verdicts.json"
    verdicts.write_text(json.dumps({"verdicts": {pair["id"]: "left" for pair in key["pairs"]}}))
    main(["--read", str(tmp_path / "ab.key.json"), str(verdicts)])
    assert "multi was found better than base in" in " ".join(capsys.readouterr().out.split())


def test_what_cannot_be_compared_is_one_sentence(run, tmp_path):
    with pytest.raises(DataError, match="has no solutions of nobody"):
        main([str(run), "base", "nobody"])
    with pytest.raises(DataError, match="no problem has two different"):
        drawn(run, count=0)
    with pytest.raises(DataError, match="two of its arms"):
        main([str(run), "base"])
    key, verdicts = judged(run, tmp_path, lambda pair: "left")
    with pytest.raises(DataError, match="give the key first"):
        preference(verdicts, key)
    verdicts.write_text(json.dumps({"verdicts": {"another": "left"}}))
    with pytest.raises(DataError, match="are not of the page"):
        preference(key, verdicts)


FAKE = """
const made = {}, saved = [];
const element = () => ({ on: {}, addEventListener(name, act) { this.on[name] = act; }, click() { saved.push(this); } });
const document = { ...element(), getElementById: (id) => (made[id] ??= element()), createElement: element };
const URL = { createObjectURL: (blob) => blob };
const Blob = class { constructor(parts) { this.text = parts[0]; } };
const PAIRS = [1, 2, 3].map((n) => ({ id: `p${n}`, question: `q${n}`, left: "l", right: "r" }));
"""
CLICKS = """
made["choose-left"].on.click(); made["choose-right"].on.click(); made["back"].on.click();
document.on.keydown({ key: "0" }); document.on.keydown({ key: "1" }); document.on.keydown({ key: "2" });
made["save"].on.click();
console.log(saved[0].href.text);
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_clicks_and_keys_become_the_file_that_is_read_back(tmp_path):
    from importlib import resources

    script = (resources.files("mmst.reporting") / "page" / "blind.js").read_text()
    (tmp_path / "page.js").write_text(FAKE + script + CLICKS)
    done = subprocess.run(["node", tmp_path / "page.js"], capture_output=True, text=True, check=True, timeout=LIMIT)
    assert json.loads(done.stdout) == {"verdicts": {"p1": "left", "p2": "equal", "p3": "left"}}
