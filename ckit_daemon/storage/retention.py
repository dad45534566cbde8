"""Archives and deletes old sessions, and what else lies in their database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.services.assistant.ports import Retained

if TYPE_CHECKING:
    import sqlite3

    from ckit_daemon.services.assistant.ports import Retention

AT_ONCE: Final = 20
"""Sessions or generations that are deleted before the size of the database is looked at again."""

GENERATIONS_SHARE: Final = 0.5
"""Part of the size that generations may have, so that no number of them costs a conversation."""

VACUUM_PAGES: Final = 10_000
"""Most pages that are given back to the system at once; the rest is used again, or given back the next time."""

_IDLE: Final = "NOT EXISTS (SELECT 1 FROM leases WHERE session_id = sessions.id)"
_OLDEST: Final = (
    f"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE {_IDLE} "  # noqa: S608 - a constant.
    "AND updated_at < (SELECT max(updated_at) FROM sessions) ORDER BY archived DESC, updated_at, rowid LIMIT ?)"
)
"""Archived ones first; neither one in which a turn runs, nor the one that was used last."""

_OLDEST_GENERATIONS: Final = (
    "DELETE FROM generations WHERE number IN (SELECT number FROM generations ORDER BY number LIMIT ?)"
)


def retain(connection: sqlite3.Connection, retention: Retention) -> Retained:
    """Apply the rules, in this order: age, number, size; what is used at the moment stays."""
    archived = connection.execute(
        f"UPDATE sessions SET archived = 1 WHERE NOT archived AND updated_at < ? AND {_IDLE}",  # noqa: S608 - as above.
        [retention.archive_before],
    ).rowcount
    deleted = connection.execute(
        f"DELETE FROM sessions WHERE archived AND updated_at < ? AND {_IDLE}",  # noqa: S608 - as above.
        [retention.delete_before],
    ).rowcount
    # Those of sessions go with them; a client's own runs belong to none.
    connection.execute(
        "DELETE FROM approvals WHERE session_id IS NULL AND state <> 'pending' AND created_at < ?",
        [retention.delete_before],
    )
    surplus = _number(connection, "SELECT count(*) FROM sessions") - retention.max_sessions
    if surplus > 0:
        deleted += connection.execute(_OLDEST, [surplus]).rowcount
    while _used_bytes(connection) > retention.max_bytes:
        if _generated_bytes(connection) > GENERATIONS_SHARE * retention.max_bytes:
            connection.execute(_OLDEST_GENERATIONS, [AT_ONCE])
            continue
        gone = connection.execute(_OLDEST, [AT_ONCE]).rowcount
        if not gone:
            break
        deleted += gone
    for _ in range(min(_number(connection, "PRAGMA freelist_count"), VACUUM_PAGES)):
        # Each step gives one page back, and Python's sqlite3 makes one step of a statement without columns.
        connection.execute("PRAGMA incremental_vacuum(1)")
    return Retained(archived=archived, deleted=deleted)


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages = _number(connection, "PRAGMA page_count") - _number(connection, "PRAGMA freelist_count")
    return pages * _number(connection, "PRAGMA page_size")


def _generated_bytes(connection: sqlite3.Connection) -> int:
    return _number(connection, "SELECT coalesce(sum(length(record)), 0) FROM generations")


def _number(connection: sqlite3.Connection, sql: str) -> int:
    value: int = connection.execute(sql).fetchone()[0]
    return value
