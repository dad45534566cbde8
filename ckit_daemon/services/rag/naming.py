"""Ids that a query names: they always win, whatever else is alike."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.snapshot import Snapshot

MAX_NAMED: Final = 10
"""Ids of one query that count."""
MAX_CHARACTERS: Final = 2000
"""Of a query that are looked through for ids."""
_TOKEN: Final = re.compile(r"[^\s,;()\[\]{}<>\"'`\u2018-\u201f]+")


class Names:
    """Finds ids of entities in text, whatever their case; used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._ids: Mapping[str, str] = {}

    def named(self, snapshot: Snapshot, text: str) -> list[str]:
        """Return the ids of the snapshot that a text names, each once, in its order."""
        ids = self._of(snapshot)
        found: dict[str, None] = {}
        for match in _TOKEN.finditer(text[:MAX_CHARACTERS]):
            token = match[0].strip(".:!?")
            identifier = ids.get(token.casefold())
            # An id that is an everyday word is named by its exact form alone.
            if identifier is not None and (token == identifier or _is_telling(identifier)):
                found[identifier] = None
        return [*found][:MAX_NAMED]

    def only_names(self, snapshot: Snapshot, text: str) -> bool:
        """Return whether a text consists of ids and nothing else."""
        ids = self._of(snapshot)
        tokens = [match[0].strip(".:!?") for match in _TOKEN.finditer(text[:MAX_CHARACTERS])]
        return bool(tokens) and len(text) <= MAX_CHARACTERS and all(token.casefold() in ids for token in tokens)

    def _of(self, snapshot: Snapshot) -> Mapping[str, str]:
        with self._lock:
            if self._snapshot is not snapshot:
                self._ids = {identifier.casefold(): identifier for identifier in snapshot.definitions}
                self._snapshot = snapshot
            return self._ids


def _is_telling(identifier: str) -> bool:
    return any(character.isdigit() or character in "-_" for character in identifier)
