import json

import pytest

from mmst.errors import ConfigError, UserError
from mmst.jobs.problems import problem_set, train_set
from mmst.jobs.problems import test_sets as sets_measured_on
from tests.composing import settings


@pytest.fixture
def read(tmp_path):
    """Settings of train.yaml on data sets of a folder."""
    return lambda *overrides: settings("train", *overrides, f"dataset.root={tmp_path}")


def write(folder, **splits):
    folder.mkdir()
    for split, questions in splits.items():
        rows = [{"question": f"How many are {question}?", "answer": 1} for question in questions]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))


def learned_from(found):
    """The last words of the problems that a job trains on."""
    return [p.question.split()[-1] for p in train_set(found, sets_measured_on(found))[0].problems]


def test_training_problems_are_in_no_other_split(read, tmp_path):
    write(tmp_path / "svamp", train=["a", "b", "c", "tested", "held"], test=["tested", "t"])
    write(tmp_path / "mawps", train=["d", "b", "checked", "t"], dev=["checked", "v"], test=["m"])
    found = read("dataset=svamp_mawps", "dataset.svamp=4")
    sets = {
        split: [p.question.split()[-1][:-1] for p in problem_set(found.dataset, split, found.solvers).problems]
        for split in ("validation", "test")
    }
    assert sets == {"validation": ["held", "checked", "v"], "test": ["tested", "t", "m"]}
    for how in ([], ["splits=[validation]"]):
        train = learned_from(read("dataset=svamp_mawps", "dataset.svamp=4", *how))
        assert train == ["a?", "b?", "c?", "d?"]
    assert [tests.name for tests in sets_measured_on(found)] == ["test"]


def test_a_split_that_nothing_is_measured_on_need_not_be_there(read, tmp_path):
    write(tmp_path / "mawps", train=["a", "b"], test=["b"])
    assert learned_from(read("dataset=mawps")) == ["a?"]
    with pytest.raises(ConfigError, match=r"dev\.jsonl"):
        sets_measured_on(read("dataset=mawps", "splits=[validation]"))


def test_data_to_learn_from_is_made_without_what_other_splits_hold(tmp_path):
    """generate.py measures on nothing, and leaves the test problems out all the same."""
    write(tmp_path / "mawps", train=["a", "b"], dev=["c"], test=["b"])
    found = settings("generate", "dataset=mawps", f"dataset.root={tmp_path}")
    assert [p.question.split()[-1] for p in train_set(found, ())[0].problems] == ["a?"]


def test_problems_with_other_numbers_are_counted_and_left_out_if_asked(read, tmp_path, caplog):
    write(tmp_path / "mawps", train=["7 red hens", "9 eggs", "b"], dev=["c"], test=["8 red hens", "b"])
    kept, found = train_set(read("dataset=mawps"), sets_measured_on(read("dataset=mawps")))
    assert [p.question for p in kept.problems] == ["How many are 7 red hens?", "How many are 9 eggs?"]
    assert found.counts == {"problems": 3, "repeated": 1, "templates": 1, "left_out": 1}
    assert "1 of 3 training problems are problems of other splits with other numbers, and stay" in caplog.text
    assert learned_from(read("dataset=mawps", "decontaminate.templates=true")) == ["eggs?"]
    assert learned_from(read("dataset=mawps", "decontaminate.ngram=null", "decontaminate.templates=true")) == ["eggs?", "b?"]
    for off in ("decontaminate=null", "decontaminate.ngram=null"):
        assert learned_from(read("dataset=mawps", off)) == ["hens?", "eggs?", "b?"]
    assert learned_from(read("dataset=mawps", "decontaminate=5")) == ["hens?", "eggs?"]


def test_what_may_not_stay_leaves_something_to_learn_from(read, tmp_path):
    write(tmp_path / "mawps", train=["7 eggs"], test=["8 eggs"])
    found = read("dataset=mawps", "decontaminate.templates=true")
    with pytest.raises(ConfigError, match=r"decontaminate\.templates=false"):
        train_set(found, sets_measured_on(found))


def exemplars(folder, question):
    folder.mkdir()
    rows = [{"question": question, "text": "It is 1. The answer is 1.", "code": "def solution():\n    return 1"}]
    (folder / "number.yaml").write_text(json.dumps(rows))
    return [f"solvers.{name}.format.exemplars={folder}" for name in ("text", "code")]


def test_an_exemplar_that_is_a_test_problem_is_refused(read, tmp_path):
    write(tmp_path / "mawps", train=["a"], test=["tested"])
    given = exemplars(tmp_path / "own", "How many are tested?")
    with pytest.raises(ConfigError, match=r"'How many are tested\?' is the problem test-1 of what is measured on \(test\)"):
        sets_measured_on(read("dataset=mawps", "model.shots=1", *given))
    assert sets_measured_on(read("dataset=mawps", "model.shots=0", *given))


def test_an_exemplar_that_is_a_test_problem_with_other_numbers_is_told(read, tmp_path, caplog):
    write(tmp_path / "mawps", train=["a"], test=["8 eggs"])
    sets_measured_on(read("dataset=mawps", "model.shots=1", *exemplars(tmp_path / "own", "How many are 7 eggs?")))
    assert "text.format.exemplars: 'How many are 7 eggs?' is much like the problem test-1 of what is measured on" in caplog.text


def test_what_an_entry_of_datasets_says_stands_and_the_rest_is_the_main_ones(read, tmp_path):
    write(tmp_path / "mawps", train=["a"], test=["a", "b", "c", "d"])
    write(tmp_path / "svamp", train=["a"], test=["a", "b", "c", "d"])
    entries = '"svamp dataset.limit=3 dataset.name=three","svamp dataset.limit=null dataset.name=all",svamp'
    sets = sets_measured_on(read("dataset=mawps", "dataset.limit=2", f"datasets=[{entries}]"))
    assert {tests.name: len(tests.problems) for tests in sets} == {"test": 2, "three": 3, "all": 4, "svamp": 2}


def test_a_method_that_a_data_sets_kind_of_answers_does_not_fit_is_refused(read, tmp_path):
    (tmp_path / "strategyqa").mkdir()
    (tmp_path / "strategyqa" / "train.jsonl").write_text('{"question": "Is it?", "answer": "yes"}\n')
    with pytest.raises(ConfigError, match="equation"):
        train_set(read("dataset=strategyqa", "solvers=[text,equation]", "decontaminate=null", "model.shots=2"), ())


FOLIO = {"premises": ["All jars break."], "conclusion": "This breaks.", "label": "True"}
CHOSEN = 'id,question,choices,answer\na,"What is left?","[""2"", ""\\ud83d""]",2\n'
PROGRAM = {"question": "Write f.", "tests": ["assert f(1) == 2"], "entry_point": "f"}


@pytest.mark.parametrize(
    ("dataset", "file", "content", "said"),
    [
        ("mawps", "mawps/test.jsonl", {"question": "Is \ud800 it?", "answer": 1}, "line 1: 'question' holds half"),
        (
            "mawps",
            "mawps/test.jsonl",
            {"question": "How many?", "answer": 1, "rationale": "\udfff"},
            "'rationale' of .* test-1 ",
        ),
        (
            "mawps",
            "mawps/test.jsonl",
            {"id": "a\ud83d", "question": "How many?", "answer": 1},
            r"'id' of the problem a\\ud83d ",
        ),
        ("mbpp", "mbpp/test.jsonl", PROGRAM | {"tests": ["assert f('\ud83d')"]}, "'tests' is not Python"),
        ("mbpp", "mbpp/test.jsonl", PROGRAM | {"entry_point": "f\ud83d"}, "'entry_point' of the problem test-1"),
        (
            "folio",
            "folio/folio_v2_validation.jsonl",
            FOLIO | {"conclusion": "No \ud83d."},
            "'question' of the problem folio-test-1",
        ),
        ("file", "test.csv", CHOSEN, "'choices' of the problem a holds half of a surrogate pair"),
    ],
)
def test_half_a_character_is_refused_wherever_it_stands(tmp_path, dataset, file, content, said):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content if isinstance(content, str) else json.dumps(content))
    place = "dataset.path" if dataset == "file" else "dataset.root"
    found = settings("eval", f"dataset={dataset}", f"{place}={tmp_path}", "solvers=[code]")
    with pytest.raises(UserError, match=said):
        problem_set(found.dataset, "test", found.solvers)
