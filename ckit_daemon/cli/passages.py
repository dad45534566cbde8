"""Passages, answers with their sources, and the wait for an index, as the commands about retrieval show them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.client import Report
from ckit_daemon.cli.session import parse
from ckit_daemon.wire.rag import SearchParams, SearchResult, StatusParams, StatusResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.cli.session import Session
    from ckit_daemon.wire.common import Location
    from ckit_daemon.wire.rag import Citation, QueryResult, RagHit

POLL_SECONDS: Final = 0.2
EXCERPT: Final = 300
"""Characters of a passage that are shown."""

Wait = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for the index; then words have to do."),
]
WAIT_SECONDS: Final = 30.0


def await_index(opened: Session, seconds: float) -> None:
    """Wait until all passages can be found by meaning, but no longer than so many seconds.

    Searching begins to build an index, where the settings don't leave that to `ckit rag index`.
    """
    terminal = opened.terminal
    opened.request("ckit/rag/search", SearchParams(query="index", top_k=1, mode="lexical"))
    deadline = time.monotonic() + seconds
    with terminal.progress("Indexing") as show:
        while is_incomplete(status := _status(opened)) and time.monotonic() < deadline:
            percentage = 100 * status.embedded // status.chunks if status.chunks else 0
            show(Report(percentage, progress_text(status)))
            time.sleep(POLL_SECONDS)
    if is_incomplete(status):
        terminal.note(f"The index is not complete yet: {progress_text(status)}. ckit rag index completes it.")


def is_incomplete(status: StatusResult) -> bool:
    """Whether passages are still to come that can't be found by meaning; not so while another embedder takes over."""
    return status.state == "building" and status.embedded < status.chunks


def _status(opened: Session) -> StatusResult:
    return parse(StatusResult, opened.daemon.request("ckit/rag/status", StatusParams().to_wire()))


def progress_text(status: StatusResult) -> str:
    """How far an index is: `300 of 1,200 passages, 12 s left`."""
    left = "" if status.seconds_left is None else f", {_duration(status.seconds_left)} left"
    return f"{status.embedded:,} of {status.chunks:,} passages{left}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def hits(opened: Session, result: SearchResult) -> bool:
    """Print what was found, and return whether any of it is relevant."""
    out, terminal = opened.terminal.out, opened.terminal
    for hit in result.hits:
        out.print(_headline(opened, hit), soft_wrap=True)
        out.print(Padding(Text(shortened(hit.text)), (0, 0, 0, 4), expand=False))
        why = "; ".join(f"{part.source} {part.score:.2f} \u00d7 {part.weight:.2f}: {part.why}" for part in hit.parts)
        out.print(Padding(Text(why, "dim"), (0, 0, 0, 4), expand=False))
    relevant = any(hit.relevant for hit in result.hits)
    if not result.hits:
        terminal.note("Nothing was found.")
    elif not relevant:
        terminal.note("Nothing is clearly about this; these are the nearest passages.")
    if result.degraded:
        warn(opened, result.degraded)
    return relevant


def _headline(opened: Session, hit: RagHit) -> Text:
    score = Text(f"{hit.score:.2f}  ", "bold green" if hit.relevant else "dim")
    style = render.TYPE_STYLES.get(hit.type or "", "bold")
    return score.append(hit.heading, style).append("  ").append_text(line_of(opened, hit.location))


def line_of(opened: Session, location: Location) -> Text:
    """`path:line`, linked to the file."""
    return render.file(opened, location.path, f"{location.path}:{location.range.start.line + 1}")


def sources(opened: Session, result: QueryResult) -> None:
    """Print where an answer has everything from, and what nothing bears out."""
    out = opened.terminal.out
    if result.citations:
        out.print(Text("\nSources", "bold"))
    for citation in result.citations:
        out.print(_source(opened, citation), soft_wrap=True)
        out.print(Padding(Text(shortened(citation.excerpt), "dim"), (0, 0, 0, 4), expand=False))
    for claim in result.claims:
        if claim.support == "unsupported":
            looked_at = "it cites" if claim.citations else "was found"
            warn(opened, f"Nothing that {looked_at} bears this out: {claim.text}")
    for warning in [*result.warnings, *_given(result.degraded)]:
        warn(opened, warning)


def _source(opened: Session, citation: Citation) -> Text:
    link = Style(link=opened.uri(citation.location.path), bold=True)
    number = Text(f"[{citation.number}] ", link)
    return number.append(citation.title, "bold").append("  ").append_text(line_of(opened, citation.location))


def _given(text: str | None) -> Iterable[str]:
    return [] if text is None else [text]


def warn(opened: Session, message: str) -> None:
    """Say on standard error what a person should know about an answer."""
    opened.terminal.err.print(Text.assemble(("warning", "yellow"), f": {message}"), soft_wrap=True)


def shortened(text: str) -> str:
    """A passage as one short paragraph."""
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rsplit(' ', 1)[0]} \u2026"
