"""The providers that the settings name, each built when it is first needed.

The next kind is one module, with a class that takes a name, its settings and the secrets, and one line in `KINDS`.
"""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.services.assistant.providers.base import Provider, ProviderState, Purpose
from ckit_daemon.services.assistant.providers.http import base_url
from ckit_daemon.services.assistant.providers.keys import key_references, key_source
from ckit_daemon.settings import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from ckit_daemon.services.assistant.secrets import SecretStore
    from ckit_daemon.settings import ModelsSettings, ProviderKind, Settings

KINDS: Final[Mapping[ProviderKind, str]] = {
    "openai": "openai:OpenAiProvider",
    "azure": "azure:AzureProvider",
    "ollama": "ollama:OllamaProvider",
    "local": "local:LocalProvider",
}
"""Module in this package and class of each kind but the built-in one; imported with the first provider of it."""

OFFLINE: Final = "offline"


class ProviderFactory(Protocol):
    """Builds the provider of one kind; called in a worker thread."""

    def __call__(self, name: str, settings: ProviderSettings, secrets: SecretStore) -> Provider:
        """Return the provider; nothing is connected yet."""
        ...


class ProviderRegistry:
    """All providers by name, the built-in `offline` among them, whatever the settings say about that name."""

    def __init__(self, settings: Callable[[], Settings], secrets: SecretStore) -> None:
        _forbid_tracing()
        self._settings = settings
        self._secrets = secrets
        self._building: dict[str, asyncio.Lock] = {}
        self._built: dict[str, Provider] = {}

    @property
    def names(self) -> list[str]:
        """Names of all providers, the built-in one first."""
        return list(self._configured())

    async def get(self, name: str) -> Provider:
        """Return a provider.

        Raises:
            NotFoundError: the settings have none of this name.
        """
        if (built := self._built.get(name)) is not None:
            return built
        configured = self._configured()
        if name not in configured:
            raise NotFoundError(
                f"There is no provider {name!r}. The settings have: {', '.join(configured)}.",
                details={"provider": name, "setting": "models.providers"},
            )
        async with self._building.setdefault(name, asyncio.Lock()):
            if name not in self._built:
                self._built[name] = await asyncio.to_thread(self._build, name, configured[name])
        return self._built[name]

    async def describe(self) -> list[ProviderState]:
        """Return the state of each provider, the built-in one first."""
        return [self.state(name) for name in self._configured()]

    def state(self, name: str) -> ProviderState:
        """Return the state of a provider that the settings have, without asking anybody for anything."""
        return _describe(name, self._configured()[name], self._settings().models)

    async def aclose(self) -> None:
        """Close all providers."""
        while self._built:
            _, provider = self._built.popitem()
            await provider.aclose()

    def _configured(self) -> dict[str, ProviderSettings]:
        return {OFFLINE: ProviderSettings(kind=OFFLINE)} | {
            name: provider for name, provider in self._settings().models.providers.items() if name != OFFLINE
        }

    def _build(self, name: str, settings: ProviderSettings) -> Provider:
        if settings.kind == OFFLINE:
            from ckit_daemon.services.assistant.providers.offline import OfflineProvider  # noqa: PLC0415 - as others.

            return OfflineProvider()
        member = KINDS[settings.kind].partition(":")[2]
        factory = cast("ProviderFactory", getattr(import_kind(settings.kind), member))
        return factory(name, settings, self._secrets)


def import_kind(kind: ProviderKind) -> ModuleType:
    """Import and return the module of a kind of providers, which takes up to a second the first time."""
    module = OFFLINE if kind == OFFLINE else KINDS[kind].partition(":")[0]
    return import_module(f"{__package__}.{module}")


def _describe(name: str, provider: ProviderSettings, models: ModelsSettings) -> ProviderState:
    uses: dict[Purpose, str] = {
        "chat": models.chat,
        "generation": models.generation or models.chat,
        "embeddings": models.embeddings,
    }
    references = key_references(provider)
    missing = [r for r in references if r.startswith("env:") and not os.environ.get(r.removeprefix("env:"))]
    reason = _missing(provider, missing)
    return ProviderState(
        name=name,
        kind=provider.kind,
        status="unconfigured" if reason else "ready",
        reason=reason,
        base_url=base_url(provider) or None,
        key_source=key_source(references[0]) if references else None,
        tool_mode=provider.tool_mode,
        purposes=tuple(use for use, model in uses.items() if model.startswith(f"{name}/")),
    )


def _missing(provider: ProviderSettings, variables: list[str]) -> str | None:
    if variables:
        names = ", ".join(variable.removeprefix("env:") for variable in variables)
        return f"Its key is missing: set {names} in the environment of the daemon, or another reference as apiKey."
    if provider.kind == "azure" and not provider.base_url:
        return "It needs a baseUrl: the endpoint of the Azure resource or of its API Management."
    return None


def _forbid_tracing() -> None:
    # langchain sends every prompt to LangSmith where a variable of the environment says so, and the person who set
    # it for another program has not agreed to that for this one.
    from langsmith import configure  # noqa: PLC0415 - takes a second; the registry itself is built in a worker thread.

    configure(enabled=False)
