import json

import pytest

from mmst.cli.answer import divided, main
from mmst.errors import ConfigError, DataError, UserError
from mmst.policies.learned import LEARNED

QUESTION = "Ana has 3 bags of 4 nuts. How many nuts is that?"


@pytest.mark.parametrize(
    ("arguments", "question", "words"),
    [
        ([QUESTION], QUESTION, []),
        (["model=hf", QUESTION, "model.name=./m"], QUESTION, ["model=hf", "model.name=./m"]),
        (["x=3 and y=4. What is x+y?"], "x=3 and y=4. What is x+y?", []),
        (["solvers=[text, code]", "+model.system='Be brief.'"], None, ["solvers=[text, code]", "+model.system='Be brief.'"]),
        (["--help"], None, ["--help"]),
        (["-3 + 5 is what?"], "-3 + 5 is what?", []),
        (["--config-dir", "mine", "questions.jsonl"], "questions.jsonl", ["--config-dir", "mine"]),
    ],
)
def test_the_question_is_told_from_overrides(arguments, question, words):
    assert divided(arguments) == (question, words)


def test_two_questions_are_refused():
    with pytest.raises(ConfigError, match=r"there are 2 questions, 'How' and 'many\?'; put one question in quotes"):
        divided(["How", "many?"])


def test_help_shows_the_configuration(capsys):
    main(["--help"])
    assert "mmst answer QUESTION" in capsys.readouterr().out


@pytest.fixture
def asked(tmp_path, capsys):
    def run(*words, place=tmp_path / "ledger"):
        main([*words, f"paths.ledger={place}", "sandbox.workers=1"])
        return capsys.readouterr().out

    return run


def test_a_question_is_answered_with_method_confidence_and_tokens(asked):
    answer, rest = asked(QUESTION).splitlines()
    assert float(answer) >= 0
    assert rest.startswith("by ")
    assert "confidence 0." in rest
    assert rest.endswith(" tokens")


def test_a_question_is_answered_with_a_ledger_at_a_url(asked, tmp_path):
    words = (f"paths.cache={tmp_path / 'cache'}", "policy=[one]", "policy.one.method=text")
    first = asked(QUESTION, *words, place=f"file://{tmp_path}/there")
    assert list((tmp_path / "there").glob("sample-*/manifest.json"))
    assert asked(QUESTION, *words, place=f"file://{tmp_path}/there") == first


def test_a_file_of_questions_is_answered_line_by_line(asked, tmp_path):
    (tmp_path / "q.jsonl").write_text(json.dumps({"question": QUESTION}) + "\n\n" + json.dumps({"question": "Tim has 2 pens."}))
    rows = [
        json.loads(line) for line in asked(str(tmp_path / "q.jsonl"), "policy=[one]", "policy.one.method=code").splitlines()
    ]
    assert [row["question"] for row in rows] == [QUESTION, "Tim has 2 pens."]
    assert {row["method"] for row in rows} == {"code"}
    assert {row["verdict"] for row in rows} == {None}


def test_a_data_set_is_answered_and_judged(asked):
    rows = [json.loads(line) for line in asked("dataset.limit=3").splitlines()]
    assert len(rows) == 3
    assert {row["verdict"] for row in rows} <= {"right", "wrong", "no_answer"}


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["nothing.jsonl"], DataError, "there is no file nothing.jsonl; give one that is there, or a question"),
        (["  "], DataError, "the question is empty"),
        (["Why\udcff?"], DataError, "questions: 'question' of the problem question-1 holds half of a surrogate pair"),
        ([QUESTION, "policy=[router]"], ConfigError, r"policy=router learns from verdicts .* `mmst train"),
        ([QUESTION, "policy=[router]", "learned=."], ConfigError, rf"holds no {LEARNED}; `mmst train` writes one"),
        ([QUESTION, "policy=[oracle]"], ConfigError, r"policy=\[oracle\] knows the right answer"),
        ([QUESTION, "policy=[one,logprob]"], ConfigError, r"policy=\[one,logprob\] must be one policy"),
        ([QUESTION, "arm=multi"], ConfigError, "arm=multi is an arm of a run; give the run's folder too"),
        ([QUESTION, "run=nothing"], ConfigError, "there is no run in nothing; give a run's folder"),
        (["x.csv"], DataError, "x.csv is no .jsonl or .txt of questions; dataset=file dataset.path=x.csv answers a table"),
        ([QUESTION, "policy=[router_hidden]"], ConfigError, r"`mmst train method=self_both 'policy=\[router_hidden\]'`"),
        ([QUESTION, "kind=words"], ConfigError, "kind=words is not usable"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(asked, words, error, sentence):
    with pytest.raises(error, match=sentence):
        asked(*words)


def test_lines_that_are_no_questions_are_named(asked, tmp_path):
    file = tmp_path / "q.jsonl"
    file.write_text('{"question": "Why?"}\n{"text": "no"}\n')
    with pytest.raises(DataError, match=r"q.jsonl, line 2: it must be a JSON object"):
        asked(str(file))
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UserError, match="there is no question in"):
        asked(str(tmp_path / "empty.txt"))
