"""The time as prompts and records have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def timestamp(after_seconds: float = 0) -> str:
    """The time in UTC some seconds from now, in ISO 8601 with milliseconds, as JavaScript's `toISOString` writes it."""
    when = datetime.now(UTC) + timedelta(seconds=after_seconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
