from dataclasses import replace

from mmst.jobs.outlook import measured_pieces, run_pieces
from mmst.ledger.progress import PieceKind
from mmst.methods.edge import Recipe
from mmst.methods.picking import Asking
from mmst.policies.policy import Needs, Policy
from mmst.policies.prove import Prove
from mmst.policies.router import Router
from mmst.policies.verifier import Verifier
from mmst.rounds import Evaluation, InitFrom, RoundsPlan, TrainingPlan
from mmst.samplers.sampler import SamplingParams
from mmst.stages.reasons import Way
from mmst.training.options import TrainingOptions
from mmst.types import AnswerKind
from tests.test_pipeline import OPTIONS, PROBLEMS, ProblemSet

METHODS = ["text", "code"]
GREEDY = SamplingParams(temperature=0)
TESTS = ProblemSet("test", PROBLEMS.problems[:4])


class Curious(Policy):
    name = "curious"
    learns = True
    compares = True

    def needs(self, methods):
        return Needs(hidden=True, picks={self.name: Asking("", 2, 8)})

    def fit(self, experience):
        raise NotImplementedError


def titles(pieces):
    return [piece.title for piece in pieces]


def test_whatever_measuring_a_checkpoint_asks_of_it_is_a_piece():
    evaluation = Evaluation(
        GREEDY, 2, SamplingParams(temperature=1), (Prove(), Curious()), (Way.STEPS, Way.EXECUTION, Way.JUDGE)
    )
    found = measured_pieces(evaluation, METHODS, [TESTS])
    assert titles(found) == [
        *["sample test by text", "sample test by code"] * 2,
        "translate text -> code",
        "reasons of test by text",
        "reasons of test by code",
        "translate text -> code",
        "translate code -> text",
        "hidden states of test",
        "select test",
    ]
    assert [(piece.rows, piece.kind) for piece in found[-2:]] == [(4, PieceKind.HIDDEN_STATES), (8, PieceKind.PICKS)]


def test_solutions_that_a_verifier_reads_are_a_piece():
    found = measured_pieces(Evaluation(GREEDY, 4, SamplingParams(temperature=1), (Verifier(2),)), METHODS, [TESTS])
    assert (found[-1].title, found[-1].rows, found[-1].kind) == ("states of solutions of test", 16, PieceKind.SOLUTIONS)


def test_answers_that_hidden_tests_judge_are_not_held_against_each_other():
    problems = [replace(problem, kind=AnswerKind.TESTS, tests=("assert True",)) for problem in TESTS.problems]
    found = measured_pieces(Evaluation(GREEDY, policies=(Curious(),)), METHODS, [ProblemSet("test", tuple(problems))])
    assert titles(found) == ["sample test by text", "sample test by code"]


def test_a_run_has_the_pieces_that_arms_share_once_and_measures_each_set_of_each_checkpoint(methods):
    plan = RoundsPlan(
        rounds=1,
        init_from=InitFrom.BASE,
        selection=OPTIONS,
        training=TrainingPlan(TrainingOptions(steps=3), lambda name, title: None, {}),
        evaluation=Evaluation(GREEDY, policies=(Prove(), Router())),
        seed=0,
    )
    recipes = [Recipe.parse(name, edges, methods) for name, edges in (("self", ["text -> text"]), ("both", ["text -> code"]))]
    other = ProblemSet("other", TESTS.problems)
    measured = [
        line
        for name in ("test", "other")
        for line in (f"sample {name} by text", f"sample {name} by code", "translate text -> code", "translate code -> text")
    ]
    assert titles(run_pieces(plan, recipes, METHODS, PROBLEMS, [TESTS, other])) == [
        "sample train by text",
        *measured,
        "train   self, round 1",
        *measured,
        "translate text -> code",
        "train   both, round 1",
        *measured,
    ]
