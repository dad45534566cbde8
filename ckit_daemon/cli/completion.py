"""Completion of ids in the shell."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - typer reads the annotations.

from ckit_daemon.cli import chat_sessions
from ckit_daemon.cli.errors import CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import Terminal
from ckit_daemon.wire.entity import ListParams, ListResult
from ckit_daemon.wire.session import ListParams as ListSessions

if TYPE_CHECKING:
    from collections.abc import Generator

    from ckit_daemon.cli.session import Session


def entity_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin like the word at the cursor, with their titles; nothing where there is no repository."""
    try:
        with _opened(ctx) as opened:
            found = parse(ListResult, opened.request("ckit/entity/list", ListParams(limit=10_000)))
    except CommandError:
        # A shell that completes has no place for messages.
        return []
    wanted = incomplete.lower()
    return [(item.id, item.title or item.type) for item in found.entities if item.id.lower().startswith(wanted)]


def session_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of sessions about the repository, with their titles."""
    try:
        with _opened(ctx) as opened:
            found = chat_sessions.select(opened, ListSessions(archived=None))
    except CommandError:
        return []
    return [(each.id[: chat_sessions.SHORT], each.title) for each in found if each.id.startswith(incomplete)]


@contextmanager
def _opened(ctx: typer.Context) -> Generator[Session]:
    chosen = ctx.params.get("repo") or ctx.find_root().params.get("repo")
    with session(Terminal(repo=Path(chosen or "."), quiet=True)) as opened:
        yield opened
