"""A model in this process: OpenAI's protocol, carried by a function call instead of a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.services.assistant.providers.base import ModelInfo, no_embeddings
from ckit_daemon.services.assistant.providers.local_engine import require_engine
from ckit_daemon.services.assistant.providers.local_models import find_models
from ckit_daemon.services.assistant.providers.local_transport import InProcessTransport
from ckit_daemon.services.assistant.providers.openai import OpenAiProvider

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx2

    from ckit_daemon.services.assistant.providers.base import Embedded, ModelParameters
    from ckit_daemon.services.assistant.providers.chat_completions import ChatCompletionsModel
    from ckit_daemon.services.assistant.secrets import SecretStore
    from ckit_daemon.settings import ProviderKind, ProviderSettings

IN_PROCESS: Final = "http://in-process"
"""Nobody connects there; the library wants an address."""
CONTEXT_TOKENS: Final = 8192
"""Size of context where the settings name none; most models can do more, at the price of memory taken at once."""


class LocalProvider(OpenAiProvider):
    """Implements `Provider` with llama.cpp; the model is loaded with its first call, and one call runs at a time."""

    kind: ProviderKind = "local"

    def __init__(self, name: str, settings: ProviderSettings, secrets: SecretStore) -> None:
        """Remember the settings; calls wait in the queue of whoever bounds them, rather than in llama.cpp."""
        super().__init__(name, msgspec.structs.replace(settings, base_url="", max_concurrent=1), secrets)
        self._base_url = IN_PROCESS

    async def chat_model(self, model: str, params: ModelParameters) -> ChatCompletionsModel:
        """Return a model for one call; see the protocol.

        Raises:
            DegradedError: llama.cpp is not installed.
            NotFoundError: there is no such model file.
        """
        await asyncio.to_thread(self._locate, model)
        return await super().chat_model(model, params)

    async def embed(self, model: str, texts: Sequence[str], params: ModelParameters) -> Embedded:  # noqa: ARG002 - none.
        """Refuse: it has no embeddings."""
        raise no_embeddings(self.name)

    async def models(self) -> list[ModelInfo] | None:
        """Return the models whose files are there."""
        found = await asyncio.to_thread(find_models, self.settings.model_path)
        return [ModelInfo(name, self._context_tokens(name)) for name in found]

    def _connect(self) -> httpx2.AsyncBaseTransport:
        return InProcessTransport(self._locate)

    def _locate(self, model: str) -> tuple[Path, int]:
        require_engine()
        found = find_models(self.settings.model_path)
        if model not in found:
            where = f"at {self.settings.model_path}" if self.settings.model_path else "in the installed packages"
            known = f"There are: {', '.join(found)}." if found else "There is none. Run: ckit model install"
            raise NotFoundError(
                f"The provider {self.name} finds no model {model!r} {where}. {known}",
                details={"provider": self.name, "model": model},
            )
        return found[model], self._context_tokens(model)

    def _context_tokens(self, model: str) -> int:
        known = self.settings.models.get(model)
        return (known.context_tokens if known else None) or CONTEXT_TOKENS

    @property
    def _names_completion(self) -> bool:
        return False
