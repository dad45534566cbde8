"""A retriever that counts its searches, whoever asked for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.metrics import Metrics
    from ckit_daemon.services.rag.ports import Retriever, View
    from ckit_daemon.services.rag.records import Filters, SearchRequest, SearchResponse


class CountingRetriever:
    """Implements `ports.Retriever` with another one; used on the event loop only."""

    def __init__(self, retriever: Retriever, metrics: Metrics) -> None:
        self._retriever = retriever
        self._metrics = metrics

    async def search(self, view: View, request: SearchRequest, progress: Progress) -> SearchResponse:
        """Return what answers a query; see the port."""
        started = time.monotonic()
        return self._counted(await self._retriever.search(view, request, progress), started)

    async def similar(
        self, view: View, like: Entity | str, limit: int, filters: Filters, progress: Progress
    ) -> SearchResponse:
        """Return what is like an entity or a text; see the port."""
        started = time.monotonic()
        return self._counted(await self._retriever.similar(view, like, limit, filters, progress), started)

    def _counted(self, found: SearchResponse, started: float) -> SearchResponse:
        self._metrics.record_search(found.mode, time.monotonic() - started, degraded=found.degraded is not None)
        return found
