import json
import re
from pathlib import Path

import pytest

import mmst.datasets
from mmst.datasets.file import read_problems
from mmst.errors import DataError
from mmst.types import AnswerKind

NONE = dict.fromkeys(["id", "question", "answer", "choices", "rationale", "tests", "entry_point", "setup"])


def written(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


def read(path, split="test", test_share=None, kind=None, tags=(), **columns):
    return read_problems(str(path), split, {**NONE, **columns}, test_share, kind, tags)


def made(count):
    return [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(count)]


def test_columns_are_named_by_keys(tmp_path):
    path = written(tmp_path / "x.jsonl", [{"Body": "1 + 1?", "Gold": "2", "Why": "1 + 1 = 2", "n": 7, "topic": "sums"}])
    (problem,) = read(path, question="Body", answer="Gold", rationale="Why", id="n", tags=["topic"])
    assert (problem.question, problem.answer, problem.id, problem.tags) == ("1 + 1?", "2", "7", ("topic:sums",))
    assert problem.rationale == "1 + 1 = 2"


def test_a_table_holds_choices_and_tests_as_lists(tmp_path):
    (tmp_path / "x.csv").write_text('question,choices,answer\nWhere?,"[""here"", ""there""]",there\n')
    (tmp_path / "y.csv").write_text('question,tests,entry_point\nDouble it.,"[""assert f(1) == 2""]",f\n')
    (choice,), (program,) = read(tmp_path / "x.csv"), read(tmp_path / "y.csv")
    assert (choice.kind, choice.answer) == (AnswerKind.CHOICE, "B")
    assert (program.kind, program.tests, program.entry_point) == (AnswerKind.TESTS, ("assert f(1) == 2",), "f")


def test_a_share_divides_by_the_question_alone(tmp_path):
    path = written(tmp_path / "x.jsonl", made(200))
    train, test = ({p.question for p in read(path, split, 0.25)} for split in ("train", "test"))
    assert not train & test
    assert len(train | test) == 200
    assert 30 < len(test) < 70
    more = written(tmp_path / "y.jsonl", made(300)[::-1])
    assert test <= {p.question for p in read(more, "test", 0.25)}


def test_a_question_that_comes_twice_is_on_one_side(tmp_path):
    path = written(tmp_path / "x.jsonl", made(40) * 2)
    train, test = ({p.question for p in read(path, split, 0.5)} for split in ("train", "test"))
    assert not train & test


def test_ids_of_shards_do_not_collide(tmp_path):
    (tmp_path / "test").mkdir()
    for name in ("a", "b"):
        written(tmp_path / "test" / f"{name}.jsonl", made(2))
    assert len({problem.id for problem in read(tmp_path)}) == 4


def test_a_kind_is_what_is_asked_for(tmp_path):
    path = written(tmp_path / "x.jsonl", [{"question": "?", "answer": "42"}])
    assert [read(path)[0].kind, read(path, kind="text")[0].kind] == [AnswerKind.NUMBER, AnswerKind.TEXT]
    with pytest.raises(DataError, match="of the kind number, but choice is asked for"):
        read(path, kind="choice")
    with pytest.raises(DataError, match=re.escape("dataset.kind=words must be one of number")):
        read(path, kind="words")


def test_answers_may_be_unknown(tmp_path):
    (tmp_path / "x.csv").write_text("question,answer\n1?,yes\n2?,\n")
    assert [(p.kind, p.answer) for p in read(tmp_path / "x.csv")] == [("yes_no", "yes"), ("yes_no", "")]
    (tmp_path / "y.csv").write_text("question\n1?\n")
    assert [(p.kind, p.answer) for p in read(tmp_path / "y.csv", kind="text")] == [("text", "")]


@pytest.mark.parametrize(
    ("rows", "asked", "message"),
    [
        ([{"Question": "?", "answer": "1"}], {}, r"no column 'question'; .* Did you mean dataset.question=Question\?"),
        ([{"problem": "?", "answer": "1"}], {}, r"Did you mean dataset.question=problem\?"),
        (
            [{"The Question (EN)": "?", "answer": "1"}],
            {"question": "the question (en)"},
            r"""Did you mean 'dataset.question="The Question \(EN\)"'\?""",
        ),
        (
            [{"The Question": "?", "Correct Answer": "1"}],
            {},
            r"""no columns 'question', 'answer'; .* 'dataset.question="The Question"' 'dataset.answer="Correct Answer"'\?""",
        ),
        ([{"question": "?", "tests": ["assert f( == 1"]}], {}, "1: 'tests' is not Python"),
        ([{"question": [{"role": "user", "content": "?"}], "answer": 1}], {}, "1: 'question' is a list"),
        (
            [{"question": "?", "answer": "1"}],
            {"answer": "anwser"},
            r"no column 'anwser'; .* Did you mean dataset.answer=answer\?",
        ),
        ([{"question": "?", "answer": "1", "topic": "x"}], {"tags": ["topics"]}, r"Did you mean dataset.tags=\[topic\]\?"),
        ([{"question": "?", "answer": "1", "id": "a"}] * 2, {}, "line 2: the id 'a' stands already in .*line 1"),
        ([{"question": "?"}], {}, "there is no column 'answer'"),
        ([{"question": "?"}], {"answer": "gold", "kind": None}, "there is no column 'gold'"),
        ([{"question": "?"}], {"kind": "choice"}, "there are no 'choices'"),
        ([], {}, "the split 'test' of .* is empty"),
        (made(3), {"split": "train"}, "no split 'train'; it is one file, all of it test. dataset.test_share=0.2"),
        (made(3), {"test_share": 1.5}, "must lie between 0 and 1"),
        (made(1), {"test_share": 1e-9}, "no problem of the 1 in .* falls into the split 'test'"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, rows, asked, message):
    path = written(tmp_path / "x.jsonl", rows)
    with pytest.raises(DataError, match=message) as raised:
        read(path, **asked)
    assert "\n" not in str(raised.value)


def test_two_files_with_one_id_are_named(tmp_path):
    (tmp_path / "test").mkdir()
    for name in ("a", "b"):
        written(tmp_path / "test" / f"{name}.jsonl", [{"id": "p", "question": name, "answer": "1"}])
    with pytest.raises(DataError, match=r"b\.jsonl.*: the id 'p' stands already in .*a\.jsonl"):
        read(tmp_path)


def test_splits_of_ones_own_are_not_divided(tmp_path):
    for split in ("train", "test"):
        written(tmp_path / f"{split}.jsonl", made(3))
    with pytest.raises(DataError, match="has splits train and test of its own"):
        read(tmp_path, test_share=0.5)
    with pytest.raises(DataError, match=r"no split 'validation'; it has test\.jsonl, train\.jsonl"):
        read(tmp_path, "validation")
    with pytest.raises(DataError, match="there is no file or folder"):
        read(tmp_path / "nothing")


def test_the_problems_that_come_with_the_package_are_all_numbers():
    problems = read(Path(mmst.datasets.__file__).parent / "examples" / "word_problems.csv")
    assert len({problem.question for problem in problems}) == 60
    assert {problem.kind for problem in problems} == {AnswerKind.NUMBER}
