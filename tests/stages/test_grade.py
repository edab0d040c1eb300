from typing import ClassVar

from mmst.judges.kinds import Exact
from mmst.sandbox.result import Result, Status
from mmst.stages.grade import VerdictTally, grade
from mmst.types import FinishReason, Verdict


class Gone:
    def execute(self, programs):
        return [Result(program.name, Status.LOST) for program in programs]

    settings: ClassVar = {}

    def close(self):
        pass


def test_verdicts(made, problems, methods, sandbox):
    samples = [
        made("The answer is 12.", index=0).sample,
        made("The answer is 13.", index=1).sample,
        made("I do not know.", index=2).sample,
        made("", index=3, finish=FinishReason.ERROR).sample,
        made("The answer is 10.", problem="p2").sample,
    ]
    graded = grade(samples, problems, methods["text"], sandbox)
    assert [row.verdict for row in graded] == ["right", "wrong", "no_answer", "unjudged", "right"]
    assert graded[3].reason == "engine error"
    tally = VerdictTally()
    assert tally.remark() == "0% right"
    tally.add(graded[:2])
    tally.add(graded[2:])
    assert tally.remark() == "50% right"  # of the four that were judged
    assert tally.facts() == {"verdicts": {"right": 2, "wrong": 1, "no_answer": 1, "unjudged": 1}, "no_gold": 0}


def test_a_judge_of_ones_own_takes_the_place_of_the_kinds(made, problems, methods, sandbox):
    samples = [made("The answer is 13.", index=0).sample, made("", index=1, finish=FinishReason.ERROR).sample]
    graded = grade(samples, problems, methods["text"], sandbox, Exact(tolerance=1))
    assert [(row.verdict, row.answer) for row in graded] == [("right", "13"), ("unjudged", None)]


def test_a_lost_sandbox_gives_unjudged(made, problems, methods):
    graded = grade([made("answer = 12", method="code").sample], problems, methods["code"], Gone())
    assert graded[0].verdict is Verdict.UNJUDGED
    assert graded[0].reason == "lost"


def test_no_samples_no_rows(problems, methods, sandbox):
    assert grade([], problems, methods["code"], sandbox) == []
