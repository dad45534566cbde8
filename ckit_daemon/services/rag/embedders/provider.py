"""Embedders of the providers of models: OpenAI, Azure, Ollama, and servers that speak as they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from ckit_daemon.core.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ckit_daemon.services.rag.ports import Vectors

UNPROCESSABLE: Final = 422
"""HTTP's status for a request that is understood and can't be done: it is about a text and not about all."""


class EmbeddingModels(Protocol):
    """What is needed of the gateway to the providers."""

    async def embed(
        self, model: str, texts: Sequence[str], *, priority: Literal["interactive", "batch"]
    ) -> list[list[float]]:
        """Return a vector for each text, all of one length; raises CkitError."""
        ...


class ProviderEmbedder:
    """Implements `Embedder`."""

    def __init__(self, name: str, models: Callable[[], Awaitable[EmbeddingModels]]) -> None:
        """Remember whom to ask.

        Args:
            name: `provider/model`.
            models: returns the gateway, which may have to be built.
        """
        self._name = name
        self._models = models

    @property
    def name(self) -> str:
        """`provider/model`."""
        return self._name

    async def embed(self, texts: Sequence[str], *, interactive: bool) -> Vectors:
        """Return a vector of length 1 for each text.

        Raises:
            CkitError: as the gateway says; or a ProviderError where a vector has no direction.
        """
        models = await self._models()
        # Some servers refuse a text without a character.
        asked = [text if text.strip() else "." for text in texts]
        vectors = await models.embed(self._name, asked, priority="interactive" if interactive else "batch")
        import numpy as np  # noqa: PLC0415 - heavy, and not every session needs it.

        found = np.array(vectors, np.float32)
        lengths: Vectors = np.linalg.norm(found, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise ProviderError(
                f"The model {self._name} made a vector without a direction.", details={"status": UNPROCESSABLE}
            )
        return found / lengths

    async def aclose(self) -> None:
        """Do nothing: the connections belong to the provider."""
