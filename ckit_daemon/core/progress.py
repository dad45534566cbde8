"""How long work says how far it is and learns that nobody waits for it any more."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the state of long work, from any thread."""

    def report(self, done: int, total: int, message: str) -> None:
        """Note that `done` of `total` steps are finished.

        Raises:
            OperationCancelledError: the client cancelled or the deadline passed; the work must stop here.

        """
        ...


class SilentProgress:
    """Progress that nobody watches and nobody cancels."""

    def report(self, done: int, total: int, message: str) -> None:
        """Ignore the state."""


SILENT = SilentProgress()
