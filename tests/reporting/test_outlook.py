import pytest

from mmst.ledger.progress import Piece, PieceKind
from mmst.reporting.outlook import Outlook, duration

PIECES = [
    Piece("sample train by text", 100, PieceKind.SAMPLES),
    Piece("sample test by text", 50, PieceKind.SAMPLES),
    Piece("translate code -> text", 40, PieceKind.TRANSLATIONS),
    Piece("train   multi, round 1", 30, PieceKind.STEPS),
    Piece("sample test by text", 50, PieceKind.SAMPLES),
]


@pytest.fixture
def outlook():
    made = Outlook()
    made.expect(PIECES)
    return made


def test_pieces_have_numbers_in_their_order_and_others_none(outlook):
    assert outlook.reach("problems of train", 10) == ""
    assert outlook.reach("sample train by text", 100) == "1/5 "
    assert outlook.reach("sample test by text") == "2/5 "
    assert outlook.reach("train   multi, round 1") == "4/5 "
    assert outlook.reach("sample test by text", 50) == "5/5 "
    assert outlook.left() == ""


def test_what_is_left_is_told_from_what_the_pieces_so_far_took(outlook):
    outlook.reach("sample train by text", 100)
    assert outlook.left(7) == "run: about 7 s and 1 training left"
    outlook.learn("sample train by text", 100, 20.0)
    assert outlook.left() == "run: about 24 s and 1 training left"  # 50 + half of 40 + 50 completions at 0.2 s
    outlook.reach("sample test by text")
    outlook.reach("translate code -> text", 10)
    outlook.learn("translate code -> text", 10, 1.0)
    outlook.reach("train   multi, round 1", 30)
    outlook.learn("train   multi, round 1", 30, 60.0)
    assert outlook.left(12) == "run: about 22 s left"  # 50 completions at 21 s for 110, beside what this piece takes


def test_a_run_that_is_not_foreseen_says_nothing():
    assert (Outlook().reach("sample train by text", 3), Outlook().left(3)) == ("", "")


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (99, "99 s"), (130, "2 min"), (6000, "1.7 h")])
def test_durations_are_short(seconds, said):
    assert duration(seconds) == said
