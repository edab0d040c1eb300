from pathlib import Path

import pytest

from mmst.publishing.private import Guard, SecretFoundError


@pytest.fixture
def guard(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ana"))
    environment = {"MY_API_KEY": "open-sesame", "TOKENIZERS_PARALLELISM": "parallel-no", "SHORT_TOKEN": "true"}
    config = {"sampler": {"api_key": "swordfish-1"}, "model": {"name": "/srv/models/mine"}, "format": {"key": "equation"}}
    return Guard.of(tmp_path / "runs" / "mine", config, "/scratch/ana/ledger", environment)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("say open-sesame", "the value of MY_API_KEY"),
        ("say swordfish-1", "the value of api_key in the configuration"),
        (f"hf_{'a' * 34}", r"'hf_aaa\*\*\*'"),
        ("key sk-proj-abc123def456ghi789", "'sk-pro"),
        ("ghp_" + "A1" * 18, "'ghp_A1"),
        ("AKIA" + "A1B2" * 4, "'AKIAA1"),
        ("-----BEGIN RSA PRIVATE KEY-----", "'-----B"),
        ("at https://ana:hunter2@host/v1", "'https:"),
        ("at https://token@host/v1", "'https:"),
    ],
)
def test_a_secret_is_refused_where_it_is_and_not_repeated(guard, text, said):
    with pytest.raises(SecretFoundError, match=f"push: row 3 holds .*{said}") as refused:
        guard.tidied(text, "row 3")
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "the answer is true",
        "parallel-no",
        "an equation",
        "task-of-the-day-is-very-very-long-indeed",
        "hf_short",
        "https://***@host/v1 and https://host/a@b",
        "mail ana@example.org",
    ],
)
def test_what_is_no_secret_passes(guard, text):
    assert guard.tidied(text, "row 3") == text


def test_paths_become_relative(guard, tmp_path):
    told = guard.tidied(f"{tmp_path}/runs/mine/x, {tmp_path}, /home/ana/y, /scratch/ana/ledger/a, '/srv/models/mine'", "")
    assert told == "runs/mine/x, ., ~/y, ledger/a, 'mine'"
    assert guard.tidied("/home/anabel </home/ana> 3/home/ana", "") == "/home/anabel </home/ana> 3/home/ana"


def test_documents_keep_the_last_part_of_any_path(guard):
    said = "see /opt/data/train.jsonl, https://host/a/b, 3/4, a/b/c and </div>"
    assert guard.document(said, "") == said.replace("/opt/data/train.jsonl", "train.jsonl")
    assert guard.tidied(said, "") == said
