"""What ledgers hold, wherever their chunks closed."""

import json

CLOSED = ("chunks", "inputs")
"""What a manifest says of where chunks closed."""


def without_chunks(files):
    """A ledger's files, with each stage's rows in one and nothing of its chunks. files: name below the ledger -> content."""
    found = {}
    for name in sorted(files):
        stage, _, file = name.partition("/")
        if file == "manifest.json":
            found[name] = {key: fact for key, fact in json.loads(files[name]).items() if key not in CLOSED}
        elif file.startswith("chunk-"):
            found[stage] = found.get(stage, b"") + (files[name] if file.endswith(".jsonl") else b"")
        else:
            found[name] = files[name]
    return found
