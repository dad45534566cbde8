"""The health of an index: whether passages can really be found by meaning."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError
from ckit_daemon.services.probe import ProbeResult

if TYPE_CHECKING:
    from ckit_daemon.services.rag.ports import VectorIndex

WORKS: Final = ("search by words and by ids, and answers from what these find",)
PROBE_SECONDS: Final = 2.0
"""A probe that takes longer gives its thread back; the search itself may go on."""
_QUERY: Final = "health"


class IndexProbe:
    """Looks for something by meaning, with the embedder and the vector store in use."""

    essential = False

    def __init__(self, name: str, index: VectorIndex, loop: asyncio.AbstractEventLoop) -> None:
        """Remember what to look at, and the loop on which that is used."""
        self.name = name
        self._index = index
        self._loop = loop

    def check(self) -> ProbeResult:
        """Search for a word, unless there is nothing to be searched yet."""
        check = asyncio.run_coroutine_threadsafe(self._check(), self._loop)
        try:
            return check.result(PROBE_SECONDS)
        except TimeoutError:
            check.cancel()
            return ProbeResult("degraded", f"A search by meaning did not end within {PROBE_SECONDS:g} s.", WORKS)

    async def _check(self) -> ProbeResult:
        status = self._index.status()
        if status.state == "disabled":
            return ProbeResult("disabled", status.reason or "A setting switches it off.", WORKS)
        if status.state == "absent":
            return ProbeResult("ok", status.reason or "It is not built yet.")
        try:
            await self._index.search(_QUERY, 1)
        except CkitError as error:
            return ProbeResult("degraded", error.message, WORKS)
        if status.state == "degraded":
            return ProbeResult("degraded", status.reason or "It is not complete.", WORKS)
        found = f"{status.embedded} of {status.chunks} passages can be found by meaning, with {status.embedder}"
        return ProbeResult("ok", f"{found}; the store is {status.store}.")
