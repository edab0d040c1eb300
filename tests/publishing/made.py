"""A made run as training leaves it: the ledger holds what each arm was trained on, and what was left out."""

import json

from mmst.ledger.ledger import Ledger
from mmst.types import Dropped, Example, GradedSample, Sample
from tests.reporting.made import CONFIG, made_run, stage

FILTER = {"_target_": "mmst.filters.filter.Filter", "labels": "gold"}
NAMED = {"method": {"name": "multi"}, "filter": FILTER, "seed": 7, "job": "train"}


def trained_run(folder, ledger_root, **more):
    """See `made_run`; `more` is of its configuration. Right samples are kept; text's first one is dropped by `self_both`."""
    made_run(folder, ledger_root, config={**CONFIG, **NAMED, **more}, problems=8)
    found = json.loads((folder / "results.json").read_text())
    ledger = Ledger(ledger_root)
    right = [row.sample for row in training_samples(ledger_root, found) if row.verdict == "right"]
    out = next(row for row in right if row.method == "text")
    for arm in ("self_both", "multi"):
        left = [out] if arm == "self_both" else []
        kept = [row for row in right if row not in left and (arm == "multi" or row.source_id is None)]
        rows = [Example(row.id, edge_of(row), row.problem_id, "Question?\nAnswer:", row.completion) for row in kept]
        stage(ledger, "examples", {"rows": f"rows of {arm}"}, rows, Example)
        stage(ledger, "dropped", {"of": arm}, [Dropped(row.id, edge_of(row), "duplicate") for row in left], Dropped)
        facts = {"title": f"train   {arm}, round 1", "checkpoint": f"{arm} trained"}
        stage(ledger, "train", {"examples": f"rows of {arm}"}, [], Sample, facts)
    found["ledger"]["stages"] += [used.folder.name for used in ledger.used]
    (folder / "results.json").write_text(json.dumps(found))
    return folder


def training_samples(root, found):
    """What was sampled and translated of training problems."""
    from mmst.ledger.stage import done_stage

    stages = [done_stage(root, name) for name in found["ledger"]["stages"] if name.startswith("grade-")]
    rows = [row for stage in stages for row in stage.rows(GradedSample)]
    return [row for row in rows if row.sample.problem_id.startswith("train")]


def edge_of(row):
    return f"{row.source_id.split('/')[1] if row.source_id else row.method} -> {row.method}"
