from dataclasses import replace

import pytest
import yaml

from mmst.errors import ConfigError
from mmst.methods.prompt import PromptFormat, PromptWriter, check_pairs, exemplar_rows
from mmst.types import AnswerKind, Problem

TEXT = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", solution_name="text", bare=True)
CODE = PromptFormat(cue="Program:", lead="\n", key="code", instruction="Program.", solution_name="program", bare=True)
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


def test_without_exemplars_the_instruction_stays_but_for_models_of_the_bare_format():
    form = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.")
    assert PromptWriter().solve(SUM, form) == "Think.\n\nQuestion: 1 + 1?\nAnswer:"
    assert PromptWriter().solve(SUM, replace(form, bare=True)) == "Question: 1 + 1?\nAnswer:"
    assert PromptWriter().solve(SUM, replace(form, bare=True, shots=1)).startswith("Think.")


def test_a_prompt_ends_where_the_tokens_of_the_cue_do():
    asked = PromptWriter(boundary=lambda cue, lead: len(lead)).solution(SUM, CODE)
    assert (asked.text[-9:], asked.lead) == (f"{CODE.cue}{CODE.lead}", "")
    assert PromptWriter().solution(SUM, CODE).lead == CODE.lead


def test_a_few_shot_prompt_is_a_conversation_too():
    form = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Think.", shots=1, stop=("\n",))
    shot = exemplar_rows("default", AnswerKind.NUMBER)[0]
    prompt = PromptWriter().solution(SUM, form).prompt("p", (1, 2))
    assert [(turn.role, turn.content) for turn in prompt.messages] == [
        ("system", "Think."), ("user", shot["question"]), ("assistant", shot["text"]), ("user", "1 + 1?"),
    ]  # fmt: skip
    assert (prompt.id, prompt.seeds, prompt.stop, prompt.chat) == ("p", (1, 2), ("\n",), False)


@pytest.mark.parametrize(("shots", "exemplars"), [(99, "default"), (-1, "default"), (0, "no_such_file")])
def test_impossible_exemplars_are_refused(shots, exemplars):
    with pytest.raises(ConfigError):
        PromptFormat(cue="A", lead="", shots=shots, exemplars=exemplars)


def test_a_kind_may_have_an_instruction_of_its_own():
    form = PromptFormat(cue="A:", lead=" ", key="text", instruction="Think.", shots=1, instructions={"yes_no": "Decide."})
    assert PromptWriter().solve(SUM, form).startswith("Think.")
    assert PromptWriter().solve(Problem("y", "Is it?", "yes", AnswerKind.YES_NO), form).startswith("Decide.")
    with pytest.raises(ConfigError, match=r"instructions\.maybe"):
        PromptFormat(cue="A:", lead=" ", instructions={"maybe": "?"})


def test_a_method_without_exemplars_for_a_kind_is_refused():
    form = PromptFormat(cue="E:", lead=" ", key="equation", shots=2)
    form.check_kind(AnswerKind.NUMBER, "equation")
    with pytest.raises(ConfigError, match="'equation' has no exemplars for answers of the kind yes_no"):
        form.check_kind(AnswerKind.YES_NO, "equation")


def exemplars(folder, *rows):
    folder.mkdir()
    (folder / "number.yaml").write_text(yaml.safe_dump(list(rows)))
    return str(folder)


def test_exemplars_that_lack_a_solution_by_a_method_are_refused(tmp_path):
    both, one = {"question": "1 + 1?", "text": "2.", "code": "print(2)"}, {"question": "2 + 2?", "text": "4."}
    folder = exemplars(tmp_path / "a", both, one)
    text, code = (PromptFormat(cue="A:", lead=" ", key=key, shots=1, exemplars=folder) for key in ("text", "code"))
    text.check_kind(AnswerKind.NUMBER, "text")
    with pytest.raises(ConfigError, match=r"1 of the 2 exemplars '.*a' \(number\) hold no solution by 'code', as '2 \+ 2\?'"):
        code.check_kind(AnswerKind.NUMBER, "code")
    replace(code, shots=0).check_kind(AnswerKind.NUMBER, "code")


def test_equations_are_shown_for_choices_between_numbers_alone():
    form = PromptFormat(cue="E:", lead=" ", key="equation", shots=4)
    with pytest.raises(ConfigError, match="3 of the 8 exemplars 'default' \\(choice\\) hold no solution by 'equation'"):
        form.check_kind(AnswerKind.CHOICE, "equation")
    replace(form, exemplars="calculated").check_kind(AnswerKind.CHOICE, "equation")


def test_too_few_exemplars_of_a_kind_are_refused(tmp_path):
    folder = exemplars(tmp_path / "a", *[{"question": f"{n} + 1?", "text": f"{n + 1}."} for n in range(4)])
    (tmp_path / "a" / "yes_no.yaml").write_text("- {question: 'Is it?', text: 'It is. The answer is yes.'}\n")
    form = PromptFormat(cue="A:", lead=" ", key="text", shots=4, exemplars=folder)
    with pytest.raises(ConfigError, match=r"shots=4 is not possible.*\(yes_no\) holds 1"):
        form.check_kind(AnswerKind.YES_NO, "text")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"- question: [", "is no YAML in UTF-8"),
        ("- {question: 'Wie groß?'}".encode("latin-1"), "is no YAML in UTF-8"),
        (b"", "must hold a list of exemplars"),
        (b"question: 1 + 1?", "must hold a list of exemplars"),
        (b"- {question: '1 + 1?', text: '2.'}\n- {text: '3.'}", "exemplar 2 of .* has no question"),
        (rb'- {question: "1 + 1?", choices: ["2", "\ud83d"]}', "'choices' of exemplar 1 of .* holds half of a surrogate pair"),
    ],
)
def test_a_file_that_holds_no_exemplars_is_refused_by_name(tmp_path, content, words):
    (tmp_path / "number.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        PromptFormat(cue="A:", lead=" ", key="text", shots=1, exemplars=str(tmp_path))


def test_translation_exemplars_take_each_sides_variant():
    text = PromptFormat(cue="A:", lead=" ", key="text", shots=1, exemplars="terse")
    code = PromptFormat(cue="P:", lead=" ", key="code", shots=1, exemplars="plan")
    prompt = PromptWriter().translate(SUM, "1 + 1 = 2.", text, code)
    assert exemplar_rows("terse", AnswerKind.NUMBER)[0]["text"] in prompt
    assert exemplar_rows("plan", AnswerKind.NUMBER)[0]["code"] in prompt


def test_a_users_own_folder_of_exemplars(tmp_path):
    (tmp_path / "number.yaml").write_text("- {question: '2 + 2?', text: 'It is 4. The answer is 4.'}\n")
    form = PromptFormat(cue="A:", lead=" ", key="text", shots=1, exemplars=str(tmp_path))
    assert "Question: 2 + 2?\nA: It is 4." in PromptWriter().solve(SUM, form)


def test_exemplars_that_pair_other_questions_are_refused(tmp_path):
    row = {"question": "1 + 1?", "text": "2.", "code": "print(2)"}
    mine, other = exemplars(tmp_path / "a", row), exemplars(tmp_path / "b", {**row, "question": "2 + 2?"})
    text, same, code = (
        PromptFormat(cue="A:", lead=" ", key=key, shots=1, exemplars=folder)
        for key, folder in (("text", mine), ("code", mine), ("code", other))
    )
    check_pairs({"text": text, "code": same}, AnswerKind.NUMBER)
    with pytest.raises(ConfigError, match=r"'text' and 'code' \(number\).*'1 \+ 1\?' where the other has '2 \+ 2\?'"):
        check_pairs({"text": text, "code": code}, AnswerKind.NUMBER)


@pytest.mark.parametrize("name", ["terse", "plan"])
@pytest.mark.parametrize("kind", AnswerKind)
def test_the_sets_that_come_with_mmst_hold_the_same_questions(name, kind):
    forms = {n: PromptFormat(cue="A:", lead=" ", shots=1, exemplars=n) for n in ("default", name)}
    check_pairs(forms, kind)
