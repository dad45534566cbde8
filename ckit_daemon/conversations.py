"""Builds the assistant; a part of the composition root of its own because what it imports takes seconds.

Nothing is imported or opened before the first use, and everything that was opened is closed in reverse order.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import TYPE_CHECKING

from ckit_daemon.core.errors import CkitError
from ckit_daemon.services.assistant.container import Assistant, Part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ckit_daemon.services.assistant.approvals import ApprovalService
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.assistant.gateway.breaker import CircuitState
    from ckit_daemon.services.assistant.ports import Client
    from ckit_daemon.services.assistant.providers.registry import ProviderRegistry
    from ckit_daemon.services.assistant.records import TurnEvent
    from ckit_daemon.services.assistant.secrets import SecretStore
    from ckit_daemon.services.assistant.sessions import SessionService
    from ckit_daemon.services.assistant.tools.runner import ToolRunner
    from ckit_daemon.services.assistant.turns import TurnService
    from ckit_daemon.services.container import Services
    from ckit_daemon.services.generation.service import GenerationService
    from ckit_daemon.settings import Settings
    from ckit_daemon.storage.database import Database
    from ckit_daemon.storage.sessions import SqliteSessionStore

logger = logging.getLogger(__name__)

# httpx imports its own command line where rich and click are installed, a tenth of all that a first turn imports.
# Told that there is none, it goes without.
sys.modules.setdefault("httpx._main", None)  # pyright: ignore[reportArgumentType] - None stops an import.


class Conversations:
    """The composition of everything that talks with language models."""

    def __init__(self, services: Callable[[], Services], client: Client) -> None:
        """Remember the collaborators; `services` is called when a part is built, after all others exist."""
        self._services = services
        self._client = client
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self.secrets = Part(self._build_secrets)
        self._database = Part(self._build_database)
        self._store = Part(self._build_store)
        self.assistant = Assistant(
            providers=Part(self._build_providers),
            gateway=Part(self._build_gateway),
            sessions=Part(self._build_sessions),
            approvals=Part(self._build_approvals),
            tools=Part(self._build_tools),
            turns=Part(self._build_turns),
            generation=Part(self._build_generation),
            warm_up=self._warm_up,
        )

    async def aclose(self) -> None:
        """End running turns and close what was opened, the latest first."""
        while self._closers:
            try:
                await self._closers.pop()()
            except (OSError, CkitError) as error:
                # What could not be stored at the end is made up for by the next daemon.
                logger.warning("a part of the assistant could not be closed: %s", error)

    def _warm_up(self, model: str) -> None:
        """Import what a turn with a model needs, while the person still types."""
        provider = self._settings().models.providers.get(model.partition("/")[0])

        def load() -> None:
            from ckit_daemon.services.assistant.providers import registry  # noqa: PLC0415 - see the module's docstring.

            importlib.import_module("ckit_daemon.services.assistant.turns")
            importlib.import_module("ckit_daemon.services.assistant.tools.runner")
            registry.import_kind("offline" if provider is None else provider.kind)

        self.assistant.turns.prepare(load)

    def _settings(self) -> Settings:
        return self._services().configuration.settings

    def _send(self, event: TurnEvent) -> None:
        self._client.notify("ckit/turn/event", b'{"event":' + event.to_json() + b"}")

    def _circuits(self) -> Mapping[str, CircuitState]:
        gateway = self.assistant.gateway.built
        return {} if gateway is None else gateway.circuits()

    def _build_secrets(self) -> SecretStore:
        from ckit_daemon.services.assistant.providers.keys import all_references  # noqa: PLC0415 - as above.
        from ckit_daemon.services.assistant.secrets import SecretStore  # noqa: PLC0415 - as above.

        secrets = SecretStore(self._client, self._settings)
        secrets.prepare(all_references(self._settings()))
        return secrets

    def _build_database(self) -> Database:
        from ckit_daemon.storage.database import Database  # noqa: PLC0415 - see the module's docstring.
        from ckit_daemon.storage.probe import DatabaseProbe  # noqa: PLC0415 - as above.

        # Before anything that people write is stored.
        self.secrets.need()
        database = Database(self._settings().paths.state() / "ckit.db")
        self._services().health.add(DatabaseProbe(database))
        self._closers.append(database.aclose)
        return database

    def _build_store(self) -> SqliteSessionStore:
        from ckit_daemon.storage.sessions import SqliteSessionStore  # noqa: PLC0415 - see the module's docstring.

        store = SqliteSessionStore(self._database.need())
        self._closers.append(store.aclose)
        return store

    def _build_providers(self) -> ProviderRegistry:
        from ckit_daemon.services.assistant.providers.probe import ProviderProbe  # noqa: PLC0415 - as above.
        from ckit_daemon.services.assistant.providers.registry import ProviderRegistry  # noqa: PLC0415 - as above.

        registry = ProviderRegistry(self._settings, self.secrets.need())
        self._closers.append(registry.aclose)
        for name in self._settings().models.providers:
            self._services().health.add(ProviderProbe(name, registry.state, self._circuits))
        return registry

    def _build_gateway(self) -> ModelGateway:
        from ckit_daemon.services.assistant.gateway import ModelGateway  # noqa: PLC0415 - as above.
        from ckit_daemon.storage.answers import SqliteAnswerCache  # noqa: PLC0415 - as above.

        cache = SqliteAnswerCache(self._settings().paths.cache() / "answers.db", self._settings)
        self._closers.append(cache.aclose)
        return ModelGateway(self.assistant.providers.need(), self._settings, cache, self._services().metrics)

    def _build_sessions(self) -> SessionService:
        from ckit_daemon.services.assistant.sessions import SessionService  # noqa: PLC0415 - as above.

        return SessionService(self._store.need(), self._settings)

    def _build_approvals(self) -> ApprovalService:
        from ckit_daemon.services.assistant.approvals import ApprovalService  # noqa: PLC0415 - as above.

        return ApprovalService(self._store.need(), self._client, self._settings)

    def _build_tools(self) -> ToolRunner:
        from ckit_daemon.services.assistant.tools.runner import ToolRunner  # noqa: PLC0415 - as above.

        return ToolRunner(
            store=self._store.need(),
            approvals=self.assistant.approvals.need(),
            client=self._client,
            settings=self._settings,
            generation=self.assistant.generation,
            rag=self._services().rag,
            scripts=self._services().scripts,
            metrics=self._services().metrics,
        )

    def _build_turns(self) -> TurnService:
        from ckit_daemon.services.assistant.turns import TurnService  # noqa: PLC0415 - as above.

        turns = TurnService(
            store=self._store.need(),
            gateway=self.assistant.gateway.need(),
            tools=self.assistant.tools.need(),
            repositories=self._services().repositories,
            send=self._send,
            settings=self._settings,
        )
        self._closers.append(turns.aclose)
        return turns

    def _build_generation(self) -> GenerationService:
        from ckit_daemon.services.generation.service import GenerationService  # noqa: PLC0415 - as above.
        from ckit_daemon.storage.generations import SqliteGenerationStore  # noqa: PLC0415 - as above.

        return GenerationService(
            gateway=self.assistant.gateway,
            store=SqliteGenerationStore(self._database.need()),
            tools=self.assistant.tools,
            rag=self._services().rag,
            settings=self._settings,
        )
