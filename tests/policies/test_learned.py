import pytest

from mmst.errors import DataError
from mmst.policies.learned import LEARNED, Learned, learned_for, load, prepare, save
from mmst.policies.policy import PolicyError
from mmst.policies.router import Router
from mmst.policies.single import LogProb, One
from tests.policies.made import case, lived

POLICIES = [One(), LogProb(), Router()]


def test_what_is_learned_survives_the_file(tmp_path):
    ready = prepare(POLICIES, lived(text=1, code=3))
    save([Learned("multi", 1, "new", "m", ready.plain(POLICIES))], tmp_path)
    again = prepare(POLICIES, learned_for(load(tmp_path), "new", tmp_path))
    assert list(again.choosers) == ["one", "logprob", "router"]
    for name, chooser in again.choosers.items():
        assert chooser.choose([case("12", "5")]) == ready.choosers[name].choose([case("12", "5")])


def test_policies_without_verdicts_are_told_apart_from_those_that_need_none():
    ready = prepare(POLICIES, None)
    assert list(ready.choosers) == ["logprob"]
    assert list(ready.missing) == ["one", "router"]
    assert "`mmst train" in ready.missing["router"]


def test_a_folder_without_the_file_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(PolicyError, match=r"holds no policies.json; `mmst train` writes one"):
        load(tmp_path)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / LEARNED).write_text('[{"arm": 1}]')
    with pytest.raises(DataError, match=r"policies.json is damaged"):
        load(tmp_path)


def test_another_models_router_is_refused(tmp_path):
    save([Learned("multi", 1, "0123456789", "m")], tmp_path)
    with pytest.raises(PolicyError, match=r"made for other checkpoints than this one \(abcdefgh\): multi \(01234567\)"):
        learned_for(load(tmp_path), "abcdefghij", tmp_path)


def test_saved_values_of_another_kind_are_refused():
    ready = prepare([Router()], Learned("multi", 1, "new", "m", {"router": {"weights": 3}}))
    assert "of another kind" in ready.missing["router"]
