"""Progress of one request: LSP `$/progress` on the way out, cancellation on the way in."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import orjson

from ckit_daemon.core.errors import OperationCancelledError

if TYPE_CHECKING:
    from ckit_daemon.rpc.outbox import Outbox

MIN_INTERVAL_SECONDS = 0.05
"""At most twenty reports a second reach the client (each may repaint a user interface)."""


class RequestProgress:
    """Implements core's Progress for one request; every method may be called from any thread."""

    def __init__(self, outbox: Outbox, token: int | str | None, title: str) -> None:
        self._outbox = outbox
        self._token = token
        self._title = title
        self._lock = threading.Lock()
        self._begun = False
        self._ended = False
        self._cancelled = False
        self._last_sent = 0.0
        self._percentage = 0

    def report(self, done: int, total: int, message: str) -> None:
        """Note that `done` of `total` steps are finished.

        Raises:
            OperationCancelledError: nobody waits for the answer any more.
        """
        if self._cancelled:
            raise OperationCancelledError("The request was cancelled.")
        if self._token is None:
            return
        with self._lock:
            now = time.monotonic()
            if self._ended or (self._begun and now - self._last_sent < MIN_INTERVAL_SECONDS):
                return
            self._last_sent = now
            # A percentage that goes back is against LSP 3.17 (WorkDoneProgressReport).
            self._percentage = max(self._percentage, min(100, 100 * done // total if total > 0 else 0))
            value: dict[str, object] = {"kind": "report", "cancellable": True}
            if not self._begun:
                self._begun = True
                value |= {"kind": "begin", "title": self._title}
            self._send(value | {"percentage": self._percentage, "message": message})

    def cancel(self) -> None:
        """Make the next report raise."""
        self._cancelled = True

    def end(self) -> None:
        """Close the progress at the client; nothing is sent afterwards."""
        with self._lock:
            if self._begun and not self._ended:
                self._send({"kind": "end"})
            self._ended = True

    def _send(self, value: dict[str, object]) -> None:
        self._outbox.send_notification("$/progress", orjson.dumps({"token": self._token, "value": value}))
