"""A client in the middle of a conversation: a daemon, a scripted model, a repository and a session."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.daemon import daemon, spawned
from tests.support.logs import faults
from tests.support.model_server import model_server, openai_options
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer, Reply

# Here, and not in the middle of a first turn, which has a deadline.
importlib.import_module("ckit_daemon.services.assistant.turns")

EVENT = "ckit/turn/event"
ASK = "ckit/approval/request"
CALL = "ckit/tool/call"


@dataclass
class Talk:
    """A client, its session, and the model that answers."""

    client: Client
    server: ModelServer
    root: Path
    session: str

    @property
    def events(self) -> list[Json]:
        """Every event up to now."""
        return [n["params"]["event"] for n in self.client.notifications if n["method"] == EVENT]

    def start(self, text: str = "Go.", **params: Any) -> asyncio.Task[Any]:
        """Begin a turn; the task gives the answer."""
        return self.client.start("ckit/turn/start", {"sessionId": self.session, "text": text, **params})

    async def turn(self, text: str = "Go.", **params: Any) -> Json:
        """Run a turn and return it."""
        return (await self.start(text, **params))["turn"]

    async def refused(self, text: str | None = "Go.", **params: Any) -> RpcError:
        """Return the error of a turn that does not begin."""
        said = {} if text is None else {"text": text}
        try:
            await self.client.request("ckit/turn/start", {"sessionId": self.session, **said, **params})
        except RpcError as error:
            return error
        raise AssertionError("the turn began")

    async def steer(self, text: str) -> Json:
        """Say something while a turn runs."""
        return (await self.client.request("ckit/turn/steer", {"sessionId": self.session, "text": text}))["item"]

    async def cancel(self, **params: Any) -> Json:
        """End the turn that runs."""
        return (await self.client.request("ckit/turn/cancel", {"sessionId": self.session, **params}))["turn"]

    async def until(self, holds: Callable[[Json], bool]) -> Json:
        """Wait for an event, past or future."""
        changed = self.client._changed
        async with asyncio.timeout(TIMEOUT_SECONDS), changed:
            await changed.wait_for(lambda: any(map(holds, self.events)))
        return next(filter(holds, self.events))

    async def began(self, kind: str, **fields: Any) -> Json:
        """Wait for the beginning of an item, and return it."""
        event = await self.until(
            lambda e: e["type"] == "itemStarted" and e["item"]["kind"] == kind and fields.items() <= e["item"].items()
        )
        return event["item"]

    async def said(self, text: str) -> None:
        """Wait until the deltas of an item say this."""
        await self.until(lambda event: event["type"] == "itemDelta" and text in event["text"])

    async def stored(self, **params: Any) -> Json:
        """What `ckit/session/get` answers."""
        return await self.client.request("ckit/session/get", {"id": self.session, **params})

    async def items(self, kind: str | None = None) -> list[Json]:
        """The items on disk."""
        return [item for item in (await self.stored())["items"] if kind in {None, item["kind"]}]

    def heard(self, call: int = -1) -> list[Json]:
        """The messages that the model was sent."""
        return self.server.calls[call].body["messages"]


def options_for(server: ModelServer, config: Json | None = None, provider: Json | None = None, **options: Any) -> Json:
    """`initializationOptions.ckit` for a daemon that asks this server; `provider` are further fields of it."""
    settings = openai_options(server, provider, **(config or {}))
    return {"protocolVersions": ["1.0"], "config": settings, **options}


@contextlib.asynccontextmanager
async def talking(
    tmp_path: Path,
    *replies: Reply,
    config: Json | None = None,
    provider: Json | None = None,
    session: Json | None = None,
    **options: Any,
) -> AsyncGenerator[Talk]:
    """Open a session in the example repository, with a model that gives these answers."""
    root = copy_example(tmp_path / "example")
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    with model_server("openai") as server:
        server.enqueue(*replies)
        async with daemon(options_for(server, config, provider, **options), environment=environment) as client:
            await client.request("ckit/repo/open", {"path": str(root)})
            created = await client.request("ckit/session/create", session or {})
            yield Talk(client, server, root, created["session"]["id"])


@contextlib.asynccontextmanager
async def talking_apart(
    tmp_path: Path,
    *replies: Reply,
    config: Json | None = None,
    provider: Json | None = None,
    session: Json | None = None,
    environment: Json | None = None,
    **options: Any,
) -> AsyncGenerator[Talk]:
    """As `talking`, with a daemon in a process of its own, which ends well and whose log tells of no fault."""
    root = copy_example(tmp_path / "example")
    with model_server("openai") as server:
        server.enqueue(*replies)
        asked = options_for(server, config, provider, **options)
        async with spawned(tmp_path, asked, environment=environment) as process:
            await process.client.request("ckit/repo/open", {"path": str(root)})
            created = await process.client.request("ckit/session/create", session or {})
            yield Talk(process.client, server, root, created["session"]["id"])
            assert process.client.strays == []
            await process.client.request("shutdown")
            process.client.notify("exit")
            assert await process.exit_code(TIMEOUT_SECONDS) == 0
    found = faults(process.log)
    assert not found, found


def client_tool(name: str = "weather", tool_class: str = "read") -> Json:
    """A tool of the client, for `ckit/session/create`."""
    schema: Json = {"type": "object", "properties": {"town": {"type": "string"}}}
    return {"name": name, "description": "Tells the weather.", "inputSchema": schema, "class": tool_class}
