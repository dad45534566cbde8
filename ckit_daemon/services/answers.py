"""Answers about a repository, kept for as long as nothing in it changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ckit_daemon.core.snapshot import Snapshot

MAX_BYTES: Final = 16 * 1024 * 1024


class Answers:
    """Encoded answers about one snapshot, the least recently used given up first; used from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._bodies: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0

    def get(self, snapshot: Snapshot, question: Hashable) -> bytes | None:
        """The answer to a question about `snapshot`, if it is known."""
        with self._lock:
            if self._snapshot is not snapshot or question not in self._bodies:
                return None
            self._bodies.move_to_end(question)
            return self._bodies[question]

    def put(self, snapshot: Snapshot, question: Hashable, body: bytes) -> None:
        """Keep an answer; those about another snapshot are forgotten."""
        with self._lock:
            if self._snapshot is not snapshot:
                self._snapshot = snapshot
                self._bodies.clear()
                self._size = 0
            self._size += len(body) - len(self._bodies.pop(question, b""))
            self._bodies[question] = body
            while self._size > self._max_bytes:
                _, dropped = self._bodies.popitem(last=False)
                self._size -= len(dropped)
