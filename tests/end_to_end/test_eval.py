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


def test_reference_programs_in_the_hubs_columns_are_all_right(runs):
    row = {
        "task_id": 1,
        "text": "Write a function to add two numbers.",
        "code": "def add(a, b):\n    return a + b",
        "test_list": ["assert add(1, 2) == 3"],
        "test_setup_code": "",
        "challenge_test_list": [],
    }
    (runs.folder / "mbpp").mkdir()
    (runs.folder / "mbpp" / "test.jsonl").write_text(json.dumps(row) + "\n")
    words = ("dataset=mbpp", "dataset.root=.", "sampler=references", "solvers=[code]", "policy=[]")
    found = runs.results(runs.run("eval.py", *words))
    assert (found["arms"]["nano"]["code"]["accuracy"], found["arms"]["nano"]["code"]["n"]) == (1.0, 1)


def test_reasons_are_looked_at_by_execution_too(runs):
    finished = runs.run("eval.py", "dataset.limit=20", "splits=[test]", "evaluation.reasons=[steps,execution]", "policy=[]")
    found = runs.results(finished)
    rates = {(row["method"], row["way"]): row for row in found["reasons"]}
    assert set(rates) == {(method, way) for method in ("text", "code") for way in ("steps", "execution")}
    assert rates["code", "steps"]["n"] == 0
    assert all(rates[key]["n"] for key in (("text", "steps"), ("text", "execution"), ("code", "execution")))
    (tables,) = runs.folder.glob("runs/eval/*/tables.txt")
    assert "right answers with wrong reasons" in tables.read_text()
    refused = runs.run("eval.py", "evaluation.reasons=[judge]")
    assert refused.returncode == 2
    assert "choose it by judge=llm judge.model=NAME" in refused.stderr
