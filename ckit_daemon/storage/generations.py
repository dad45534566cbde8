"""Generations in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ckit_daemon.services.generation.records import Generation

if TYPE_CHECKING:
    import sqlite3

    from ckit_daemon.storage.database import Database

_DECODER = msgspec.json.Decoder(Generation)
_MAKES_ENTITIES = ("spec", "entity")


class SqliteGenerationStore:
    """Implements `services.generation.ports.GenerationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, generation: Generation, *, keep: int) -> None:
        """Store a generation; see the port."""
        made = generation.kind in _MAKES_ENTITIES and generation.outcome == "succeeded"
        entity = generation.entity if made else None

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO generations (id, repository, entity, record) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET entity = excluded.entity, record = excluded.record",
                (generation.id, generation.repository, entity, generation.to_json()),
            )
            connection.execute(
                "DELETE FROM generations WHERE number <= (SELECT max(number) FROM generations) - ?", (keep,)
            )

        await self._database.write(write)

    async def find(self, generation_id: str) -> Generation | None:
        """Return a generation; see the port."""
        return await self._database.run(
            lambda connection: _decoded(
                connection.execute("SELECT record FROM generations WHERE id = ?", (generation_id,))
            )
        )

    async def newest_of(self, repository: str, entity: str) -> Generation | None:
        """Return the newest generation of an entity; see the port."""
        return await self._database.run(
            lambda connection: _decoded(
                connection.execute(
                    "SELECT record FROM generations WHERE repository = ? AND entity = ? ORDER BY number DESC LIMIT 1",
                    (repository, entity),
                )
            )
        )


def _decoded(cursor: sqlite3.Cursor) -> Generation | None:
    row: tuple[bytes] | None = cursor.fetchone()
    return None if row is None else _DECODER.decode(row[0])
