"""What reaches a terminal: work that goes on, and texts that others wrote."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from ckit_daemon.cli.client import Report
from ckit_daemon.cli.terminal import Terminal


def test_a_bar_goes_on_saying_what_is_done_when_the_last_report_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckit_daemon.cli.terminal.PROGRESS_AFTER_SECONDS", 0)
    shown = io.StringIO()
    monkeypatch.setattr(Terminal, "err", Console(file=shown, force_terminal=True, width=80))
    with Terminal().progress("ckit/rag/search") as show:
        show(Report(50, "Comparing passages"))
        show(Report(None, ""))
    assert "Comparing passages" in shown.getvalue()
    assert "ckit/rag/search" not in shown.getvalue()


@pytest.mark.parametrize("as_what", [Text, Markdown, str])
def test_what_others_wrote_can_not_control_the_terminal(
    as_what: type[Text | Markdown | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal().out
    table = Table.grid()
    table.add_row(as_what("a\x1b[8mhidden\x1b]52;c;cHdu\x07b\x9b2Jc"))
    out.print(table)
    out.print(Text("link", "bold link file:///x"))
    for control in ("\x1b[8m", "\x1b]52", "\x9b", "\x07"):
        assert control not in shown.getvalue()
    assert "hidden" in shown.getvalue()
    assert "\x1b]8;" in shown.getvalue()
