import io
import logging

from rich.console import Console

from mmst.reporting import progress as module
from mmst.reporting.progress import ConsoleHandler, TerminalProgress


def test_without_a_terminal_a_task_is_a_line(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=100))
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)
    with TerminalProgress().task("sample", 10) as task:
        task.advance(4, "50% right")
        task.advance(6)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("sample: 4 of 10, ")
    assert "s left 50% right" in lines[0]
    assert lines[-1].startswith("sample: 10 in ")


def test_in_a_terminal_a_task_is_a_bar_with_rate_and_time_left(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=140, force_terminal=True))
    with TerminalProgress().task("sample", 10) as task:
        task.advance(10, "50% right")
    shown = out.getvalue()
    assert "10/10" in shown
    assert "/s" in shown
    assert "eta" in shown
    assert "50% right" in shown


def test_log_records_go_through_the_same_console(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=out, width=20))
    ConsoleHandler().emit(logging.makeLogRecord({"msg": "[not markup] " + "x" * 40}))
    assert out.getvalue() == "[not markup] " + "x" * 40 + "\n"
