"""Streams of each kind of provider whose JSON has gone wrong somewhere: read, or refused with an error of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.support.daemon import spawned
from tests.support.logs import faults
from tests.support.model_server import Reply, ToolCallReply, model_server, provider_options
from tests.support.model_server_wire import WIRES
from tests.support.random_json import SLOW, gone_wrong
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.support.client import Client
    from tests.support.model_server import ModelServer
    from tests.support.model_server_wire import Kind

KINDS: tuple[Kind, ...] = ("openai", "azure", "ollama")
EXAMPLES = 60
"""For each kind."""
ANSWER = Reply(text="Let me look.", reasoning="Hm.", tool_calls=[ToolCallReply("entity_details", {"id": "FEAT-001"})])
ASKED = {"model": "scripted", "stream": True, "stream_options": {"include_usage": True}, "messages": []}
OURS = {"provider_unavailable", "provider_error", "context_too_long", "rate_limited", "generation_failed"}


def documents(kind: Kind) -> list[Any]:
    """The JSON of each frame of a good answer."""
    frames = WIRES[kind].frames(ASKED, "scripted", ANSWER)
    texts = [frame.data.decode().removeprefix("data: ").strip() for frame in frames]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


def body_of(kind: Kind, frames: list[Any]) -> bytes:
    """The frames as they are sent, whatever they hold."""
    # Numbers beyond all measure become what no JSON has: `Infinity`.
    lines = [frame if frame == "[DONE]" else json.dumps(frame) for frame in frames]
    return "".join(f"{line}\n" if kind == "ollama" else f"data: {line}\n\n" for line in lines).encode()


@st.composite
def gone_wrong_somewhere(draw: st.DrawFn, kind: Kind) -> list[Any]:
    """The frames of an answer of which some are broken, missing, doubled or exchanged."""
    frames = documents(kind)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(frames) - 1))
        match draw(st.sampled_from(["break", "break", "break", "remove", "double", "exchange"])):
            case "break":
                frames[place] = draw(gone_wrong([frames[place]]))
            case "remove" if len(frames) > 1:
                del frames[place]
            case "double":
                frames.insert(place, frames[place])
            case _:
                frames[place], frames[0] = frames[0], frames[place]
    return frames


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[tuple[Client, dict[Kind, ModelServer], Callable[..., Any]]]:
    """One daemon with a provider of each kind; its log is read at the end."""
    folder = tmp_path_factory.mktemp("streams")
    with asyncio.Runner() as runner, contextlib.ExitStack() as servers:
        found: dict[Kind, ModelServer] = {kind: servers.enter_context(model_server(kind)) for kind in KINDS}
        models = {
            "providers": {kind: provider_options(server) for kind, server in found.items()},
            "maxRetries": 0,
            "circuitFailures": 1000,
            "cache": False,
        }
        stack = contextlib.AsyncExitStack()
        daemon = runner.run(stack.enter_async_context(spawned(folder, {"config": {"models": models}})))
        runner.run(daemon.client.request("ckit/repo/open", {"path": str(copy_example(folder / "lantern", git=False))}))
        yield daemon.client, found, runner.run
        assert runner.run(daemon.client.request("ckit/health"))["live"]
        runner.run(stack.aclose())
    assert faults(daemon.log) == []


@pytest.mark.parametrize("kind", KINDS)
def test_R06_streams_that_have_gone_wrong_are_read_or_refused_with_an_error_of_ours(
    kind: Kind, world: tuple[Client, dict[Kind, ModelServer], Callable[..., Any]]
) -> None:
    client, servers, run = world
    stops: set[str] = set()

    async def turn(frames: list[Any]) -> None:
        headers = {"content-type": WIRES[kind].content_type}
        servers[kind].enqueue(Reply(raw=body_of(kind, frames), headers=headers))
        session = (await client.request("ckit/session/create", {"model": f"{kind}/scripted"}))["session"]["id"]
        done = (await client.request("ckit/turn/start", {"sessionId": session, "text": "Go."}))["turn"]
        stops.add(done["stopReason"])
        if done["stopReason"] == "error":
            assert done["failure"]["code"] in OURS, done
        # Whatever it was, the session can be read and goes on.
        items = (await client.request("ckit/session/get", {"id": session}))["items"]
        assert not [item for item in items if item["status"] == "inProgress"]
        more = (await client.request("ckit/turn/start", {"sessionId": session, "text": "And now?"}))["turn"]
        assert more["stopReason"] == "endTurn", more
        said = json.dumps(client.notifications)
        client.notifications.clear()
        assert "internal_error" not in said

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=SLOW)
    @given(gone_wrong_somewhere(kind))
    def one(frames: list[Any]) -> None:
        note(kind)
        run(turn(frames))

    one()
    run(turn(documents(kind)))
    assert {"endTurn", "error"} <= stops
