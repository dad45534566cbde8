"""The offline provider, as the registry sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError, ProviderError
from ckit_daemon.services.assistant.providers.base import ModelInfo, no_embeddings
from ckit_daemon.services.assistant.providers.offline.model import NAME, OfflineChatModel
from ckit_daemon.settings import ModelSettings, ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.providers.base import Embedded, ModelParameters, ToolMode
    from ckit_daemon.settings import ProviderKind

_CONTEXT_TOKENS: Final = 200_000
"""Nothing of ours is bounded by it; it keeps histories about as long as with today's language models."""


class OfflineProvider:
    """Implements `Provider` in this process: no key, no network, no cost."""

    name: str = NAME
    kind: ProviderKind = "offline"
    tool_mode: ToolMode = "native"

    def __init__(self) -> None:
        """Describe the one model; nothing is loaded."""
        self.settings = ProviderSettings(
            kind="offline",
            models={NAME: ModelSettings(context_tokens=_CONTEXT_TOKENS, input_price=0, output_price=0)},
        )

    async def chat_model(self, model: str, params: ModelParameters) -> OfflineChatModel:  # noqa: ARG002 - see below.
        """Return the model, whatever it is called; it has no temperature and needs no deadline."""
        return OfflineChatModel()

    def constrained(self, schema: JsonObject, name: str) -> dict[str, object]:  # noqa: ARG002 - the task names itself.
        """Return what makes the model answer JSON of this schema."""
        return {"answer_schema": schema}

    async def embed(self, model: str, texts: Sequence[str], params: ModelParameters) -> Embedded:  # noqa: ARG002 - none.
        """Refuse: it has no embeddings."""
        raise no_embeddings(self.name)

    async def models(self) -> list[ModelInfo]:
        """Return the one model."""
        return [ModelInfo(name=NAME, context_tokens=_CONTEXT_TOKENS)]

    def translate(self, error: BaseException) -> CkitError:
        """Return an error of ours; there is nothing outside that could fail."""
        return error if isinstance(error, CkitError) else ProviderError("The offline provider failed.")

    async def aclose(self) -> None:
        """Close nothing, since nothing is open."""
