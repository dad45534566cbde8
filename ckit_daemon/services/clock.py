"""The time as prompts have it."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp() -> str:
    """The current time in UTC, in ISO 8601 with milliseconds, as JavaScript's `toISOString` writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
