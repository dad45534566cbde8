"""Random JSON where models and clients, and not requests, bring it: arguments of tools, and answers to questions."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, settings

from tests.support.client import RpcError
from tests.support.daemon import spawned
from tests.support.logs import faults
from tests.support.model_server import Reply, ToolCallReply, model_server, openai_options
from tests.support.random_json import SLOW, Form, anything, gone_wrong
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence

    from hypothesis.strategies import SearchStrategy

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

PROTOCOL = Path(__file__).parents[2] / "protocol"
EXAMPLES = 30
"""For each tool, and for each question."""
ASK = "ckit/approval/request"
CALL = "ckit/tool/call"
SECRET = "ckit/secret/request"
NAMES = ("FEAT-001", "SPEC-001", "T-001", "task", "docs/glossary.md", "title", "default", "validate", "update")
USUAL: dict[str, Sequence[Any]] = {
    "id": ["FEAT-001", "T-001"],
    "ids": [["FEAT-001"], ["T-001", "US-002"]],
    "path": ["docs/glossary.md", ["title"]],
    "query": ["mail gateway"],
    "action": ["create", "update", "rename", "delete"],
    "changes": [[{"path": ["title"], "value": "Anew"}]],
}
WEATHER: Json = {"name": "weather", "description": "Tells it.", "inputSchema": {"type": "object"}, "class": "read"}
EDIT: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}


class World:
    """A daemon whose client and model say what a test wants."""

    def __init__(self, client: Client, server: ModelServer, root: Path, run: Callable[..., Any]) -> None:
        self.client = client
        self.server = server
        self.root = root
        self.run = run
        self.session = ""
        self.answers: dict[str, Any] = {
            ASK: {"decision": "deny"},
            CALL: {"text": "fine"},
            SECRET: {"value": "key-of-the-test-0123456789"},
        }

    async def begin(self) -> None:
        """Open the example and a session, and answer each question with whatever `answers` has for it then."""
        for method in self.answers:
            self.client.answer(method, lambda _params, method=method: self.answers[method])
        await self.client.request("ckit/repo/open", {"path": str(self.root)})
        created = await self.client.request("ckit/session/create", {"tools": [WEATHER]})
        self.session = created["session"]["id"]

    def send_many(
        self, values: SearchStrategy[Any], send: Callable[[Any], Coroutine[Any, Any, Any]], name: str
    ) -> None:
        """Try many values; no answer and no event may tell of a fault of the daemon."""

        @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=SLOW)
        @given(values)
        def one(value: Any) -> None:
            note(name)
            said = json.dumps([self.run(send(value)), self.client.notifications])
            self.client.notifications.clear()
            assert "internal_error" not in said
            assert "Traceback" not in said
            assert self.client.strays == []

        one()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """One daemon for all; its log is read at the end."""
    folder = tmp_path_factory.mktemp("random")
    root = copy_example(folder / "lantern")
    with asyncio.Runner() as runner, model_server("openai") as server:
        assistant = {"turnsPerMinute": 100_000, "approvalTimeoutSeconds": 0.2}
        config = openai_options(server, {"apiKey": "client:work"}, assistant=assistant, models={"cache": False})
        stack = contextlib.AsyncExitStack()
        options = {"answers": [ASK, CALL, SECRET], "config": config}
        daemon = runner.run(stack.enter_async_context(spawned(folder, options)))
        world = World(daemon.client, server, root, runner.run)
        runner.run(world.begin())
        yield world
        assert runner.run(daemon.client.request("ckit/health"))["live"]
        runner.run(stack.aclose())
    assert faults(daemon.log) == []


def results_of(method: str) -> SearchStrategy[Any]:
    """Answers to a question of the daemon: of the right form, nearly right, or anything."""
    name = method.removeprefix("ckit/")
    schema = json.loads((PROTOCOL / "schema" / f"{name}.result.json").read_text("utf-8"))
    valid = json.loads((PROTOCOL / "golden" / f"{name}.json").read_text("utf-8"))["valid"]
    return Form(schema, NAMES, {}).values() | gone_wrong([each["result"] for each in valid]) | anything


def test_R10_random_arguments_of_every_tool_are_outcomes(world: World) -> None:
    before = {path: path.read_bytes() for path in world.root.rglob("*.yaml")}
    ran: set[str] = set()
    for tool in world.run(world.client.request("ckit/tool/list"))["tools"]:
        name = tool["name"]

        async def run(arguments: Any, name: str = name) -> Any:
            sent = arguments if isinstance(arguments, dict) else {"arguments": arguments}
            done = await world.client.request("ckit/tool/run", {"name": name, "arguments": sent})
            ran.add(f"{name} {done['status']}")
            return done

        world.run(run(EDIT))
        form = Form(tool["inputSchema"], NAMES, USUAL)
        world.send_many(form.values() | gone_wrong([EDIT]) | anything, run, name)
    assert {path: path.read_bytes() for path in world.root.rglob("*.yaml")} == before
    assert {"entity.edit denied", "entity.edit error", "entity.details ok", "context.search ok"} <= ran


def test_R10_random_tool_calls_of_a_model_are_results_that_it_hears_of(world: World) -> None:
    names = ("entity_details", "entity_edit", "context_search", "weather", "no_such_tool", "x" * 64)

    async def turn(arguments: Any) -> Any:
        # Arguments come in small pieces; where longer ones are cut off they are as broken as any.
        text = (arguments if isinstance(arguments, str) else json.dumps(arguments))[:2000]
        world.server.enqueue(Reply(tool_calls=[ToolCallReply(name, text) for name in names]), Reply(text="Done."))
        # Each in a session of its own: the history of all of them would fill any context.
        session = (await world.client.request("ckit/session/create", {"tools": [WEATHER]}))["session"]["id"]
        said = {"sessionId": session, "text": "Go.", "model": "test/scripted"}
        done = await world.client.request("ckit/turn/start", said)
        assert done["turn"]["stopReason"] == "endTurn", done
        return done

    world.send_many(gone_wrong([EDIT]) | anything, turn, "turn")


@pytest.mark.parametrize("method", [ASK, CALL, SECRET])
def test_R10_random_answers_to_each_question_of_the_daemon_are_no_fault(method: str, world: World) -> None:
    sent: dict[str, tuple[str, Json]] = {
        ASK: ("ckit/tool/run", {"name": "entity.edit"}),
        CALL: ("ckit/tool/run", {"name": "weather", "sessionId": world.session}),
        SECRET: ("ckit/provider/test", {"provider": "test", "model": "scripted"}),
    }

    numbers = itertools.count(1)

    async def answer(value: Any) -> Any:
        world.answers[method] = value
        # A key that was taken once is asked for again because it is refused.
        world.server.key = "never-the-right-one"
        name, params = sent[method]
        # What would change nothing any more asks nobody.
        change = {"path": ["title"], "value": f"Anew for the {next(numbers)}th time"}
        more = {"arguments": EDIT | {"changes": [change]}} if method == ASK else {}
        try:
            return await world.client.request(name, params | more)
        except RpcError as error:
            return error.error

    world.send_many(results_of(method), answer, method)
