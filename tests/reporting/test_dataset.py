import pyarrow.parquet

from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.pipeline import EdgeCounts, ExampleSet
from mmst.reporting.dataset import About, write_dataset
from mmst.types import Example, GradedSample, Message, Verdict
from tests.stages.conftest import graded_sample

TURNS = (Message("user", "1?"),)


def test_a_folder_with_parquet_and_a_card(tmp_path):
    rows = [Example(str(i), "text -> text", "p", "Question: 1?\nAnswer:", " The answer is 1.", TURNS) for i in range(3)]
    examples = ExampleSet(
        rows, {"text -> text": EdgeCounts(samples=9, pseudo_labels=4, examples=3, dropped={"answer_only": 5})}
    )
    ledger = Ledger(tmp_path / "ledger")
    graded = [
        graded_sample("The answer is 12.", index=0),
        graded_sample("None.", answer=None, verdict=Verdict.NO_ANSWER, index=1),
    ]
    ledger.chain(graded, [Work("grade", {}, lambda rows, task: rows, GradedSample)], Chunking(1), "title")
    folder = write_dataset(examples, ledger, tmp_path / "out", About("m", "d", "self_text", {"seed": 7}))
    samples = pyarrow.parquet.read_table(folder / "samples" / "train.parquet").to_pylist()
    assert [(row["completion"], row["answer"], row["verdict"]) for row in samples] == [
        ("The answer is 12.", "12", "right"),
        ("None.", None, "no_answer"),
    ]
    assert (samples[0]["temperature"], samples[0]["engine"], samples[0]["seed"]) == (0.7, "e", 0)
    assert pyarrow.parquet.read_table(folder / "data" / "train.parquet").to_pylist()[2]["id"] == "2"
    (chat, *_) = pyarrow.parquet.read_table(folder / "messages" / "train.parquet").to_pylist()
    assert chat["messages"] == [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "The answer is 1."}]
    assert pyarrow.parquet.read_table(folder / "preferences" / "train.parquet").num_rows == 0
    card = (folder / "README.md").read_text()
    assert "| text -> text | 9 | 4 | 0 | 0 | 3 | answer_only 5 |" in card
    assert "recipe `self_text`" in card
    assert "# 3 examples of d by m" in card
    assert "seed: 7" in card
