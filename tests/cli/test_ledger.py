import pytest

from mmst.cli.ledger import age, main
from mmst.errors import DataError
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.spec import RowsSpec, rows_key
from mmst.ledger.stored import noting, stored_stages
from mmst.training.checkpoint import content_hash
from mmst.types import Example, GradedSample, Problem, Sample, Verdict


def kept(ledger, name, spec, rows, row_type):
    return ledger.chain(rows, [Work(name, spec, lambda part, task: part, row_type)], Chunking(100), name)


def sampled(ledger, checkpoint, round, problem, source=None):
    """A graded sample, or translation, that a checkpoint gave in a round."""
    method = "code" if source else "text"
    id = f"{source}>code/0" if source else f"{problem.id}/text/0"
    row = Sample(id, problem.id, method, 0, 1, "8", "stop", 1, 1, None, 0.0, 1.0, 9, "hf", source)
    name = "translate" if source else "sample"
    draw = {"purpose": "text -> code" if source else "train/text", "round": round, "seed": 0}
    made = kept(ledger, name, {"checkpoint": checkpoint, "draw": draw}, [row], Sample)
    settings = {"samples": made.key, "problems": rows_key([problem]), "method": method}
    return kept(ledger, "grade", settings, [GradedSample(row, "8", Verdict.RIGHT, "")], GradedSample), id


def trained(ledger, start, round, ids):
    rows = [Example(id, "text -> code", "p", "Question", f"8 {round}") for id in ids]
    kept(ledger, "examples", RowsSpec(rows_key(rows)), rows, Example)
    with ledger.stage("train", {"examples": rows_key(rows), "start": start}) as stage:
        folder = stage.folder / "checkpoint"
        folder.mkdir()
        (folder / "model.safetensors").write_text(f"weights {round}")
        stage.finish({"checkpoint": content_hash(folder), "title": f"train multi, round {round}"})
    return stage


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A ledger of two rounds by one run, `run`, and a stage that no run needs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    root = tmp_path / "runs" / "ledger"
    ledger = Ledger(root, None, noting(tmp_path / "runs" / "run", root))
    problem = Problem("p", "3 + 5?", "8")
    kept(ledger, "problems", RowsSpec(rows_key([problem])), [problem], Problem)
    start, stages = "0ba5e", {}
    for number in (1, 2):
        _, text = sampled(ledger, start, number, problem)
        _, code = sampled(ledger, start, number, problem, text)
        stages[number] = trained(ledger, "0ba5e", number, [text, code])
        start = stages[number].manifest()["checkpoint"]
    kept(Ledger(root), "dropped", {"rows": "of nobody"}, [problem], Problem)
    return root, stages


def test_stages_are_listed_with_their_runs_in_the_order_that_is_asked_for(made, capsys):
    root, _ = made
    main([str(root), "--by", "run"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "dropped-" in lines[0]
    assert all(line.split("│")[-2].strip() == "run" for line in lines[1:])
    assert "done" in lines[1]


def test_a_checkpoint_is_shown_with_all_that_it_was_made_from_down_to_the_base(made, capsys):
    _, stages = made
    main(["show", stages[2].manifest()["checkpoint"][:8]])
    lines = capsys.readouterr().out.splitlines()
    places = [(len(line) - len(line.lstrip()), line.split("-")[0].split()[0]) for line in lines]
    assert places[:2] == [(0, "train"), (2, "examples")]
    assert {name for depth, name in places if depth == 4} == {"grade"}
    assert f"  checkpoint {stages[1].manifest()['checkpoint']}" not in lines
    assert any(stages[1].folder.name in line for line in lines), "the second round sampled from the first round's checkpoint"
    assert "round 1, seed 0" in "".join(lines)
    assert lines[-1] == "  checkpoint 0ba5e: the base, or a model from outside the ledger"
    main(["show", stages[1].folder.name])
    shown = capsys.readouterr().out
    assert "round 2" not in shown
    assert shown.count("translate-") == 1


def test_what_is_not_there_cannot_be_shown(made):
    with pytest.raises(DataError, match=r"no stage in .* is called nothing"):
        main(["show", "nothing"])


def test_pruning_names_what_no_run_needs_and_removes_it_when_told_to(made, capsys):
    root, _ = made
    before = [stored.name for stored in stored_stages(root)]
    main(["prune"])
    shown = capsys.readouterr().out
    assert shown.count("would be removed") == 1
    assert "--yes removes" in shown
    assert [stored.name for stored in stored_stages(root)] == before
    main(["prune", "--yes"])
    assert "dropped-" in capsys.readouterr().out
    assert [stored.name for stored in stored_stages(root)] == [name for name in before if not name.startswith("dropped-")]


def test_a_ledger_of_which_no_run_is_known_is_not_pruned(made):
    root, _ = made
    (root / ".runs").unlink()
    with pytest.raises(DataError, match="no run that is known"):
        main(["prune", "--yes"])


def test_files_are_compared_with_their_hashes(made, capsys):
    root, stages = made
    main(["verify"])
    assert "are as they were written" in capsys.readouterr().out
    (stages[1].folder / "checkpoint" / "model.safetensors").write_text("weights X")
    chunk = next(root.glob("sample-*/chunk-00000.jsonl"))
    chunk.write_text("{}\n")
    with pytest.raises(DataError, match=r"2 files in .* differ"):
        main(["verify"])
    shown = capsys.readouterr().out.replace("\n", "")
    assert str(chunk.relative_to(root.parents[1])) in shown
    assert f"{stages[1].folder.name}/checkpoint" in shown


@pytest.mark.parametrize(("seconds", "told"), [(-1, "0 s"), (119, "119 s"), (600, "10 min"), (7200, "2 h"), (259200, "3 days")])
def test_an_age_is_told_in_its_largest_unit(seconds, told):
    assert age(seconds) == told
