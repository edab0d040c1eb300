import pyarrow.parquet
from omegaconf import OmegaConf

from mmst.pipeline import EdgeCounts, ExampleSet
from mmst.reporting.dataset import write_dataset
from mmst.types import Example


def test_a_folder_with_parquet_and_a_card(tmp_path):
    rows = [Example(str(i), "text -> text", "p", "Question: 1?\nAnswer:", " The answer is 1.") for i in range(3)]
    examples = ExampleSet(
        "key", rows, {"text -> text": EdgeCounts(samples=9, pseudo_labels=4, examples=3, dropped={"leak": 5})}
    )
    config = OmegaConf.create({"dataset": {"name": "d"}, "model": {"name": "m"}, "method": {"name": "self_text"}})
    folder = write_dataset(examples, tmp_path / "out", config)
    assert pyarrow.parquet.read_table(folder / "data" / "train.parquet").to_pylist()[2]["id"] == "2"
    card = (folder / "README.md").read_text()
    assert "| text -> text | 9 | 4 | 0 | 0 | 3 | leak 5 |" in card
    assert "recipe `self_text`" in card
