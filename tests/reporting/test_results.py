import csv
import json

import pyarrow.parquet
import pytest
from rich.console import Console

from mmst.answers.labels import Health, LabelCounts
from mmst.ledger.ledger import Ledger
from mmst.pipeline import Checkpoint, EdgeCounts, ExampleSet, ProblemSet
from mmst.reporting import terminal
from mmst.reporting.results import run_results, write_results
from mmst.reporting.terminal import accuracy_table, print_results, write_tables
from mmst.rounds import ArmResult
from mmst.stages.evaluate import Measurement
from mmst.types import Problem


@pytest.fixture
def found(tmp_path):
    problems = [Problem(str(i), "?", "1", tags=(f"family:{'ab'[i % 2]}",)) for i in range(10)]
    sets = [ProblemSet("test", problems), ProblemSet("heldout", problems[:2])]

    def arm(name, round_, right, counts=None):
        test = {m: {str(i): i < right for i in range(10)} for m in ("text", "code", "either")}
        held = {m: {"0": True, "1": None} for m in ("text", "code", "either")}
        return ArmResult(name, round_, Checkpoint(tmp_path), {"test": Measurement(test), "heldout": Measurement(held)}, counts)

    counts = {"text -> text": EdgeCounts(samples=4, pseudo_labels=2, examples=2, dropped={"answer_only": 1})}
    labels = {"text": LabelCounts(4, 3, 2, 1)}
    counts = ExampleSet([], counts, labels, {"text": Health(16, 0.5, 0.25, 0.75, 0.5)})
    arms = [arm("base", 0, 2), arm("multi", 1, 5, counts), arm("multi", 2, 8, counts)]
    return run_results(arms, [("base", "multi")], sets, Ledger(tmp_path))


def test_the_last_round_counts_and_all_rounds_are_kept(found):
    assert found["arms"]["multi"]["text"]["accuracy"] == 0.8
    assert [(row["arm"], row["round"], row["scores"]["code"]["accuracy"]) for row in found["rounds"]] == [
        ("base", 0, 0.2),
        ("multi", 1, 0.5),
        ("multi", 2, 0.8),
    ]
    assert found["comparisons"][0]["difference"] == pytest.approx(0.6)
    assert found["heldout"]["heldout"]["arms"]["base"]["text"]["unjudged"] == 1
    assert found["families"]["base"]["text"]["a"]["n"] == 5
    assert found["counts"]["multi"]["text -> text"]["dropped"] == {"answer_only": 1}
    assert found["labels"][0]["arm"] == "multi"
    assert (found["labels"][0]["labelled"], found["labels"][0]["right"], found["labels"][0]["samples_entropy"]) == (3, 1, 0.5)


def test_files(found, tmp_path):
    path = write_results(found, tmp_path / "run")
    assert json.loads(path.read_text()) == json.loads(json.dumps(found))
    rows = list(csv.DictReader((tmp_path / "run" / "results.csv").open()))
    whole = {"dataset": "test", "arm": "multi", "method": "code", "tag": "", "accuracy": "0.8", "n": "10"}
    assert any(whole.items() <= row.items() for row in rows)
    assert any({**whole, "tag": "a", "n": "5"}.items() <= row.items() for row in rows)
    table = pyarrow.parquet.read_table(tmp_path / "run" / "results.parquet").to_pylist()
    assert [row["accuracy"] for row in table] == [float(row["accuracy"]) for row in rows]


def test_tables_show_n_intervals_and_what_was_unjudged(found, monkeypatch):
    console = Console(width=130, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    monkeypatch.setattr(terminal, "CONSOLE", console)
    print_results(found, "nano on arithmetic")
    text = console.export_text()
    for words in ("n = 10", "unjudged 0", "80.0 [49.0, 94.3]", "+60.0", "multi - base", "n = 1, unjudged 4"):
        assert words in text, words
    assert "answer_only" not in text
    assert text.count("paired differences") == 1


def test_a_job_of_a_sweep_shows_one_table(found, monkeypatch):
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    monkeypatch.setattr(terminal, "CONSOLE", console)
    print_results({**found, "arms": {**found["arms"], "self_both": found["arms"]["multi"]}}, "nano on arithmetic", main=True)
    text = console.export_text()
    assert text.count("nano on arithmetic") == 1
    assert text.count("80.0 [49.0, 94.3]") >= 2
    assert "paired differences" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_tables_that_explain_are_in_a_file(found, tmp_path):
    text = write_tables(found, tmp_path).read_text()
    for words in ("paired differences", "from samples to examples", "answer_only 1", "labels, and the samples they come from"):
        assert words in text, words


def test_a_narrow_screen_has_tables_in_parts_and_cuts_nothing(found, monkeypatch):
    console = Console(width=60, force_terminal=True, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    monkeypatch.setattr(terminal, "CONSOLE", console)
    print_results(
        {**found, "arms": {f"{arm}_of_a_long_name_{n}": found["arms"][arm] for arm in found["arms"] for n in "12"}}, "t"
    )
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("80.0 [49.0, 94.3]") >= 2
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_a_table_has_a_column_an_arm(found):
    assert [column.header for column in accuracy_table(found["arms"], "t").columns] == ["method", "base", "multi"]


def test_names_are_shown_and_written_as_they_are(found, monkeypatch, tmp_path):
    console = Console(width=130, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    monkeypatch.setattr(terminal, "CONSOLE", console)
    odd = {**found, "arms": {"[/b]": found["arms"]["base"], "[red]x": found["arms"]["multi"]}}
    print_results(odd, "[/v0]")
    text = console.export_text()
    assert all(name in text for name in ("[/v0]", "[/b]", "[red]x"))
    families = {"base": {"text": {"=1+1": found["arms"]["base"]["text"]}, "code": {}, "either": {}}}
    write_results({**found, "arms": {"base": found["arms"]["base"]}, "families": families}, tmp_path)
    assert ",'=1+1," in (tmp_path / "results.csv").read_text()
