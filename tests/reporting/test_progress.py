import contextlib
import io
import logging
import re

from rich.console import Console

from mmst.ledger.progress import Piece, PieceKind
from mmst.reporting import progress as module
from mmst.reporting.progress import ConsoleHandler, LogFile, TerminalProgress


def test_without_a_terminal_a_task_is_a_line(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=100))
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)
    with TerminalProgress().task("sample", 10) as task:
        task.note("50% right")
        task.advance(4, 80)
        task.advance(6, 120)
    lines = out.getvalue().splitlines()
    assert re.fullmatch(r"sample: 4 of 10, [\d.]+/s, [\d,]+ tokens/s, \d+ s left, 50% right", lines[0])
    assert re.fullmatch(r"sample: 10 in [\d.]+ s \([\d.]+/s, [\d,]+ tokens/s\), 50% right", lines[-1])


def test_a_long_first_row_has_a_rate_of_nothing_and_no_time_left(monkeypatch):
    """A large model reports tokens long before its first row is done."""
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=100))
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)
    with TerminalProgress().task("sample", 10) as task:
        task.advance(0, 80)
        task.advance(10)
    assert re.fullmatch(r"sample: 0 of 10, 0\.0/s, [\d,]+ tokens/s", out.getvalue().splitlines()[0])


def test_rows_that_were_found_have_no_rate(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=100))
    with TerminalProgress().task("sample", 10) as task:
        task.found(10)
    assert re.fullmatch(r"sample: 10 in [\d.]+ s \(found\)\n", out.getvalue())


def test_work_that_came_to_nothing_is_not_said_to_be_found(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=100))
    with TerminalProgress().task("train", 10):
        pass
    assert re.fullmatch(r"train: 0 in [\d.]+ s\n", out.getvalue())


def test_in_a_terminal_a_task_is_a_bar_with_rate_and_time_left(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=140, force_terminal=True))
    with TerminalProgress().task("sample", 10) as task:
        task.found(4)
        task.advance(6, 60)
        task.note("50% right")
    shown = out.getvalue()
    assert "10/10" in shown
    assert "tokens/s" in shown
    assert "eta" in shown
    assert "50% right" in shown


def test_log_records_go_through_the_same_console(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=20))
    ConsoleHandler().emit(
        logging.makeLogRecord({"msg": "Joblib.Parallel(n_jobs=2,verbose=0) is launching 2 jobs", "name": "h", "levelno": 20})
    )
    ConsoleHandler().emit(logging.makeLogRecord({"msg": "[not markup] " + "x" * 40, "name": "mmst", "levelno": 20}))
    assert out.getvalue() == "[not markup] " + "x" * 40 + "\n"


def test_a_job_beside_others_says_whose_its_lines_are(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=20))
    module.label("seed-1")
    module.say("sample: 3")
    module.label(None)
    module.say("sample: 4")
    assert out.getvalue() == "[seed-1] sample: 3\nsample: 4\n"


def test_what_libraries_tell_of_themselves_stays_off_the_screen(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=80))
    for name, level in (("py.warnings", 30), ("lightning.pytorch.trainer", 30), ("DeepSpeed", 30), ("torch", 40), ("mine", 20)):
        ConsoleHandler().emit(logging.makeLogRecord({"msg": name, "name": name, "levelno": level}))
    assert out.getvalue() == "torch\nmine\n"


def test_pieces_of_a_run_are_numbered_and_say_what_is_left(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=80))
    progress = TerminalProgress()
    progress.expect([Piece("sample", 10, PieceKind.SAMPLES), Piece("train", 5, PieceKind.STEPS)])
    with progress.task("prompts", 10) as task:
        task.advance(10)
    with progress.task("sample", 10) as task:
        task.advance(10)
    progress.found("train")
    (line,) = out.getvalue().splitlines()  # of a short piece that is no stage one reads nothing
    assert re.fullmatch(r"1/2 sample: 10 in [\d.]+ s \([\d.]+/s\); run: about 0 s and 1 training left", line)


def test_a_bar_fits_a_terminal_of_80_columns(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=80, force_terminal=True))
    progress = TerminalProgress()
    progress.expect([Piece("sample heldout by equation", 1150, PieceKind.SAMPLES)])
    with progress.task("sample heldout by equation", 1150) as task:
        task.advance(1150, 60_000)
        task.note("50% right")
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", out.getvalue()).splitlines()[-1]
    assert re.search(r"1/1 sample heldout by equation 1150/1150 [\d.]+/s eta 00:00 50% right", shown)


def plain(out):
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", out.getvalue())


def test_under_a_bar_stands_how_far_the_run_and_the_sweep_are_while_it_moves(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=80, force_terminal=True))
    module.among(lambda: "sweep: 1 of 4 jobs done, about 3 min left")
    assert module.in_sweep()
    progress = TerminalProgress()
    progress.expect([Piece("sample", 10, PieceKind.SAMPLES), Piece("train", 5, PieceKind.STEPS)])
    with progress.task("sample", 10) as task:
        task.advance(4)
        task.progress.refresh()
    module.among(None)
    lines = plain(out).splitlines()
    assert any(re.search(r"run: about \d+ s and 1 training left; sweep: 1 of 4 jobs done", line) for line in lines)
    assert "left" not in lines[-1]
    assert max(map(len, lines[-1].split("\r"))) <= 80


def test_a_job_beside_others_has_lines_also_on_a_screen(monkeypatch):
    """Two processes' bars would write over each other."""
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=80, force_terminal=True))
    module.label("seed-1")
    with TerminalProgress().task("sample", 10) as task:
        task.advance(10)
    module.label(None)
    assert re.fullmatch(r"\[seed-1\] sample: 10 in [\d.]+ s \([\d.]+/s\)\n", plain(out))


def test_a_screen_has_lines_that_end_between_words_and_whole_paths(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=20, force_terminal=True))
    module.say("results of this job: /a/path/that/is/longer/than/the/screen")
    assert plain(out).splitlines() == ["results of this job:", "/a/path/that/is/longer/than/the/screen"]


def test_a_log_on_a_full_disk_is_no_traceback_and_other_faults_are(capsys):
    log, handler = logging.Logger("full"), LogFile("/dev/full", delay=True)
    log.addHandler(handler)
    log.info("a line that finds no room")
    assert capsys.readouterr().err == ""
    log.info("%d is no number", "this")
    assert "Logging error" in capsys.readouterr().err
    with contextlib.suppress(OSError):
        handler.close()
