import base64
import gzip
import json
import re
import shutil
from types import SimpleNamespace

import datasets
import pyarrow.parquet
import pytest

from mmst.cli.main import main
from mmst.errors import DataError
from mmst.ledger.ledger import Ledger
from mmst.pipeline import EdgeCounts, ExampleSet
from mmst.publishing.publish import publish, staged
from mmst.publishing.rows import write_rows
from mmst.reporting.dataset import About, write_dataset
from mmst.reporting.runs import read_sweep
from mmst.types import Example
from tests.publishing.hub import hub_at_work, reach
from tests.publishing.made import trained_run


def refused(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(["export", *map(str, words)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def read(folder, name, tmp_path):
    return datasets.load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def sent(tmp_path_factory, nano):
    """A run that was pushed whole: its folder, the hub with what arrived, and where its base lay."""
    root = tmp_path_factory.mktemp("sent")
    base = str(root / "models" / "big")
    folder = trained_run(root / "runs" / "mine", root / "ledger", model={"name": base})
    shutil.copytree(nano, folder / "models" / "multi")
    config = folder / "models" / "multi" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "from": base}))
    with pytest.MonkeyPatch.context() as patched, hub_at_work() as hub:
        reach(hub, patched)
        publish(folder, "me/mine")
        yield SimpleNamespace(run=folder, hub=hub, root=root)


def test_a_run_goes_to_the_hub_whole_and_is_read_from_there(sent, tmp_path):
    hub = sent.hub
    assert all(repository.private for repository in hub.repositories.values())
    assert {"README.md", "config.json", "model.safetensors"} <= set(hub.files("model"))
    page = hub.files("space")
    assert "sdk: static\napp_file: index.html\n" in page["README.md"].decode()
    (beside,) = re.findall(r'data-beside="([^"]+)"', page["index.html"].decode())
    assert {f"{beside}index.js", f"{beside}0.js"} <= set(page)
    for name, content in hub.files("dataset").items():
        (tmp_path / "there" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "there" / name).write_bytes(content)
    multi = read(tmp_path / "there", None, tmp_path)
    assert set(multi.column_names) == {"id", "edge", "problem_id", "round", "prompt", "completion"}
    samples = read(tmp_path / "there", "samples", tmp_path).to_pandas().set_index("id")
    assert set(multi["id"]) == {id for id, arms in samples.kept_by.items() if "multi" in arms}
    assert samples.loc[multi["id"]].verdict.eq("right").all()
    assert samples.problem_id.str.startswith("train").all(), "answers to test problems stay here"
    (dropped,) = (row for row in samples.itertuples() if row.dropped)
    assert (dropped.dropped, list(dropped.kept_by)) == ("duplicate by self_both", ["multi"])
    assert dropped.question.startswith("How many of")


def test_the_same_run_again_is_no_commit(sent, capsys):
    sent.hub.asked.clear()
    main(["export", str(sent.run), "--push", "me/mine"])
    assert capsys.readouterr().out.splitlines() == [
        f"pushed {part}: {sent.hub.url}/{place} (as it was: nothing differs)"
        for part, place in (("model", "me/mine"), ("data", "datasets/me/mine"), ("page", "spaces/me/mine"))
    ]
    assert [sent.hub.commits(kind) for kind in ("model", "dataset", "space")] == [1, 1, 1]
    assert not [line for line in sent.hub.asked if "/commit/" in line or "/upload/" in line]


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_the_tables_of_cards_are_those_of_the_results(sent, kind):
    found = json.loads((sent.run / "results.json").read_text())
    card = sent.hub.files(kind)["README.md"].decode()
    cell = found["arms"]["multi"]["code"]
    percent = " ".join([f"{100 * cell['accuracy']:.1f}", f"[{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"])
    (line,) = re.findall(r"^\| test \| code \| (?!.* - ).*$", card, re.MULTILINE)
    assert line.split(" | ")[-2] == percent
    assert str(cell["n"]) in line.split(" | ")[-1]
    (row,) = (r for r in found["comparisons"] if (r["a"], r["b"], r["method"]) == ("self_both", "multi", "text"))
    points = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
    assert f"| test | text | multi - self_both | {points} | {row['p_holm']:.2g} | {row['n']} |" in card
    assert "- base model: big" in card
    assert "- data set: arithmetic (made by mmst, Apache-2.0)" in card
    assert "seed: 7" in card
    assert "labels: gold" in card


def test_paths_of_this_machine_stay_here(sent):
    assert json.loads(sent.hub.files("model")["config.json"])["from"] == "big"
    assert str(sent.root) in (sent.run / "models" / "multi" / "config.json").read_text(), "the run's own file is as it was"
    files = [file for kind in ("model", "dataset", "space") for file in sent.hub.files(kind).items()]
    for name, content in files:
        texts = [gzip.decompress(base64.b64decode(data)) for data in re.findall(rb'"(H4s[^"]+)"', content)]
        assert not [text for text in [content, *texts] if str(sent.root).encode() in text], name
    assert len([name for name, content in files if b'"H4s' in content]) == 2


def test_what_was_kept_and_dropped_is_in_the_card_of_the_data(run):
    card = (staged(run, ["data"])["data"] / "README.md").read_text()
    assert "| multi | code -> text | 60 | 30 | 30 | 20 | 20 |  |" in card
    assert "| multi | text -> text | 60 | 30 | 0 | 0 | 20 | answer_only 1 |" in card


def test_a_secret_in_a_sample_stops_all(run, hub, capsys, monkeypatch):
    rows = read_sweep(run).runs[0]
    (data,) = staged(run, ["data"]).values()
    row = pyarrow.parquet.read_table(data / "samples" / "train.parquet").to_pylist()[5]
    monkeypatch.setenv("MY_SECRET", row["completion"][3:60])
    said = refused(capsys, run, "--push", "me/mine")
    assert f"push: {data}/" in said
    assert "the value of MY_SECRET, so nothing was sent" in said
    assert row["completion"][3:60] not in said
    assert not hub.repositories
    assert rows.found["arms"] == json.loads((run / "results.json").read_text())["arms"]
    said = refused(capsys, run, "--push", "me/mine", "--parts", "page")
    assert f"a sample of the problem {row['problem_id']} holds the value of MY_SECRET" in said


def test_a_token_in_the_command_is_not_on_any_card(run):
    (run / ".hydra").mkdir()
    words = ["method=multi", "sampler.api_key=swordfish", "dataset.root=/srv/data/mine", "push.repo=me/mine"]
    (run / ".hydra" / "overrides.yaml").write_text("".join(f"- {word}\n" for word in words))
    for folder in staged(run, ["model", "data"]).values():
        assert "mmst train method=multi 'sampler.api_key=***' dataset.root=mine\n" in (folder / "README.md").read_text()


def test_a_push_that_fails_halfway_goes_on_by_the_command_that_it_names(run, hub, capsys):
    hub.failing["/api/datasets/me/mine/commit"] = 500
    words = ["--push", "me/mine", "--public", "--parts", "model", "data"]
    said = refused(capsys, run, *words)
    assert "the model arrived, and the data could not be pushed to me/mine: " in said
    assert f"all of it lies in {run / 'hub'}, and `mmst export {run} {' '.join(words)}` goes on." in said
    hub.failing.clear()
    main(["export", str(run), *words])
    assert capsys.readouterr().out.count("nothing differs") == 1
    assert [hub.commits(kind) for kind in ("model", "dataset")] == [1, 1]
    assert not hub.repositories["dataset", "me/mine"].private


def test_what_is_not_there_is_a_sentence(run, hub, tmp_path, capsys):
    assert "is no finished run" in refused(capsys, tmp_path / "nothing", "--push", "me/mine")
    assert "is no name of a repository" in refused(capsys, run, "--push", "me/my/mine")
    assert "name also where to write the model of multi" in refused(capsys, run, "multi")
    shutil.rmtree(run / "models")
    assert "has no model to push; it has data, page" in refused(capsys, run, "--push", "me/mine", "--parts", "model")
    found = json.loads((run / "results.json").read_text())
    found["ledger"]["root"] = str(tmp_path / "gone")
    (run / "results.json").write_text(json.dumps(found))
    with pytest.raises(DataError, match="does not hold what the arm self_both was trained on any more"):
        publish(run, "me/mine")
    assert not hub.repositories


def test_an_arm_that_is_called_samples_has_another_name(run, tmp_path):
    text = (run / "results.json").read_text().replace('"multi"', '"samples"')
    (run / "results.json").write_text(text)
    rows = read_sweep(run).runs[0]
    for row in rows.found["rounds"]:
        row["round"] = int(row["arm"] == "self_both")
    write_rows(rows, tmp_path / "out")
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.parquet")} == {"self_both", "samples"}


def test_a_model_alone_makes_a_private_repository(run, hub, tmp_path, capsys):
    main(["export", str(run), "multi", str(tmp_path / "out"), "--push", "me/mine"])
    assert f"pushed: {hub.url}/me/mine" in capsys.readouterr().out
    assert hub.repositories["model", "me/mine"].private
    assert {"README.md", "config.json", "model.safetensors"} <= set(hub.files("model"))
    shutil.rmtree(tmp_path / "out")
    hub.failing["/commit/"] = 403
    (run / "models" / "multi" / "notes.txt").write_text("new")
    said = refused(capsys, run, "multi", tmp_path / "out", "--push", "me/mine")
    assert f"{tmp_path / 'out'} is written, but could not be pushed to me/mine" in said
    assert (tmp_path / "out" / "config.json").is_file()


def test_examples_of_generate_are_pushed_as_they_are(hub, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = Example("1", "text -> text", "p", f"Question: in {tmp_path}/a?\nAnswer:", " The answer is 1.")
    examples = ExampleSet([row], {"text -> text": EdgeCounts(samples=9, pseudo_labels=4, examples=1, dropped={})})
    config = {"seed": 7, "sampler": {"api_key": "swordfish"}, "dataset": {"root": f"{tmp_path}/data"}}
    about = About("m", "gsm8k", "self_text", config)
    write_dataset(examples, Ledger(tmp_path / "ledger"), tmp_path / "run" / "examples", about)
    (tmp_path / "run" / ".hydra").mkdir()
    (tmp_path / "run" / ".hydra" / "config.yaml").write_text(json.dumps(config))
    main(["export", str(tmp_path / "run"), "--push", "me/mine"])
    assert capsys.readouterr().out == f"pushed data: {hub.url}/datasets/me/mine\n"
    card = hub.files("dataset")["README.md"].decode()
    assert "Problems: gsm8k (licence: MIT)." in card
    assert "api_key: '***'" in card
    assert "root: data\n" in card
    (told,) = read(tmp_path / "run" / "hub" / "data", None, tmp_path)
    assert told["prompt"] == "Question: in a?\nAnswer:"
