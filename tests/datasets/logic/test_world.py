import random
from collections import Counter

import pytest

from mmst.answers.equality import gold_of
from mmst.answers.propositions import ANSWERS, negation, said_of
from mmst.datasets.logic.solutions import METHODS, clauses, solution
from mmst.datasets.logic.world import (
    HELD_OUT_FAMILIES,
    WORDINGS,
    draw_problems,
    draw_puzzle,
    families,
    split_of,
    training_families,
)
from mmst.errors import ConfigError
from mmst.nano.__main__ import bare_methods


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    assert draw_problems("train", 40, 3) == draw_problems("train", 40, 3)
    assert draw_problems("train", 40, 3) != draw_problems("train", 40, 4)


def test_held_out_families_are_in_their_split_only():
    found = {split: {p.tags[0].removeprefix("family:") for p in draw_problems(split, 80, 0)} for split in ("heldout", "test")}
    assert found == {"heldout": set(HELD_OUT_FAMILIES), "test": set(training_families())}


def test_what_premises_say_decides_the_split_whatever_their_words_and_order():
    """`a or b` is `not a -> b`: one problem, told as two families tell it."""
    rng = random.Random(0)
    for family in families():
        puzzle = draw_puzzle(family, "train", rng)
        assert split_of(puzzle.premises, puzzle.statement) == "train"
        assert split_of(puzzle.premises[::-1], puzzle.statement) == "train"


def test_splits_share_no_question():
    asked = {split: {p.question for p in draw_problems(split, 480, 0)} for split in ("pretrain", "train", "validation", "test")}
    assert sum(map(len, asked.values())) == len(set().union(*asked.values())) == 4 * 480


def test_all_three_answers_are_common():
    for split in ("test", "heldout"):
        counts = Counter(problem.answer for problem in draw_problems(split, 300, 0))
        assert set(counts) == set("ABC")
        assert min(counts.values()) > 60


@pytest.mark.parametrize("method", METHODS)
def test_every_gold_solution_reads_back_as_its_answer(method, sandbox):
    rng = random.Random(1)
    puzzles = [draw_puzzle(family, "validation", rng, [wording]) for family in families() for wording in range(WORDINGS)]
    solved = [solution(method, puzzle.premises, puzzle.statement) for puzzle in puzzles]
    problems = [puzzle.problem for puzzle in puzzles]
    by = bare_methods([method])[method]
    readings = by.read_all(solved, problems, sandbox)
    assert [reading.answer for reading in readings] == [gold_of(problem) for problem in problems]
    assert [ANSWERS[ord(problem.answer) - 65] for problem in problems] == [p.answer for p in puzzles]
    assert not any(by.wrong_steps(text) or by.leaks(p, text, p.answer) for p, text in zip(problems, solved, strict=True))


@pytest.mark.parametrize("family", families())
def test_clauses_say_what_their_premise_says(family):
    kind = families()[family]
    for premise in kind.premises:
        for clause in clauses(premise):
            assert all(
                said_of(literal, [premise, *(negation(o) for o in clause if o != literal)]) == "True" for literal in clause
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", 5, 0), "no split 'nothing'"),
        (("test", 0, 0), "a whole number above 0"),
        (("test", 5, 0, ["gain"]), "no family 'gain'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        draw_problems(*arguments)
