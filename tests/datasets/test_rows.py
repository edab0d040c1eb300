import gzip
import json
from decimal import Decimal

import datasets
import pyarrow
import pyarrow.parquet
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
    "i.csv": 'question;answer\n1 + 1?;2\n"Say ""a, b""?";3\n',
    "j.csv": TABLE.replace("question,answer", " question , answer "),
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", TEXTS)
def test_text_files_give_the_same_rows_with_or_without_a_byte_order_mark(tmp_path, name, mark):
    (tmp_path / name).write_bytes((mark + TEXTS[name]).encode())
    assert [row for _, row in rows_of_file(tmp_path / name)] == ROWS


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["a.jsonl", "b.json", "d.csv"])
def test_a_byte_order_mark_says_the_encoding(tmp_path, name, encoding):
    (tmp_path / name).write_bytes(TEXTS[name].encode(encoding))
    assert [row for _, row in rows_of_file(tmp_path / name)] == ROWS


def test_numbers_of_parquet_are_what_they_read(tmp_path):
    columns = {"question": ["1?"], "a": pyarrow.array([0.1], pyarrow.float32()), "b": [Decimal("1.50")]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert [row for _, row in rows_of_file(tmp_path / "a.parquet")] == [{"question": "1?", "a": 0.1, "b": "1.5"}]
    maps = pyarrow.array([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    pyarrow.parquet.write_table(pyarrow.table({"question": ["1?"], "answer": maps}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="a column cannot be read"):
        rows_of_file(tmp_path / "b.parquet")


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
        ("a.csv", "question,answer\nCaf\u00e9?,1\n".encode("latin-1"), r"a\.csv, line 2: not a UTF-8 text file .* save it as"),
        ("a.csv", TABLE.encode("utf-16-le"), r"line 1: not a UTF-8 text file \(it holds a zero byte\)"),
        ("a.csv", gzip.compress(TABLE.encode(), mtime=0), r"compressed by gzip; unpack it"),
        ("a.jsonl", b"PK\x03\x04", "a zip archive, as Excel's workbooks are"),
        ("a.csv", b"PAR1", r"let its name end in \.parquet"),
        ("a.csv", b"question,answer,answer\n1?,2,3\n", "line 1: two columns are called 'answer'"),
        (
            "a.json",
            b'{"train": [{"question": "1?"}], "test": [{"question": "2?"}]}',
            r"holds 2 lists of objects \(train, test\)",
        ),
        ("a.json", b'{"question": ["1?"], "answer": [1]}', "must hold objects, one a line or in one array, each with all"),
        ("a.json", b'{"p1": {"question": "1?"}}', "must hold objects, one a line or in one array, each with all"),
        ("a.json", b'[[{"question": "1?"}]]', "must hold objects, one a line or in one array"),
        ("a.json", b'[\n{"question": "1?"},\n{"ques', r"not JSON \(.* at line 3\)"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.jsonl", b'{"answer": ' + b"9" * 5000 + b"}", "too many digits"),
        ("a.parquet", b"question", "not a Parquet file"),
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
    with pytest.raises(DataError, match="is not all of what save_to_disk wrote"):
        rows_of_folder(tmp_path, "test")
