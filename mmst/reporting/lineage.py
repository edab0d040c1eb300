"""What a stage was made from, down to the base.

1. In: a stage of a ledger, and the runs whose results or notes name it.
2. A stage's settings name what it was made from: by a stage's key, by the hash of its rows, or by that of a checkpoint. Which
   samples became examples, or were translated, stands in the rows alone, by their ids: of the stages that a run has of the
   same round.
3. Out: the stage and its ancestors, each once, with how far below it they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mmst.ledger.stored import Stored
from mmst.reporting.samples import training_title
from mmst.stages.asked import NAME as PROMPTS
from mmst.types import Example, GradedSample, Sample

NAMES = ("samples", "problems", "prompts", "checkpoint", "examples", "start", "rows")
"""Settings that may name another stage."""
BASE = "the base, or a model from outside the ledger"


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A stage in a lineage; or, without a stage, the checkpoint that it begins with."""

    depth: int
    what: str
    stage: Stored | None = None
    again: bool = False
    """Whether it stands further up, with what it was made from."""


@dataclass(frozen=True)
class Lineage:
    """The stages of a ledger, and which run has which, in the order in which it asked for them."""

    stages: Sequence[Stored]
    runs: Sequence[Sequence[str]] = field(default=())
    """The names of each run's stages."""

    @cached_property
    def manifests(self) -> dict[str, Mapping[str, Any]]:
        """A stage's name -> what is written of it."""
        return {stored.name: stored.manifest for stored in self.stages}

    @cached_property
    def by_name(self) -> dict[str, Stored]:
        """The stages by their folders' names."""
        return {stored.name: stored for stored in self.stages}

    @cached_property
    def known(self) -> dict[str, list[Stored]]:
        """What settings may name -> the stages that it names: a key, the hash of kept rows, the hash of a checkpoint."""
        found: dict[str, list[Stored]] = defaultdict(list)
        for stored in self.stages:
            manifest = self.manifests[stored.name]
            settings = manifest.get("settings", {})
            for key in {stored.stage.key, manifest.get("checkpoint"), settings.get("rows")} - {None}:
                found[str(key)].append(stored)
        return found

    def of(self, stored: Stored) -> Iterator[Ancestor]:
        """The stage, and what it was made from, the nearest first."""
        yield from self._below(stored, 0, set())

    def _below(self, stored: Stored, depth: int, seen: set[str]) -> Iterator[Ancestor]:
        again = stored.name in seen
        yield Ancestor(depth, self.told(stored), stored, again)
        if again:
            return
        seen.add(stored.name)
        settings = self.manifests[stored.name].get("settings", {})
        parents = [*self._named(stored, settings), *self._by_ids(stored, settings)]
        for parent in {parent.name: parent for parent in parents}.values():
            yield from self._below(parent, depth + 1, seen)
        for name in ("checkpoint", "start"):
            if (key := settings.get(name)) is not None and not self.known.get(str(key)):
                yield Ancestor(depth + 1, f"checkpoint {key}: {BASE}")

    def _named(self, stored: Stored, settings: Mapping[str, Any]) -> Iterator[Stored]:
        wanted = {"prompts": PROMPTS, "problems": "problems", "examples": "examples", "checkpoint": "train", "start": "train"}
        for name in NAMES:
            for other in self.known.get(str(settings.get(name)), []):
                kind = other.stage.name
                if other.name != stored.name and (name == "samples" or kind == wanted.get(name)):
                    yield other

    def _by_ids(self, stored: Stored, settings: Mapping[str, Any]) -> list[Stored]:
        """The graded samples that a stage's examples were made from, or that its translations were."""
        kind = stored.stage.name
        if kind == "translate":
            ids = {row.source_id for row in stored.stage.rows(Sample)}
            number = settings.get("draw", {}).get("round")
            own = self._graded(stored, ids, number, settings.get("checkpoint"))
            return own or self._graded(stored, ids, number, None)  # another model's samples, where a stronger one translates
        if kind != "examples":
            return []
        ids = {row.id for row in stored.stage.rows(Example)}
        number, start = self._round(stored)
        return self._graded(stored, ids, number, start)

    def _graded(self, stored: Stored, ids: set[Any], round: int | None, checkpoint: str | None) -> list[Stored]:
        near = {name for names in self.runs if stored.name in names for name in names[: names.index(stored.name)]}
        found = []
        for other in (self.by_name[name] for name in sorted(near & self.by_name.keys()) if name.startswith("grade-")):
            made = self.known.get(str(self._setting(other, "samples")), [])
            drawn = any(self._drawn(row, round, checkpoint) for row in made)
            if drawn and any(row.sample.id in ids for row in other.stage.rows(GradedSample)):
                found.append(other)
        return found

    def _drawn(self, made: Stored, round: int | None, checkpoint: str | None) -> bool:
        """Whether samples were drawn in a round, and from a checkpoint; translations by whatever model."""
        drawn = (self._setting(made, "draw") or {}).get("round") == round
        return drawn and (checkpoint in (None, self._setting(made, "checkpoint")) or made.stage.name == "translate")

    def _round(self, examples: Stored) -> tuple[int, str | None]:
        """The round whose samples the examples are from, and the checkpoint that was sampled from where it is no base."""
        rows = self._setting(examples, "rows")
        titles = [self._title(stored) for stored in self._trainings() if self._setting(stored, "examples") == rows]
        if not titles:
            return 1, None
        arm, _, number = titles[0].rpartition(", round ")
        if not number.isdecimal() or int(number) < 2:
            return 1, None
        before = f"{arm}, round {int(number) - 1}"
        near = {name for names in self.runs if examples.name in names for name in names}
        made = [stored for stored in self._trainings() if stored.name in near and self._title(stored) == before]
        return int(number), str(self.manifests[made[0].name]["checkpoint"]) if made else None

    def _trainings(self) -> list[Stored]:
        return [stored for stored in self.stages if stored.stage.name == "train" and self.manifests[stored.name]]

    def _title(self, stored: Stored) -> str:
        return training_title({"title": self.manifests[stored.name].get("title", "")})

    def _setting(self, stored: Stored, name: str) -> Any:
        return self.manifests[stored.name].get("settings", {}).get(name)

    def told(self, stored: Stored) -> str:
        """A stage in a few words."""
        manifest = self.manifests[stored.name]
        settings = manifest.get("settings", {})
        draw = settings.get("draw", {})
        words = [
            f"{manifest['rows']:,} rows" if "rows" in manifest else "" if manifest else "half done",
            f"checkpoint {manifest['checkpoint']}" if "checkpoint" in manifest else "",
            self._title(stored) if "title" in manifest else "",
            f"{draw.get('purpose')}, round {draw.get('round')}, seed {draw.get('seed')}" if draw else "",
            f"by {settings['method']}" if isinstance(settings.get("method"), str) else "",
        ]
        return f"{stored.name}: {'; '.join(word for word in words if word)}"
