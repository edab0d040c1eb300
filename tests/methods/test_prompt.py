import pytest

from mmst.errors import ConfigError
from mmst.methods.prompt import PromptFormat, PromptWriter, exemplar_rows
from mmst.types import AnswerKind, Problem

TEXT = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", solution_name="text")
CODE = PromptFormat(cue="Program:", lead="\n", key="code", instruction="Program.", solution_name="program")
SUM = Problem("s", " 1 + 1? ", "2")


def test_the_bare_format_is_question_and_cue():
    assert PromptWriter().solve(SUM, TEXT) == "Question: 1 + 1?\nAnswer:"


def test_a_translation_holds_the_source_between_question_and_cue():
    prompt = PromptWriter().translate(SUM, "answer = 2", CODE, TEXT)
    assert prompt == "Question: 1 + 1?\nProgram:\nanswer = 2\nAnswer:"


def test_shots_put_the_instruction_and_exemplars_first():
    shot = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", shots=2)
    blocks = PromptWriter().solve(SUM, shot).split("\n\n")
    rows = exemplar_rows("default", AnswerKind.NUMBER)
    assert blocks[0] == "Think."
    assert blocks[1] == f"Question: {rows[0]['question']}\nAnswer: {rows[0]['text']}"
    assert len(blocks) == 4
    assert blocks[-1] == "Question: 1 + 1?\nAnswer:"


def test_translation_shots_show_both_solutions():
    shot = PromptFormat(cue="Program:", lead="\n", key="code", shots=1)
    first = exemplar_rows("default", AnswerKind.NUMBER)[0]
    prompt = PromptWriter().translate(SUM, "2", TEXT, shot)
    assert f"Answer: {first['text']}\nProgram:\n{first['code']}" in prompt


def test_a_chat_template_gets_content_and_cue():
    writer = PromptWriter(chat=lambda content, cue: f"<user>{content}<model>{cue}")
    assert writer.solve(SUM, TEXT) == "<user>Question: 1 + 1?<model>Answer:"


@pytest.mark.parametrize(("shots", "exemplars"), [(99, "default"), (-1, "default"), (0, "no_such_file")])
def test_impossible_exemplars_are_refused(shots, exemplars):
    with pytest.raises(ConfigError):
        PromptFormat(cue="A", lead="", shots=shots, exemplars=exemplars)
