import pytest

from mmst.ledger.progress import Piece, PieceKind
from mmst.reporting.outlook import Outlook, SweepOutlook, duration

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
    assert outlook.left(7) == ""  # nothing is known yet of the completions to come
    assert outlook.left(7, 0.1) == "run: about 19 s and 1 training left"  # 120 of them at the pace of this piece
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


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (99, "99 s"), (130, "2 min"), (6000, "1.7 h"), (400_000, "4.6 d")])
def test_durations_are_short(seconds, said):
    assert duration(seconds) == said


def test_a_sweep_is_told_from_its_jobs_that_ended_one_after_another_or_side_by_side():
    sweep = SweepOutlook(4, 100.0)
    assert sweep.left([], 130) == "sweep: 0 of 4 jobs done"
    assert sweep.left([160.0], 170) == "sweep: 1 of 4 jobs done, about 3 min left"  # 3 at 60 s, begun 10 s ago
    assert sweep.left([150.0, 160.0], 160) == "sweep: 2 of 4 jobs done, about 60 s left"
    assert sweep.left([101.0], 201) == "sweep: 1 of 4 jobs done, about 3 min left"  # the first was found: 1 s is no pace
    assert sweep.left([160.0] * 4, 200) == SweepOutlook(None, 0).left([1.0], 2) == ""
