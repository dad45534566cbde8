"""The health of the database of conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import StorageError
from ckit_daemon.services.probe import ProbeResult

if TYPE_CHECKING:
    import sqlite3

    from ckit_daemon.storage.database import Database

_WORKS = ("everything that needs no conversation",)


@dataclass(frozen=True, slots=True)
class DatabaseProbe:
    """Reads the database."""

    database: Database
    name: str = "database"
    essential: bool = False

    def check(self) -> ProbeResult:
        """Read from it, and remember whether it had to be built anew."""
        try:
            sessions = self.database.read(_count)
        except StorageError as error:
            return ProbeResult("degraded", error.message, _WORKS)
        damage = self.database.damage
        if damage is not None:
            return ProbeResult(
                "degraded",
                f"The database was damaged. It was set aside as {damage.set_aside}; {damage.rows} rows were saved.",
                ("conversations, without what the damage took",),
            )
        return ProbeResult("ok", f"It can be read; sessions: {sessions}.")


def _count(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
    return count
