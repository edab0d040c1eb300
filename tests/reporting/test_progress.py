import io
import logging
import re

from rich.console import Console

from mmst.reporting import progress as module
from mmst.reporting.progress import ConsoleHandler, TerminalProgress


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
    ConsoleHandler().emit(logging.makeLogRecord({"msg": "[not markup] " + "x" * 40}))
    assert out.getvalue() == "[not markup] " + "x" * 40 + "\n"
