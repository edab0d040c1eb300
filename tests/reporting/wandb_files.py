"""Reads back what W&B wrote for an offline run: a log in LevelDB's format, of protocol buffers."""

import json
import struct
from pathlib import Path

from tests.waiting import until

BLOCK = 32768
FULL, FIRST, LAST = 1, 2, 4


def records(folder: Path):
    """The records of the only offline run under a job's folder, once W&B's own process has written the last one."""
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    until(lambda: any(record.WhichOneof("record_type") == "exit" for record in _records(path)))
    return list(_records(path))


def _records(path: Path):
    """The records that are written whole so far."""
    from wandb.proto import wandb_internal_pb2

    content, place, held = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        place += 7
        if place + length > len(content):
            return  # W&B's own process is still writing this record
        held = content[place : place + length] if kind in (FULL, FIRST) else held + content[place : place + length]
        place += length
        if kind in (FULL, LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(held)
            yield record


def key(item):
    """An item's key, which is one name or a path of names."""
    return item.key or "/".join(item.nested_key)


def history(folder: Path):
    """The rows of a run's history."""
    found = [record.history for record in records(folder) if record.WhichOneof("record_type") == "history"]
    return [{key(item): json.loads(item.value_json) for item in row.item} for row in found]


def summary(folder: Path):
    """What a run's summary holds at last, as it was set."""
    found = [record.summary for record in records(folder) if record.WhichOneof("record_type") == "summary"]
    return {key(item): json.loads(item.value_json) for part in found for item in part.update}


def run(folder: Path):
    """The run itself: id, name, group."""
    return next(record.run for record in records(folder) if record.WhichOneof("record_type") == "run")
