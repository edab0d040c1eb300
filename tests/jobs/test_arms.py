"""How parts are handed out and what becomes of them, by an executor that computes in this process."""

import logging
import pickle
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from mmst.errors import UserError
from mmst.jobs import arms
from mmst.jobs.arms import Failure, compute_ahead, part_log, why_in_turn
from mmst.jobs.opened import Job
from mmst.methods.edge import Recipe
from mmst.pipeline import ProblemSet
from mmst.rounds import OnCollapse
from tests.composing import settings
from tests.test_ahead import plan as plan
from tests.test_pipeline import PROBLEMS


class Inline:
    """Computes at once, here. `dies`: the parts whose process dies."""

    def __init__(self, room=2, chosen=True, dies=()):
        self.room, self.chosen, self.dies = room, chosen, dies
        self.ended = False

    def at_once(self, parts, threads):
        return self.room

    def threads(self, at_once):
        return 3

    def start(self, work, *arguments):
        future = Future()
        if arguments[-2] in self.dies:
            future.set_exception(RuntimeError("a worker was killed"))
        else:
            future.set_result(work(*arguments))
        return future

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.ended = True


@pytest.fixture
def told(tmp_path):
    return replace(settings("train", "debug=tiny"), folder=tmp_path)


@pytest.fixture
def ahead(told, plan, methods, monkeypatch):
    """Computes the parts of the arms text, and both, which is cut to text; returns those that were, with their settings."""
    text, both = (Recipe.parse(name, edges, methods) for name, edges in (("text", ["text -> text"]), ("both", "self")))

    def run(executor, failures=(), changed=None):
        computed = {}

        def compute(settings, train_set, test_sets, name, place):
            assert (train_set, test_sets) == (PROBLEMS, ())
            computed[name] = settings
            part_log(settings.folder, name).write_text(f"[{name}] says so\nhalf a li")
            return dict(failures).get(name)

        monkeypatch.setattr(arms, "compute", compute)
        job = Job(told, None, None, (text, replace(both, match="text")), None)
        try:
            compute_ahead(executor, job, changed or told, plan, PROBLEMS, ())
        finally:
            run.computed = computed
        return computed

    return run


def test_parts_are_computed_with_a_share_of_the_cores_and_what_they_say_is_said(ahead, told, capsys):
    executor = Inline()
    computed = ahead(executor, changed=replace(told, model=replace(told.model, threads=None)))
    assert list(computed) == ["base", "text", "both"]
    assert executor.ended
    assert {each.model.threads for each in computed.values()} == {3}
    assert {each.tracker.job for each in computed.values()} == {None}
    assert all(each.sandbox["workers"] >= 1 for each in computed.values())
    assert capsys.readouterr().out.splitlines() == ["[base] says so", "[text] says so", "[both] says so"]


def test_what_the_user_can_mend_is_raised_once_the_others_are_done(ahead):
    with pytest.raises(UserError, match="no room"):
        ahead(Inline(), {"base": Failure("no room")})
    assert list(ahead.computed) == ["base", "text", "both"]


def test_what_needs_a_part_that_failed_is_left_out_and_the_loop_says_why_an_arm_is_untrainable(ahead):
    assert list(ahead(Inline(), {"text": Failure("no example", untrainable=True)})) == ["base", "text"]


def test_a_fault_keeps_its_traceback(ahead):
    with pytest.raises(RuntimeError, match="arm text: odd\nTraceback"):
        ahead(Inline(), {"text": Failure("odd", fault="Traceback ...")})


def test_a_process_that_died_leaves_its_part_to_the_run(ahead, caplog):
    with caplog.at_level(logging.WARNING):
        assert list(ahead(Inline(dies=["text"]))) == ["base", "both"]
    assert "text: its process ended (a worker was killed); what it lacks is computed in the run's own process" in caplog.text


def test_without_room_for_two_all_is_left_to_the_loop(ahead):
    assert ahead(Inline(room=1)) == {}


@pytest.mark.parametrize("chosen", [True, False])
def test_a_user_who_asked_is_told_why_parts_follow_one_another(ahead, told, caplog, chosen):
    with caplog.at_level(logging.INFO):
        assert ahead(Inline(chosen=chosen), changed=replace(told, redo_unjudged=True)) == {}
    assert ("executor: arms follow one another, since redo_unjudged=true" in caplog.text) is chosen


def test_what_makes_parts_follow_one_another(told, plan):
    parts = ["base", "multi"]
    assert why_in_turn(told, plan, parts) is None
    assert "none but the base" in why_in_turn(told, plan, parts[:1])
    assert "on_collapse=stop" in why_in_turn(told, replace(plan, on_collapse=OnCollapse.STOP), parts)
    server = {"_target_": "mmst.samplers.openai.OpenAISampler", "weights": "sglang"}
    assert "sampler.weights" in why_in_turn(replace(told, sampler=server), plan, parts)
    spread = {"_target_": "mmst.samplers.ray.RaySampler"}
    assert "sampler=ray" in why_in_turn(replace(told, sampler=spread), plan, parts)
    graders = {"_target_": "mmst.sandbox.ray.RaySandbox", "address": None}
    assert "sandbox=ray" in why_in_turn(replace(told, sandbox=graders), plan, parts)
    assert why_in_turn(replace(told, sandbox={**graders, "address": "HOST:6379"}), plan, parts) is None


def test_what_travels_to_another_process_arrives_there(told):
    sent = (told, PROBLEMS, (ProblemSet("test", PROBLEMS.problems[:2]),))
    assert pickle.loads(pickle.dumps(sent)) == sent


def test_what_a_part_logs_and_its_mistakes_are_lines_under_its_name(told, monkeypatch):
    def broken(settings):
        logging.getLogger("mmst.ledger.locks").info("sample-1f0c is being computed by another process; waiting for it")
        raise UserError("the disk is full.")

    monkeypatch.setattr(arms, "opened_beside", broken)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger(), "level", logging.WARNING)
    part_log(told.folder, "text").parent.mkdir()
    assert arms.compute(told, PROBLEMS, (), "text", Path.cwd()) == Failure("the disk is full.")
    waits, mistake = part_log(told.folder, "text").read_text().splitlines()
    assert waits == "[text] sample-1f0c is being computed by another process; waiting for it"
    assert mistake == "[text] the disk is full."
