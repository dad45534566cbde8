"""Completion of entity ids in the shell."""

from __future__ import annotations

from pathlib import Path

import typer  # noqa: TC002 - typer reads the annotations.

from ckit_daemon.cli.errors import CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import Terminal
from ckit_daemon.wire.entity import ListParams, ListResult


def entity_ids(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin like the word at the cursor, with their titles; nothing where there is no repository."""
    chosen = ctx.params.get("repo") or ctx.find_root().params.get("repo")
    try:
        with session(Terminal(repo=Path(chosen or "."), quiet=True)) as opened:
            found = parse(ListResult, opened.request("ckit/entity/list", ListParams(limit=10_000)))
    except CommandError:
        # A shell that completes has no place for messages.
        return []
    wanted = incomplete.lower()
    return [(item.id, item.title or item.type) for item in found.entities if item.id.lower().startswith(wanted)]
