"""What policies have learned, as a file of a run: `mmst answer` and `mmst eval` choose by it without the training problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mmst.errors import DataError
from mmst.ledger.files import atomic_write
from mmst.policies.case import Experience
from mmst.policies.policy import Chooser, Policy, PolicyError

LEARNED = "policies.json"


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned for one checkpoint."""

    arm: str
    round: int
    checkpoint: str
    """The key of the checkpoint that is to be chosen for."""
    model: str
    """The key of the checkpoint whose verdicts it is from: the one that this was trained from, or itself."""
    policies: dict[str, Any] = field(default_factory=dict)
    """Policy -> what it fitted, as plain values."""


@dataclass(slots=True)
class Ready:
    """Policies that can choose for one checkpoint, and why others cannot."""

    choosers: dict[str, Chooser] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Policy -> what it lacks, in a sentence."""

    def plain(self, policies: Sequence[Policy]) -> dict[str, Any]:
        """What was learned, to be saved."""
        return {p.name: msgspec.to_builtins(self.choosers[p.name]) for p in policies if p.learns and p.name in self.choosers}


def prepare(policies: Sequence[Policy], source: Experience | Learned | None) -> Ready:
    """Fit policies to verdicts, or take up what was learned from them earlier."""
    found = Ready()
    for policy in policies:
        try:
            if isinstance(source, Learned) and policy.learns and policy.name in source.policies:
                found.choosers[policy.name] = _restored(policy, source)
            else:
                found.choosers[policy.name] = policy.fit(source if isinstance(source, Experience) else None)
        except PolicyError as error:
            found.missing[policy.name] = str(error)
    return found


def save(rows: Sequence[Learned], folder: Path) -> Path:
    """Write `policies.json`."""
    path = folder / LEARNED
    atomic_write(path, msgspec.json.encode(list(rows)))
    return path


def load(folder: Path) -> dict[str, Learned]:
    """Checkpoint's key -> what was learned for it, from a run's folder.

    Raises:
        PolicyError: the folder holds none.
        DataError: the file is damaged.
    """
    path = folder / LEARNED
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[Learned])
    except OSError as error:
        raise PolicyError(
            f"learned={folder} holds no {LEARNED}; `mmst train` writes one into its run's folder, such as runs/train/default."
        ) from error
    except msgspec.DecodeError as error:
        raise DataError(f"{path} is damaged; run `mmst train` again with the run's name, which makes it anew.") from error
    return {row.checkpoint: row for row in rows}


def learned_for(rows: Mapping[str, Learned], checkpoint: str, folder: Path) -> Learned:
    """What was learned for one checkpoint.

    Raises:
        PolicyError: it was learned for others.
    """
    if checkpoint in rows:
        return rows[checkpoint]
    arms = ", ".join(f"{row.arm} ({row.checkpoint[:8]})" for row in rows.values()) or "none"
    raise PolicyError(
        f"learned={folder} was made for other checkpoints than this one ({checkpoint[:8]}): {arms}; give the run that "
        "trained it, or one of them as the model."
    )


def _restored(policy: Policy, source: Learned) -> Chooser:
    try:
        return policy.restore(source.policies[policy.name])
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"policy={policy.name}: what was learned for {source.arm} is of another kind; train again."
        ) from error
