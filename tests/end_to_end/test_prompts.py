"""`prompts=N`: what an engine would get, and nothing sampled."""

import pytest

from mmst.training.checkpoint import load_model
from tests.made_tokenizers import made_tokenizer

RAISES = "{{ raise_exception('Only on weekdays.') }}"
TURNS = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}assistant: "


def chat_model(nano, folder, template):
    load_model(nano).save_pretrained(folder)
    made_tokenizer("qwen", template=template).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("script", ["train.py", "generate.py"])
def test_prompts_of_each_method_and_edge_are_printed_and_nothing_is_sampled(runs, script):
    finished = runs.run(script, "debug=tiny", "method=code_to_text", "prompts=2")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("tokens, 0 of them special; the last is ':'") == 6
    assert all(title in finished.stdout for title in ("text: ", "code: ", "code -> text: "))
    assert not runs.ledger_files()


def test_a_chat_model_is_shown_as_its_template_writes_it(runs, nano):
    folder = chat_model(nano, runs.folder / "chat", TURNS)
    finished = runs.run("eval.py", "model=hf", f"model.name={folder}", "model.shots=0", "prompts=1")
    assert finished.returncode == 0, finished.stderr
    assert 'system: Solve each problem step by step, and end with "The answer is".</s>user: ' in finished.stdout
    assert finished.stdout.rstrip().endswith("</s>assistant:")
    assert not runs.ledger_files()


def test_a_template_that_fails_is_one_sentence_before_any_work(runs, nano):
    folder = chat_model(nano, runs.folder / "chat", RAISES)
    finished = runs.run("train.py", "debug=tiny", "model=hf", f"model.name={folder}")
    assert finished.returncode == 2
    assert finished.stderr.splitlines()[-1].startswith("mmst: model.chat: the model's chat template fails: Only on weekdays.")
    assert "Traceback" not in finished.stderr
