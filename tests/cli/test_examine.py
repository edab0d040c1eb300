import pytest

from mmst.cli.examine import main


@pytest.mark.parametrize(
    "words", [["{}"], ["model.name={}"], ["model=hf", "model.name={}", "model.max_tokens=64"], ["model=nano"]]
)
def test_a_model_is_named_as_a_run_is_told_of_it(nano, tmp_path, capsys, words):
    code = main(["check", *(word.format(nano) for word in words), "--cache", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert len(lines) == 7
    assert all(line.startswith("ok") for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing/", "model.name=other"], "name one model"),
        (["model=nothing"], "nothing"),
        (["model=hf", "model.nothing=1"], "nothing"),
        (["model=served", "model.name=m"], "on a server"),
        (["./nothing"], "there is no folder"),
    ],
)
def test_what_cannot_be_examined_is_one_sentence(tmp_path, capsys, words, said):
    assert main(["check", *words, "--cache", str(tmp_path)]) == 2
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    assert said in sentence
