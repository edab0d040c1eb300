import json

import pytest


def planned(runs, *overrides):
    finished = runs.run("train.py", "plan=true", f"hydra.run.dir={runs.folder / 'plan'}", *overrides)
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
    assert not (runs.folder / "ledger").exists()
    return finished.stdout, json.loads((runs.folder / "plan" / "plan.json").read_text())


@pytest.mark.parametrize(
    ("overrides", "parameters"),
    [
        (["model=nano", "hardware=here"], 989_056),
        (["model=qwen3_8b", "trainer=fsdp2"], 8_190_735_360),
        (["model=bloom_176b", "trainer=deepspeed_zero3_offload", "dataset.limit=20"], 176_247_271_424),
    ],
    ids=lambda value: str(value),
)
def test_a_plan_tells_memory_time_and_price_and_runs_nothing(runs, overrides, parameters):
    printed, plan = planned(runs, *overrides)
    assert f"{parameters:,} parameters" in printed
    assert plan["size"]["parameters"] == parameters
    assert all(row["training_seconds"] > 0 and row["sampling_seconds"] > 0 for row in plan["rows"])
    assert all(row["cache"] < 1.1 * 2 * 2**30 for row in plan["rows"]), "what sampler=hf may hold"
    for word in ("grads", "cache", "fits", "price"):
        assert word in printed


def test_a_division_over_devices_shows_in_the_memory(runs):
    _, plan = planned(runs, "model=qwen3_8b", "trainer=deepspeed_zero2")
    first, *_, last = plan["rows"]
    assert last["training"]["optimizer"] < first["training"]["optimizer"] / 100
    assert last["training"]["weights"] == first["training"]["weights"]


def test_adapters_and_exemplars_that_rows_share_show_in_the_plan(runs):
    pytest.importorskip("peft")
    few_shot = ["model.shots=4", "model.longest=900", "trainer.options.layout=packed", "trainer.options.row=900"]
    rows = {}
    for name, more in (
        ("plain", ["trainer.options.share_prefixes=false"]),
        ("shared", []),
        ("adapted", ["model.lora=4"]),
    ):
        rows[name] = planned(runs, *few_shot, *more)[1]["rows"][0]
    assert rows["shared"]["training_seconds"] < 0.7 * rows["plain"]["training_seconds"]
    assert rows["adapted"]["training_seconds"] < 0.8 * rows["shared"]["training_seconds"]
    assert rows["adapted"]["training"]["optimizer"] < 0.2 * rows["shared"]["training"]["optimizer"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["hardware.memory=-1"], "hardware.memory=-1"),
        (["model=served", "model.name=theirs", "sampler=openai"], "'theirs' is on a server"),
        (["model.chat=true"], "no chat template"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(runs, overrides, said):
    finished = runs.run("train.py", "plan=true", *overrides)
    assert finished.returncode == 2
    assert said in finished.stderr
    assert "Traceback" not in finished.stderr
