"""A whole evaluation whose verdicts a language model gives, behind a server of the test's own."""

import json
import re

from tests.samplers.conftest import ScriptedServer, reply

SHOWN = re.compile(r"Gold answer: (?P<gold>.*)\n\nAnswer to judge: (?P<answer>.*)\n")


def says(body, attempt):
    """Right or wrong as a person would; of one gold answer nonsense, of another an error."""
    shown = SHOWN.search(body["messages"][0]["content"])
    if shown["gold"] == "4":
        return 500, "out of order"
    word = "It depends." if shown["gold"] == "3" else "right" if shown["gold"] == shown["answer"] else "wrong"
    choice = {"index": 0, "message": {"role": "assistant", "content": word}, "finish_reason": "stop"}
    return 200, reply("") | {"object": "chat.completion", "choices": [choice]}


def test_a_model_judges_a_whole_evaluation(runs):
    rows = [
        {"question": f"Ana had {i} coins and gave 2 of them to Ben. How many coins are left?", "answer": i - 2}
        for i in range(5, 15)
    ]
    (runs.folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    server = ScriptedServer(says)
    try:
        finished = runs.run(
            "eval.py",
            "dataset=jsonl",
            "dataset.path=mine.jsonl",
            "judge=llm",
            f"judge.base_url={server.url}",
            "judge.model=m",
            "judge.retries=0",
        )
    finally:
        server.close()
    found = runs.results(finished)
    said = " ".join((finished.stdout + finished.stderr).split())
    assert found["judge_agreement"]["nano"]["code"] == {"n": 8, "same": 8}
    assert found["arms"]["nano"]["code"]["unjudged"] == 2
    assert "judge: 1 of 10 are unjudged: the judge replied neither right nor wrong: It depends." in said
    assert "judge: 1 of 10 are unjudged: the judge's server failed" in said
    assert "the same verdict as judge=exact by text 8 of 8, code 8 of 8" in said
    lines = [line for file in runs.folder.glob("ledger/grade-*/chunk-*.jsonl") for line in file.read_text().splitlines()]
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 20
    assert {(row["verdict"], row["reason"]) for row in rows} >= {
        ("right", "model"),
        ("unjudged", "the judge replied neither right nor wrong: It depends."),
    }
