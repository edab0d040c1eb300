import importlib.util
import json
import math
import re
import sys
from dataclasses import dataclass, field, make_dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from mmst.errors import ConfigError
from mmst.ledger.spec import key_of, part_spec, plain, rows_key, source_of, version_of
from mmst.methods.code import CodeMethod
from mmst.methods.equation import EquationMethod
from mmst.methods.text import TextMethod
from mmst.sandbox.pool import SandboxPool
from mmst.types import Dropped, DropReason


@dataclass(frozen=True)
class Inner:
    words: tuple[str, ...] = ("a", "b")
    table: dict[str, int] = field(default_factory=lambda: {"x": 1, "y": 2})


@dataclass(frozen=True)
class Spec:
    count: int = 1
    share: float = 0.5
    name: str = "n"
    none: str | None = None
    flag: bool = True
    inner: Inner = field(default_factory=Inner)


OTHERS = [
    replace(Spec(), **change)
    for change in (
        {"count": 2}, {"share": 0.25}, {"share": math.inf}, {"share": math.nan}, {"share": None}, {"name": "m"}, {"none": ""},
        {"flag": False}, {"inner": Inner(("a",))}, {"inner": Inner(("ab",))}, {"inner": Inner(table={"x": 2, "y": 1})},
    )
]  # fmt: skip


def test_each_value_of_each_field_has_a_key_of_its_own():
    keys = [key_of(spec) for spec in (Spec(), *OTHERS)]
    assert len(set(keys)) == len(keys)
    assert key_of(Spec()) == key_of(Spec(inner=Inner(table={"y": 2, "x": 1}))) == keys[0]
    assert len(keys[0]) == 16


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_field_that_is_added_counts(names):
    fewer, more = (make_dataclass("Spec", chosen)(*range(len(chosen))) for chosen in (names, [*names, "d"]))
    assert key_of(fewer) != key_of(more)


def test_settings_have_a_key_whatever_their_order():
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}) != key_of({"a": 1, "b": [3]})


def test_what_is_not_plain_is_refused_rather_than_forgotten():
    with pytest.raises(TypeError):
        key_of(Spec(name=object()))


def test_a_spec_stands_in_a_manifest_as_plain_values():
    assert json.loads(json.dumps(plain(Spec())))["inner"] == {"words": ["a", "b"], "table": {"x": 1, "y": 2}}


def test_rows_are_named_by_what_they_hold_and_their_order():
    rows = [Dropped(str(n), "e", DropReason.ANSWER_ONLY) for n in range(3)]
    assert rows_key(rows) == rows_key(iter(rows))
    assert len({rows_key(rows), rows_key(rows[::-1]), rows_key(rows[:2]), rows_key([])}) == 4


METHOD = """
from dataclasses import dataclass
LIMIT = {limit}

class Base:
    def read(self):
        return {value}

@dataclass
class Mine({base}):
    share: float = 0.5
    _seen: int = 0
"""


def loaded(folder, name, **values):
    """The class of a module, of these values, that lies in a file of its own; always under one module's name."""
    path = Path(folder) / f"{name}.py"
    path.write_text(METHOD.format(**{"limit": 1, "value": 2, "base": "Base", **values}))
    spec = importlib.util.spec_from_file_location("their_module", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["their_module"] = module
    spec.loader.exec_module(module)
    return module.Mine


@pytest.mark.parametrize("change", [{"value": 3}, {"limit": 2}, {"base": "object"}])
def test_another_source_of_a_class_outside_the_package_is_another_version(tmp_path, change):
    first = version_of(loaded(tmp_path, "a")())
    assert version_of(loaded(tmp_path, "b")()) == first
    assert version_of(loaded(tmp_path, "c", **change)()) != first


def test_a_class_without_a_source_is_refused():
    made = type("Made", (), {"__module__": "nowhere.at_all"})
    with pytest.raises(ConfigError, match=r"nowhere\.at_all\.Made has no source that can be read"):
        version_of(made())


def test_a_class_that_is_made_of_this_packages_has_both_versions(methods, monkeypatch):
    class Theirs(TextMethod):
        pass

    theirs, ours = Theirs(methods["text"].format), methods["text"]
    assert source_of(ours) is None
    assert source_of(theirs) == version_of(theirs)
    before = version_of(theirs)
    monkeypatch.setattr(TextMethod, "version", TextMethod.version + 1)
    assert version_of(theirs) != before


@pytest.mark.parametrize("kind", [TextMethod, CodeMethod, EquationMethod, SandboxPool])
def test_what_can_change_a_verdict_has_a_version(kind):
    assert vars(kind)["version"] >= 1


def test_a_part_is_all_of_its_fields_but_those_that_begin_with_an_underscore(tmp_path):
    mine = loaded(tmp_path, "a")
    assert part_spec(mine()) == part_spec(mine(_seen=3)) != part_spec(mine(share=0.1))
    holder = type("Holder", (), {"__module__": __name__})()
    holder.part, holder.rule, holder.place, holder.form = mine(), str.upper, tmp_path, re.compile(r"\d+")
    before = part_spec(holder)
    holder.part = mine(share=0.25)
    assert part_spec(holder) != before
    assert key_of(before)


def test_a_part_that_holds_what_cannot_be_told_apart_is_refused():
    holder = type("Holder", (), {"__module__": __name__})()
    holder.rule = object()
    with pytest.raises(ConfigError, match="Holder"):
        part_spec(holder)


class Slotted:
    __slots__ = ("share",)

    def __init__(self, share):
        self.share = share

    def __call__(self, problem, reading):
        return self.share > 1


class Hidden:
    def __init__(self, share):
        self._share = share
        self._lock = object()

    def __call__(self, problem, reading):
        return self._share > 1


def near(problem, reading, share):
    return share > 1


@pytest.mark.parametrize(
    "made",
    [Slotted, Hidden, lambda share: partial(near, share=share), lambda share: Slotted(share).__call__],
    ids=["slots", "private", "partial", "bound method"],
)
def test_another_setting_is_another_part_however_it_is_kept(made):
    assert key_of(part_spec(made(0.5))) != key_of(part_spec(made(1.5)))
    assert key_of(part_spec(made(0.5))) == key_of(part_spec(made(0.5)))
