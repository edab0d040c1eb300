import pytest

from mmst.errors import ConfigError, NotPushedError
from mmst.publishing.hub import check_target, push_folder

CARD = "---\ntags: [mmst]\n---\n# Card\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out" / "multi").mkdir(parents=True)
    (tmp_path / "out" / "README.md").write_text(CARD)
    (tmp_path / "out" / "multi" / "train.parquet").write_bytes(b"rows")
    return tmp_path / "out"


def test_a_folder_is_one_commit_in_a_new_private_repository(hub, folder):
    pushed = push_folder(folder, "me/mine", "dataset", private=True)
    assert (pushed.address, pushed.changed) == (f"{hub.url}/datasets/me/mine", True)
    assert hub.repositories["dataset", "me/mine"].private
    assert hub.files("dataset") == {".gitattributes": b"", "README.md": CARD.encode(), "multi/train.parquet": b"rows"}
    assert hub.commits("dataset") == 1


def test_the_same_again_is_no_commit(hub, folder):
    push_folder(folder, "me/mine", "dataset", private=True)
    assert not push_folder(folder, "mine", "dataset", private=True).changed
    assert hub.commits("dataset") == 1


def test_what_an_earlier_push_left_goes_and_what_others_put_there_stays(hub, folder):
    push_folder(folder, "me/mine", "dataset", private=False)
    hub.files("dataset")["notes.txt"] = b"of mine"
    (folder / "multi" / "train.parquet").rename(folder / "train.parquet")
    assert push_folder(folder, "me/mine", "dataset", private=False).changed
    assert set(hub.files("dataset")) == {".gitattributes", "README.md", "train.parquet", "notes.txt"}


def test_a_space_is_static(hub, folder):
    push_folder(folder, "me/mine", "space", private=True)
    assert hub.repositories["space", "me/mine"].sdk == "static"


def test_a_repository_of_something_else_is_left_alone(hub, folder):
    push_folder(folder, "me/mine", "model", private=True)
    hub.files("model")["README.md"] = b"---\ntags: [llama]\n---\n"
    with pytest.raises(NotPushedError, match="something else, which mmst did not push"):
        push_folder(folder, "me/mine", "model", private=True)
    assert hub.commits("model") == 1


def test_what_is_private_does_not_go_into_a_public_repository(hub, folder):
    push_folder(folder, "me/mine", "model", private=False)
    with pytest.raises(NotPushedError, match="it is public"):
        push_folder(folder, "me/mine", "model", private=True)


@pytest.mark.parametrize(("status", "said"), [(401, "hf auth login"), (403, "may not write there"), (500, "500")])
def test_a_refusal_is_a_line(hub, folder, status, said):
    hub.failing["/commit/"] = status
    with pytest.raises(NotPushedError, match=said) as refused:
        push_folder(folder, "me/mine", "dataset", private=True)
    assert "\n" not in str(refused.value)
    hub.failing.clear()
    assert push_folder(folder, "me/mine", "dataset", private=True).changed


def test_a_namespace_of_someone_else(hub, folder):
    with pytest.raises(NotPushedError, match="may not write there"):
        push_folder(folder, "you/yours", "dataset", private=True)


def test_no_network(folder, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(NotPushedError, match="Connection refused"):
        push_folder(folder, "me/mine", "dataset", private=True)


def test_names_and_tokens_are_looked_at_before_any_work(hub, monkeypatch, tmp_path):
    check_target("me/mine")
    with pytest.raises(ConfigError, match="'me/my model' is no name"):
        check_target("me/my model")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(NotPushedError, match="hf auth login"):
        check_target("me/mine")
