import json


def test_the_embedded_model_on_its_world(runs):
    found = runs.results(runs.run("eval.py", "dataset.test.size=60", "splits=[test,heldout]", "dataset.heldout.size=8"))
    assert set(found["arms"]) == {"nano"}
    assert found["arms"]["nano"]["text"]["n"] == 60
    assert found["heldout"]["heldout"]["arms"]["nano"]["code"]["n"] == 8


def test_a_users_own_file_and_limit(runs):
    rows = [
        {"question": f"Ana had {i} coins and gave 2 of them to Ben. How many coins are left?", "answer": i - 2}
        for i in range(5, 25)
    ]
    (runs.folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = runs.results(runs.run("eval.py", "dataset=jsonl", "dataset.path=mine.jsonl", "dataset.limit=10"))
    assert found["arms"]["nano"]["code"]["n"] == 10
    assert found["arms"]["nano"]["either"]["accuracy"] > 0.5


def test_more_data_sets_take_settings_of_their_own(runs):
    rows = [
        {"question": f"Ana had {i} coins and gave 2 of them to Ben. How many are left?", "answer": i - 2} for i in range(5, 25)
    ]
    (runs.folder / "svamp").mkdir()
    (runs.folder / "svamp" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    own = '"svamp dataset.root=. dataset.limit=6 dataset.name=six"'
    found = runs.results(runs.run("eval.py", "dataset.test.size=20", "dataset.limit=9", f"datasets=[{own}]"))
    assert (found["arms"]["nano"]["text"]["n"], found["heldout"]["six"]["arms"]["nano"]["text"]["n"]) == (9, 6)
    finished = runs.run("eval.py", 'datasets=["svamp limit=6"]')
    assert finished.returncode == 2
    assert "datasets: 'svamp limit=6' must be a name of the group dataset" in finished.stderr


def test_another_split_must_exist(runs):
    finished = runs.run("eval.py", "splits=[tset]")
    assert finished.returncode == 2
    assert "no split 'tset'; it has train, test, heldout" in finished.stderr
