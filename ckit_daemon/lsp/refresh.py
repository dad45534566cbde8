"""Asks the client to draw lenses, hints and tokens anew in documents that a change elsewhere concerns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.ports import SnapshotChange

QUIET_SECONDS: Final = 0.5
"""How long nothing must have changed before the client is asked: drawing anew is seen, and every document is."""


class Refresher:
    """Follows the changes of all open repositories; used on the event loop only."""

    def __init__(self, requests: Mapping[str, Callable[[], object]], has: Callable[[str], bool]) -> None:
        """Begin.

        Args:
            requests: what asks the client, by the capability that it needs for it.
            has: whether the client has a capability.
        """
        self._requests = [request for capability, request in requests.items() if has(capability)]
        self._timer: asyncio.TimerHandle | None = None

    def changed(self, opened: OpenRepository, change: SnapshotChange) -> None:
        """Ask in a moment, if a document is open that did not change itself: about that one clients ask anyway."""
        if not self._requests or opened.document_uris.keys() <= change.paths:
            return
        self.close()
        self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._ask)

    def close(self) -> None:
        """Ask nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _ask(self) -> None:
        for request in self._requests:
            request()
