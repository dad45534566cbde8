"""`ckit sessions`: what was said before."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markdown import Markdown
from rich.text import Text

from ckit_daemon.cli import chat_sessions, options
from ckit_daemon.cli.app import app, command
from ckit_daemon.cli.completion import session_ids
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.groups import ListByDefault
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.session import (
    ArchiveParams,
    Budget,
    ExportParams,
    ExportResult,
    ForkParams,
    IdParams,
    ListParams,
    RenameParams,
    SessionResult,
)

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.base import Params

group = typer.Typer(cls=ListByDefault, help="List the sessions of the assistant, and look after them.")
app.add_typer(group, name="sessions")

Id = Annotated[
    str, typer.Argument(metavar="ID", help="Which session; the beginning will do.", autocompletion=session_ids)
]


class ExportFormat(StrEnum):
    """How a session is exported."""

    MARKDOWN = "markdown"
    JSON = "json"


@command("list", group=group)
def list_sessions(
    terminal: Terminal,
    *,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Archived ones and other repositories too.")] = False,
    words: Annotated[str | None, typer.Option("--query", help="Part of the title.")] = None,
) -> int:
    """List sessions, the most recently used first."""
    with session(terminal) as opened:
        params = ListParams(
            repository=None if everything else opened.repository.id,
            archived=None if everything else False,
            query=words,
        )
        if terminal.as_json:
            terminal.print_json(chat_sessions.page(opened, params))
            return OK
        found = chat_sessions.select(opened, params)
        terminal.out.print(chat_sessions.table(found))
        if not found:
            terminal.note("There are none yet; `ckit chat` begins one.")
    return OK


@command("show", group=group)
def show(terminal: Terminal, *, identifier: Id) -> int:
    """Print what was said."""
    with session(terminal) as opened:
        params = ExportParams(id=chat_sessions.find(opened, identifier).id)
        raw = opened.request("ckit/session/export", params)
        if terminal.as_json:
            terminal.print_json(raw)
        elif terminal.out.is_terminal:
            terminal.out.print(Markdown(parse(ExportResult, raw).content))
        else:
            terminal.write(parse(ExportResult, raw).content)
    return OK


@command("export", group=group)
def export(
    terminal: Terminal,
    *,
    identifier: Id,
    form: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="For people, or for programs.")
    ] = ExportFormat.MARKDOWN,
) -> int:
    """Print a session as one text, to be kept or sent."""
    with session(terminal) as opened:
        params = ExportParams(id=chat_sessions.find(opened, identifier).id, format=form.value)
        raw = opened.request("ckit/session/export", params)
        if terminal.as_json:
            terminal.print_json(raw)
        else:
            terminal.write(parse(ExportResult, raw).content)
    return OK


@command("rename", group=group)
def rename(
    terminal: Terminal, *, identifier: Id, title: Annotated[str, typer.Argument(metavar="TITLE", help="The new one.")]
) -> int:
    """Give a session another title."""
    with session(terminal) as opened:
        params = RenameParams(id=chat_sessions.find(opened, identifier).id, title=title)
        return _outcome(opened, "ckit/session/rename", params, f"It is called '{title}' now.")


@command("fork", group=group)
def fork(
    terminal: Terminal,
    *,
    identifier: Id,
    title: Annotated[str | None, typer.Option("--title", help="Of the copy; the same without it.")] = None,
    tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="The most that the copy may take.")] = None,
    cost: Annotated[float | None, typer.Option("--max-cost", min=0, help="The same in US dollars.")] = None,
) -> int:
    """Copy a session, to go on in another way or with another budget; the first one stays as it is."""
    budget = None if tokens is None and cost is None else Budget(max_tokens=tokens, max_cost=cost)
    with session(terminal) as opened:
        params = ForkParams(id=chat_sessions.find(opened, identifier).id, title=title, budget=budget)
        raw = opened.request("ckit/session/fork", params)
        copy = parse(SessionResult, raw).session.id[: chat_sessions.SHORT]
        return _said(opened, raw, f"The copy is {copy}; go on with it: ckit chat --session {copy}")


@command("archive", group=group)
def archive(
    terminal: Terminal,
    *,
    identifier: Id,
    undo: Annotated[bool, typer.Option("--undo", help="Fetch it back.")] = False,
) -> int:
    """Put a session away; it is deleted after a time that the settings say."""
    with session(terminal) as opened:
        params = ArchiveParams(id=chat_sessions.find(opened, identifier).id, archived=not undo)
        return _outcome(opened, "ckit/session/archive", params, "It is back." if undo else "It is put away.")


@command("delete", group=group)
def delete(terminal: Terminal, *, identifier: Id, yes: options.Yes = False) -> int:
    """Delete a session with all that was said in it."""
    if not yes and not terminal.has_person:
        raise CommandError("Nobody can be asked here; add --yes to delete without asking.", code="usage")
    with session(terminal) as opened:
        found = chat_sessions.find(opened, identifier)
        if not yes and not typer.confirm(f"Delete '{found.title}' ({found.turns} turns)?", err=True):
            return NEGATIVE
        return _outcome(opened, "ckit/session/delete", IdParams(id=found.id), f"'{found.title}' is gone.")


def _outcome(opened: Session, method: str, params: Params, message: str) -> int:
    return _said(opened, opened.request(method, params), message)


def _said(opened: Session, raw: JsonObject, message: str) -> int:
    if opened.terminal.as_json:
        opened.terminal.print_json(raw)
    else:
        opened.terminal.out.print(Text.assemble(("\u2714 ", "bold green"), message))
    return OK
