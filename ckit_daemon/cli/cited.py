"""Answers with their sources, as `ckit ask --cite` and the demo show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markdown import Markdown

from ckit_daemon.cli import passages
from ckit_daemon.cli.client import Hooks
from ckit_daemon.cli.conversation import usage_parts
from ckit_daemon.cli.errors import NEGATIVE, OK
from ckit_daemon.cli.markdown import Display, MarkdownStream
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.rag import QueryResult

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.rag import QueryParams


def ask(terminal: Terminal, params: QueryParams, wait: float) -> int:
    """Answer a question with citations; the exit code says whether the repository has an answer."""
    display = Display(terminal.out)
    with session(terminal, person=Person(terminal, make_room=display.clear)) as opened:
        passages.await_index(opened, wait)
        raw = answered(opened, params, display)
        if terminal.as_json:
            terminal.print_json(raw)
        return OK if parse(QueryResult, raw).found else NEGATIVE


def answered(opened: Session, params: QueryParams, display: Display) -> JsonObject:
    """Have a question answered with citations, and print that with its sources, except with `--json`.

    On a terminal the text is seen while it is written. What stays is the answer as it was checked.
    """
    terminal = opened.terminal
    written: list[str] = []

    def more(part: JsonObject) -> None:
        written.append(str(part.get("text", "")))
        display.show(Markdown("".join(written)))

    if not (terminal.as_json or terminal.quiet):
        display.wait("Looking for the answer")
    try:
        raw = opened.request("ckit/rag/query", params, Hooks() if terminal.as_json else Hooks(part=more))
    finally:
        display.clear()
    if not terminal.as_json:
        result = parse(QueryResult, raw)
        stream = MarkdownStream(terminal.out, display)
        stream.write(result.text)
        stream.close()
        passages.sources(opened, result)
        used = " \u00b7 ".join(
            [f"{result.answered.provider}/{result.answered.model}", *usage_parts(result.answered.usage)]
        )
        terminal.note(used)
    return raw
