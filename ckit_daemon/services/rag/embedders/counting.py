"""Counts what is embedded for indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.metrics import Metrics
    from ckit_daemon.services.rag.ports import Embedder, Vectors


class CountingEmbedder:
    """Implements `Embedder` with another one; used on the event loop only."""

    def __init__(self, embedder: Embedder, metrics: Metrics) -> None:
        self._embedder = embedder
        self._metrics = metrics

    @property
    def name(self) -> str:
        """`provider/model`."""
        return self._embedder.name

    async def embed(self, texts: Sequence[str], *, interactive: bool) -> Vectors:
        """Return a vector of length 1 for each text; see the port."""
        vectors = await self._embedder.embed(texts, interactive=interactive)
        if not interactive:
            self._metrics.passages_embedded += len(texts)
        return vectors

    async def aclose(self) -> None:
        """Let go of the model."""
        await self._embedder.aclose()
