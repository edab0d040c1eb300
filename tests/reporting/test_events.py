import json

from mmst.ledger.progress import Piece, PieceKind, Silent
from mmst.reporting.events import LIVE, TellingProgress, into, numbers_of

PIECES = [Piece("sample train by text", 10, PieceKind.SAMPLES), Piece("sample train by code", 10, PieceKind.SAMPLES)]


def told_of(every=0.0):
    events = []
    progress = TellingProgress(Silent(), [(events.append, every)])
    progress.expect(PIECES)
    with progress.task("sample train by text", 10) as task:
        task.advance(4, tokens=80)
        task.note("75% right")
        task.advance(6, tokens=120)
        assert task.done == 10
    return events


def test_each_advance_is_told_with_its_place_and_its_rates():
    first, *_, last = told_of()
    assert (first["title"], first["stage"], first["of"], first["done"], first["total"]) == ("sample train by text", 1, 2, 0, 10)
    assert (last["done"], last["note"], last["ended"]) == (10, "75% right", True)
    assert last["rows_per_second"] > 0
    assert last["left"].startswith("run: about ")


def test_one_who_wants_to_hear_less_hears_the_beginning_and_the_end():
    assert [event["ended"] for event in told_of(every=1e9)] == [False, True]


def test_a_stage_that_was_found_done_is_passed_over():
    events = []
    progress = TellingProgress(Silent(), [(events.append, 0.0)])
    progress.expect(PIECES)
    progress.found("sample train by text")
    with progress.task("sample train by code", 3):
        pass
    assert {(event["stage"], event["of"]) for event in events} == {(2, 2)}


def test_a_trackers_numbers_are_how_far_it_is_its_rates_and_what_was_right():
    numbers = numbers_of(told_of()[-1])
    assert numbers["progress/stage"] == 1
    assert numbers["progress/sample_train_by_text/done"] == 1
    assert numbers["progress/sample_train_by_text/right"] == 0.75
    assert numbers["progress/sample_train_by_text/tokens_per_second"] > numbers["progress/sample_train_by_text/rows_per_second"]


def test_the_folder_holds_the_latest_word(tmp_path):
    write = into(tmp_path / "run")
    for event in told_of():
        write(event)
    held = json.loads((tmp_path / "run" / LIVE).read_text())
    assert held["ended"]
    assert held["at"] > 0
