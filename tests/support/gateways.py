"""Gateways for tests: the real one, with real providers, in front of scripted servers."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec
from langchain_core.messages import AIMessageChunk, HumanMessage

from ckit_daemon.metrics import Metrics
from ckit_daemon.services.assistant.gateway import CallInfo, ModelCall, ModelGateway, call_info
from ckit_daemon.services.assistant.providers.registry import ProviderRegistry
from ckit_daemon.services.assistant.secrets import SecretStore
from ckit_daemon.settings import Settings
from ckit_daemon.storage.answers import SqliteAnswerCache
from tests.support.model_server import provider_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.ports import Client
    from tests.support.model_server import ModelServer

FAST = {"retryBackoffSeconds": 0.01, "maxRetryWaitSeconds": 5.0}


class NoClient:
    """A client that answers nothing."""

    def answers(self, method: str) -> bool:
        return False

    async def request(self, method: str, params: JsonObject, *, timeout_seconds: float) -> JsonObject:
        raise AssertionError(method)

    def notify(self, method: str, params: bytes) -> None:
        raise AssertionError(method)


@dataclass
class Gateways:
    """A gateway and what belongs to it."""

    gateway: ModelGateway
    cache: SqliteAnswerCache
    metrics: Metrics


@dataclass
class Heard:
    """An answer as its reader got it."""

    chunks: list[AIMessageChunk]
    error: Exception | None = None

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)

    @property
    def info(self) -> CallInfo:
        found = call_info(self.chunks[-1])
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def gateways(
    folder: Path,
    servers: dict[str, ModelServer],
    *,
    provider: dict[str, Any] | None = None,
    clock: Callable[[], float] = time.time,
    **models: Any,
) -> AsyncGenerator[Gateways]:
    """Build a gateway whose providers are the given servers; the first one's model is the chosen one.

    `provider` are further fields of each provider; `clock` is that of the cache; `models` are further settings of the
    group of that name.
    """
    raw = {
        "paths": {"cacheDir": str(folder / "cache")},
        "models": {
            "providers": {name: provider_options(server, **(provider or {})) for name, server in servers.items()},
            "chat": f"{next(iter(servers), 'offline')}/scripted",
            **FAST,
            **models,
        },
    }
    settings = msgspec.convert(raw, Settings)
    registry = ProviderRegistry(lambda: settings, SecretStore(cast("Client", NoClient()), lambda: settings))
    cache = SqliteAnswerCache(folder / "cache" / "answers.db", lambda: settings, clock)
    metrics = Metrics()
    try:
        yield Gateways(ModelGateway(registry, lambda: settings, cache, metrics), cache, metrics)
    finally:
        await registry.aclose()
        await cache.aclose()


async def ask(
    gateway: ModelGateway,
    said: str | Sequence[BaseMessage] = "Hi",
    call: ModelCall | None = None,
    *,
    tools: Sequence[dict[str, Any]] = (),
    tool_choice: str | None = None,
) -> Heard:
    """Ask, and return what came, with the error that ended it, if any."""
    model = gateway.chat_model(call or ModelCall(request_id="r-1"))
    asked = model.bind_tools(list(tools), tool_choice=tool_choice) if tools else model
    messages = [HumanMessage(said)] if isinstance(said, str) else list(said)
    heard = Heard([])
    try:
        async for chunk in asked.astream(messages):
            assert isinstance(chunk, AIMessageChunk)
            heard.chunks.append(chunk)
    except Exception as error:  # noqa: BLE001 - what it is, the test says.
        heard.error = error
    return heard
