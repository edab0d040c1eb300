import datasets

from tests.commands import TINY


def test_a_data_set_that_others_can_read(runs):
    finished = runs.run("generate.py", *TINY, "method=code_to_text", "show=1")
    assert finished.returncode == 0, finished.stderr
    folder = finished.stdout.strip().splitlines()[-1].removeprefix("results: ")
    rows = datasets.load_dataset(folder, split="train", cache_dir=str(runs.folder / "cache"))
    assert {"prompt", "completion", "edge", "id", "problem_id"} == set(rows.column_names)
    assert set(rows["edge"]) <= {"text -> text", "code -> code", "code -> text"}
    assert all(row["prompt"].startswith("Question: ") and row["completion"].strip() for row in rows)
    samples = datasets.load_dataset(folder, "samples", split="train", cache_dir=str(runs.folder / "cache"))
    assert {"right", "wrong"} <= set(samples["verdict"])
    assert set(rows["id"]) <= set(samples["id"])
    card = (runs.folder / folder / "README.md").read_text()
    assert f"# {len(rows)} examples of arithmetic by nano, recipe `code_to_text`" in card
    assert "| code -> text |" in card


def test_a_recipe_without_edges_is_refused(runs):
    finished = runs.run("generate.py", "debug=tiny", "method=none")
    assert finished.returncode == 2
    assert "nothing to generate" in finished.stderr


def test_one_arm_has_none_to_match(runs):
    finished = runs.run("generate.py", "debug=tiny", "method=multi_matched")
    assert finished.returncode == 2
    assert "there is none to match" in finished.stderr
