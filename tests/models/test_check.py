import json
import shutil

import pytest

from mmst.models.check import examined


@pytest.fixture
def folder(nano, tmp_path):
    shutil.copytree(nano, tmp_path / "model")
    return tmp_path / "model"


def edited(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_sound_model_passes_every_check(nano):
    found = list(examined(nano))
    assert [(f.name, f.ok) for f in found] == [
        (name, True) for name in ("loads", "template", "BOS and EOS", "positions", "samples", "trains", "saves")
    ]
    assert all(f.sentence for f in found)


def test_a_model_that_does_not_load_is_one_finding(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    found = list(examined(folder))
    assert [(f.name, f.ok) for f in found] == [("loads", False)]
    assert "does not load" in found[0].sentence


@pytest.mark.parametrize(
    ("template", "said"),
    [("{{ raise_exception('no') }}", "fails"), ("{% if %}", "fails"), ("<|user|>", "leaves the question out")],
)
def test_a_template_that_cannot_be_used_says_what_to_set(folder, template, said):
    (folder / "chat_template.jinja").write_text(template)
    finding = next(f for f in examined(folder) if f.name == "template")
    assert not finding.ok
    assert said in finding.sentence
    assert "model.chat=false" in finding.sentence


def test_prompts_that_are_too_long_are_told_before(folder):
    finding = next(f for f in examined(folder, ["What is 2 + 3? " * 200]) if f.name == "positions")
    assert not finding.ok
    assert "model.shots" in finding.sentence
