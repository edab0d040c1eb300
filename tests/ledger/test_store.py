import hashlib
from dataclasses import replace

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from mmst.errors import ConfigError, UserError
from mmst.ledger.store import Store, is_url, open_store
from tests.objects import impatient, objects


class Elsewhere(LocalFileSystem):
    """A folder under a protocol of its own, as over SFTP."""

    protocol = "elsewhere"


@pytest.fixture(params=["file", "elsewhere", "memory", "objects"])
def store(request, tmp_path):
    if request.param == "objects":
        return objects()
    if request.param == "elsewhere":
        return Store(Elsewhere(), str(tmp_path / "there"), "elsewhere://there", "/cache", ())
    return open_store(f"{request.param}://{tmp_path / 'there'}", tmp_path / "cache", ())


def known(content):
    return len(content), hashlib.sha256(content).hexdigest()


def test_objects_are_put_replaced_had_and_removed(store, tmp_path):
    assert store.folders() == []
    assert store.read("a/b.json") is None
    store.write("a/b.json", b"1")
    store.write("a/b.json", b"22")
    assert store.read("a/b.json") == b"22"
    (tmp_path / "here").write_bytes(b"333")
    store.put("c/d/e", tmp_path / "here")
    assert store.get("c/d/e", tmp_path / "back" / "e", *known(b"333"))
    assert (tmp_path / "back" / "e").read_bytes() == b"333"
    assert store.folders() == ["a", "c"]
    store.remove("a/b.json")
    store.remove("a/b.json")
    assert store.read("a/b.json") is None


def test_a_file_that_is_gone_meanwhile_is_told_from_a_store_that_is(store, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.put("a/b", tmp_path / "removed")


def test_what_is_created_is_there_and_where_it_can_be_told_the_first_stays(store):
    store.create("a/lease.json", b"first")
    store.create("a/lease.json", b"second")
    assert store.read("a/lease.json") in ([b"first"] if store.exclusive else [b"first", b"second"])


@pytest.mark.parametrize(
    "told", [known(b"1234"), (3, known(b"1234")[1]), (5, known(b"1234")[1]), (4, known(b"4321")[1]), (-1, "")]
)
def test_what_differs_in_size_or_hash_is_not_taken(store, tmp_path, told, caplog):
    store.write("a/b", b"1234")
    taken = told == known(b"1234")
    assert store.get("a/b", tmp_path / "back" / "b", *told) is taken
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["b"] * taken
    assert ("differs from what was written" in caplog.text) is not taken


def test_what_differs_is_not_read_again_and_again(tmp_path):
    store, calls = impatient(objects(), 0, 0), []
    store.write("a/b", b"1234")
    store.fs.fails = lambda call, path: calls.append(call)
    assert not store.get("a/b", tmp_path / "b", *known(b"4321"))
    assert calls == ["read"]


def test_what_is_gone_is_not_taken(store, tmp_path, caplog):
    assert not store.get("a/b", tmp_path / "b", *known(b""))
    assert "a/b is gone" in caplog.text


@pytest.mark.parametrize("place", ["file", "elsewhere"])
def test_where_files_are_written_in_place_an_object_is_never_there_in_part(tmp_path, place, monkeypatch):
    fs = {"file": LocalFileSystem, "elsewhere": Elsewhere}[place](skip_instance_cache=True)
    store = Store(fs, str(tmp_path / "there"), f"{place}://there", "/cache", ())
    store.write("a/b", b"whole")
    pipe = fs.pipe_file

    def torn(path, value, **options):
        pipe(path, value[:2])
        raise OSError("reset by peer")

    monkeypatch.setattr(fs, "pipe_file", torn)
    with pytest.raises(UserError, match=r"cannot be reached \(reset by peer\); what is done is kept in /cache, and the same"):
        store.write("a/b", b"other")
    assert store.read("a/b") == b"whole"


def test_what_the_network_fails_at_for_a_while_is_tried_again(tmp_path):
    store = impatient(objects(), 0, 0)
    failures = iter([TimeoutError("slow"), ConnectionResetError("reset")])

    def fails(call, path):
        for error in failures:
            raise error

    store.fs.fails = fails
    store.write("a/b", b"1")
    assert store.read("a/b") == b"1"


def refusing(error):
    def fails(call, path):
        raise error

    return fails


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("no route to host"), r"s3://bucket/ledger cannot be reached \(no route to host\)"),
        (PermissionError("Access Denied"), r"cannot be read and written \(PermissionError: Access Denied\)"),
        (FileNotFoundError("The specified bucket does not exist"), "see that the bucket or folder exists"),
        (OSError(30, "Read-only file system"), "cannot be read and written"),
    ],
)
def test_a_store_that_cannot_be_had_is_one_sentence(error, said):
    store = objects()
    store.fs.fails = refusing(error)
    with pytest.raises(UserError, match=said):
        store.write("a/b", b"1")


def test_a_listing_that_was_kept_is_not_believed():
    store = objects()
    store.write("a/x", b"1")
    assert store.folders() == ["a"]
    store.write("b/x", b"1")
    assert store.folders() == ["a", "b"]


def test_an_object_that_is_too_large_to_be_ours_is_not_read(monkeypatch):
    monkeypatch.setattr("mmst.ledger.store.MOST", 3)
    store = objects()
    store.write("a/b", b"1234")
    with pytest.raises(UserError, match="so it is none of mmst's; delete it"):
        store.read("a/b")


def test_a_place_is_a_url_or_a_folder():
    assert [is_url(place) for place in ("s3://b/x", "file:///x", "runs/ledger", "/a:b//c", "~/ledger")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nope://bucket/x", "paths.ledger=nope://bucket/x cannot be used: Protocol not known: nope"),
        ("simplecache::memory://x", "cannot be used: it is a chain of URLs"),
        ("memory://", "names no folder"),
        ("lacking://bucket/x", r"needs a package that is not installed: Install lackingfs for it \(`pip install lackingfs`\)"),
    ],
)
def test_a_url_that_is_not_usable_is_one_sentence(url, said, tmp_path):
    fsspec.register_implementation("lacking", "lackingfs.FileSystem", clobber=True, errtxt="Install lackingfs for it")
    with pytest.raises(ConfigError, match=said):
        open_store(url, tmp_path)


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(ConfigError, match="there is a password in the URL") as refused:
        open_store("sftp://me:secret@host/x", tmp_path)
    assert "secret" not in str(refused.value)


def test_a_file_where_the_folder_should_be_is_one_sentence(tmp_path):
    (tmp_path / "there").write_text("")
    store = replace(open_store(f"file://{tmp_path}/there", tmp_path / "cache"), waits=())
    with pytest.raises(UserError, match="cannot be read and written"):
        store.write("a/b", b"1")
