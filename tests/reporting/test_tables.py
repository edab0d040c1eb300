import pyarrow.parquet
import pytest

from mmst.cli.ledger import main
from mmst.errors import DataError
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.reporting.tables import COLUMNS, write_stages
from mmst.stages.asked import asked_rows
from mmst.types import AnswerKind, Contrasted, Dropped, Example, GradedSample, Message, Problem, Prompt, Sample, Step, Verdict

SAMPLE = Sample("p/text/0", "p", "text", 0, 1, "The answer is 8.", "stop", 5, 6, -0.25, 0.7, 1.0, 9, "hf 1")
EXAMPLE = Example("p/text/0", "text -> text", "p", "3 + 5?", " 8", (Message("user", "3 + 5?"),))
STEPS = (Step("a", "3", "+", "5", "8"),)
ROWS = {
    "problems": Problem("p", "3 + 5?", "8", AnswerKind.NUMBER, derivation=STEPS, tags=("family:sums",)),
    "sample": SAMPLE,
    "grade": GradedSample(SAMPLE, None, Verdict.NO_ANSWER, "none"),
    "examples": EXAMPLE,
    "contrasted": Contrasted(EXAMPLE, " 9", "p/text/1"),
    "dropped": Dropped("p/text/1", "text -> text", "not_right"),
}


def read(path):
    return pyarrow.parquet.read_table(path).to_pylist()


def stage_of(root, name, rows, spec="one"):
    return Ledger(root).chain(rows, [Work(name, {"spec": spec}, lambda part, task: part, COLUMNS[name][0])], Chunking(2), name)


@pytest.mark.parametrize("name", ROWS)
def test_the_rows_of_each_kind_of_stage_are_a_table(tmp_path, name):
    made = stage_of(tmp_path / "ledger", name, [ROWS[name]] * 3)
    assert write_stages(tmp_path / "rows.parquet", [made]) == 3
    table = read(tmp_path / "rows.parquet")
    assert [row["stage"] for row in table] == [made.folder.name] * 3
    expected = {
        "problems": {"answer": "8", "kind": "number", "rationale": None},
        "sample": {"completion": "The answer is 8.", "mean_logprob": -0.25, "finish": "stop", "source_id": None},
        "grade": {"id": "p/text/0", "answer": None, "verdict": "no_answer", "max_tokens": 9},
        "examples": {"completion": " 8", "chat": False},
        "contrasted": {"completion": " 8", "beside": " 9", "right": True},
        "dropped": {"reason": "not_right"},
    }[name]
    assert {column: table[0][column] for column in expected} == expected


def test_lists_of_rows_within_rows_stay_lists(tmp_path):
    write_stages(tmp_path / "rows.parquet", [stage_of(tmp_path / "ledger", "problems", [ROWS["problems"]])])
    (row,) = read(tmp_path / "rows.parquet")
    assert row["derivation"] == [{"label": "a", "left": "3", "operator": "+", "right": "5", "value": "8"}]
    assert row["tags"] == ["family:sums"]
    assert row["choices"] == []


def test_prompts_are_whole(tmp_path):
    asked = asked_rows([Prompt("p", "Question: 3 + 5?", (1,)), Prompt("q", "Question: 9?", (2,))])
    write_stages(tmp_path / "rows.parquet", [stage_of(tmp_path / "ledger", "prompts", asked)])
    assert [row["text"] for row in read(tmp_path / "rows.parquet")] == ["Question: 3 + 5?", "Question: 9?"]


@pytest.fixture
def ledger(tmp_path):
    """Two graded stages, one of samples, and one that is not done."""
    for spec, count in (("one", 3), ("two", 2)):
        stage_of(tmp_path / "ledger", "grade", [ROWS["grade"]] * count, spec)
    stage_of(tmp_path / "ledger", "sample", [SAMPLE], "three")
    with Ledger(tmp_path / "ledger").stage("grade", {"spec": "begun"}):
        pass
    return tmp_path / "ledger"


def test_all_stages_of_a_kind_are_one_table_without_those_that_are_not_done(ledger, tmp_path, capsys):
    main(["rows", "grade", "--ledger", str(ledger), "--to", str(tmp_path / "all.parquet")])
    assert "5 rows of 2 stages; 1 are not done" in " ".join(capsys.readouterr().out.split())
    assert len({row["stage"] for row in read(tmp_path / "all.parquet")}) == 2


def test_one_stage_is_named_by_the_beginning_of_its_key(ledger, tmp_path):
    key = next(path for path in ledger.glob("sample-*")).name.partition("-")[2]
    main(["rows", key[:8], "--ledger", str(ledger), "--to", str(tmp_path / "one.parquet")])
    assert len(read(tmp_path / "one.parquet")) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["grade", "sample"], "different columns; write a file for each"),
        (["nothing"], r"no stage in .* is called nothing"),
        (["train"], "train stages have no rows"),
    ],
)
def test_what_is_no_table_is_refused(ledger, tmp_path, names, said):
    with Ledger(ledger).stage("train", {"spec": "trained"}) as stage:
        stage.finish({"checkpoint": "0ba5e"})
    with pytest.raises(DataError, match=said):
        main(["rows", *names, "--ledger", str(ledger), "--to", str(tmp_path / "no.parquet")])
    assert not (tmp_path / "no.parquet").exists()


def test_a_damaged_stage_is_refused_and_no_file_is_left(ledger, tmp_path):
    next(ledger.glob("sample-*/chunk-00000.jsonl")).write_text("{}\n")
    with pytest.raises(DataError, match="is damaged"):
        main(["rows", "sample", "--ledger", str(ledger), "--to", str(tmp_path / "no.parquet")])
    assert not list(tmp_path.glob("*.parquet*"))
