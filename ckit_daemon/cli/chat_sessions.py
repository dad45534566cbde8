"""Finding, beginning and listing sessions; what `chat`, `ask` and `sessions` share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.errors import NEGATIVE, CommandError
from ckit_daemon.cli.session import parse
from ckit_daemon.wire.session import CreateParams, ListParams, ListResult, SessionResult
from ckit_daemon.wire.session import Session as ChatSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.wire.session import Mode

SHORT: Final = 8
"""Characters of a session's id that are shown; as many as make it unique are enough to name it."""
_PAGE: Final = 1000
_SECONDS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def begin(opened: Session, *, model: str | None = None, mode: Mode = "general") -> ChatSession:
    """Begin a session about the open repository."""
    params = CreateParams(repository=opened.repository.id, model=model, mode=mode)
    return parse(SessionResult, opened.request("ckit/session/create", params)).session


def find(opened: Session, beginning: str) -> ChatSession:
    """Return the session whose id begins so, whatever repository it is about.

    Raises:
        CommandError: there is none, or more than one.
    """
    fitting = [each for each in select(opened, ListParams(archived=None)) if each.id.startswith(beginning)]
    if not fitting:
        raise CommandError(
            f"There is no session '{beginning}'.",
            hints=("`ckit sessions --all` lists them, archived ones and those about other repositories too.",),
            code="not_found",
            exit_code=NEGATIVE,
        )
    if len(fitting) > 1:
        raise CommandError(f"{len(fitting)} sessions begin with '{beginning}'; give more of the id.", code="usage")
    return fitting[0]


def to_go_on(opened: Session, beginning: str) -> ChatSession:
    """Return the session whose id begins so, to say something in it.

    Raises:
        CommandError: as `find`, or it is put away.
    """
    found = find(opened, beginning)
    if found.archived:
        hint = f"Fetch it back first: ckit sessions archive --undo {found.id[:SHORT]}"
        raise CommandError(f"The session '{found.title}' is put away.", hints=(hint,), code="conflict")
    return found


def latest(opened: Session) -> ChatSession:
    """Return the session about the open repository that was used last.

    Raises:
        CommandError: there is none.
    """
    found = parse(ListResult, page(opened, ListParams(repository=opened.repository.id, limit=1))).sessions
    if not found:
        raise CommandError("There is no session about this repository yet.", code="not_found", exit_code=NEGATIVE)
    return found[0]


def select(opened: Session, params: ListParams) -> Sequence[ChatSession]:
    """Return all sessions that fit, the most recently used first."""
    found: list[ChatSession] = []
    offset: int | None = 0
    while offset is not None:
        result = parse(ListResult, page(opened, params.model_copy(update={"offset": offset, "limit": _PAGE})))
        found += result.sessions
        offset = result.next_offset
    return found


def page(opened: Session, params: ListParams) -> JsonObject:
    """Return one page of sessions, as the protocol has it."""
    # Left out, `archived` means that archived ones are not wanted; null wants both.
    return opened.daemon.request("ckit/session/list", {**params.to_wire(), "archived": params.archived})


def table(sessions: Iterable[ChatSession]) -> Table:
    """Sessions in lines: id, age, turns, title."""
    shown = render.grid()
    for session in sessions:
        marks = [mark for mark, there in (("archived", session.archived), ("running", session.running_turn)) if there]
        shown.add_row(
            Text(session.id[:SHORT], "cyan"),
            Text(_age(session.updated_at), "dim"),
            Text(render.plural(session.turns, "turn"), "dim"),
            Text(session.title or "(nothing said yet)"),
            Text(" ".join([*marks, *([session.model] if session.model else [])]), "dim"),
        )
    return shown


def _age(timestamp: str) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds()
    for size, unit in _SECONDS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "just now"
