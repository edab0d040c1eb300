import json

import datasets
import pytest

from mmst.datasets.rows import rows_of_file, rows_of_folder
from mmst.errors import DataError

ROWS = [{"question": "1 + 1?", "answer": "2"}, {"question": 'Say "a, b"?', "answer": "3"}]
TABLE = 'question,answer\n1 + 1?,2\n"Say ""a, b""?",3\n'
TEXTS = {
    "a.jsonl": "\n".join(map(json.dumps, ROWS)) + "\n\n",
    "b.json": json.dumps(ROWS, indent=1),
    "c.json": json.dumps({"version": "1", "data": ROWS}),
    "d.csv": TABLE,
    "e.tsv": 'question\tanswer\n1 + 1?\t2\n"Say ""a, b""?"\t3\n',
    "f.json": "\n".join(map(json.dumps, ROWS)),
    "g.csv": TABLE.replace("\n", "\r\n"),
    "H.CSV": TABLE,
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", TEXTS)
def test_text_files_give_the_same_rows_with_or_without_a_byte_order_mark(tmp_path, name, mark):
    (tmp_path / name).write_bytes((mark + TEXTS[name]).encode())
    assert [row for _, row in rows_of_file(tmp_path / name)] == ROWS


def test_a_parquet_file_names_its_classes(tmp_path):
    features = datasets.Features({"question": datasets.Value("string"), "answer": datasets.ClassLabel(names=["no", "yes"])})
    made = datasets.Dataset.from_list([{"question": "Is it?", "answer": 1}], features=features)
    made.to_parquet(tmp_path / "a.parquet")
    assert [row for _, row in rows_of_file(tmp_path / "a.parquet")] == [{"question": "Is it?", "answer": "yes"}]


def test_what_was_saved_to_disk_is_read_by_split(tmp_path):
    made = datasets.Dataset.from_list(ROWS)
    made.save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=made, test=made.select([1])).save_to_disk(tmp_path / "two")
    assert [row for _, row in rows_of_folder(tmp_path / "one", "test")] == ROWS
    assert rows_of_folder(tmp_path / "one", "train") is None
    assert [row for _, row in rows_of_folder(tmp_path / "two", "test")] == ROWS[1:]
    assert rows_of_folder(tmp_path / "two", "validation") is None


def test_shards_of_a_folder_like_the_hubs_are_joined(tmp_path):
    (tmp_path / "data").mkdir()
    for n, row in enumerate(ROWS):
        datasets.Dataset.from_list([row]).to_parquet(tmp_path / "data" / f"train-0000{n}-of-00002.parquet")
    assert [row for _, row in rows_of_folder(tmp_path, "train")] == ROWS
    assert rows_of_folder(tmp_path, "test") is None


def test_two_forms_of_a_split_are_refused(tmp_path):
    for name in ("test.csv", "test.tsv"):
        (tmp_path / name).write_text("question,answer\n?,1\n")
    with pytest.raises(DataError, match="both hold the split 'test'"):
        rows_of_folder(tmp_path, "test")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "question,answer\nWhat, now?,3\n".encode("utf-16"), "not a UTF-8 text file"),
        ("a.jsonl", "é".encode("latin-1"), "not a UTF-8 text file"),
        ("a.csv", b"question,answer\nWhat, now?,3\n", "line 2: the row has not 2 cells"),
        ("a.csv", b"question,answer\nonly one\n", "line 2: the row has not 2 cells"),
        ("a.csv", b'question,answer\n"open,3\n', "not a table"),
        ("a.jsonl", b'{"question": "?"}\n{', "line 2: not JSON"),
        ("a.jsonl", b'{"question": "?"}\n[1]', "line 2: not a JSON object"),
        ("a.json", b"[1, 2]", "must hold objects"),
        ("a.parquet", b"PAR", "not a Parquet file"),
        ("a.xlsx", b"", "it must end in .jsonl"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        rows_of_file(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_said_to_be_saved_that_is_not_is_one_sentence(tmp_path):
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read"):
        rows_of_folder(tmp_path, "test")
