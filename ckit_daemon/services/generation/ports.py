"""What generation needs of the outside world; `ckit_daemon.storage` implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ckit_daemon.services.generation.records import Generation


class GenerationStore(Protocol):
    """Generations on disk. What a method returned is there after kill -9 and power loss.

    All methods raise StorageError where the disk refuses.
    """

    async def put(self, generation: Generation, *, keep: int) -> None:
        """Store a generation, or its new state; of all of them the newest `keep` stay."""
        ...

    async def find(self, generation_id: str) -> Generation | None:
        """Return a generation, None where there is none or it has been forgotten."""
        ...

    async def newest_of(self, repository: str, entity: str) -> Generation | None:
        """Return the newest successful generation that made an entity; None where none is known."""
        ...
