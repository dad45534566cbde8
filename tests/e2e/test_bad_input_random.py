"""Random JSON as the parameters of every method, in one daemon: one answer each, and never a fault of the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from ckit_daemon.wire.methods import METHODS
from tests.support import client as support_client
from tests.support.client import RpcError
from tests.support.daemon import spawned
from tests.support.logs import faults
from tests.support.model_server import Reply, model_server, provider_options
from tests.support.random_json import SLOW, Form, anything, gone_wrong
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

PROTOCOL = Path(__file__).parents[2] / "protocol"
CALLED = sorted(method.name for method in METHODS if method.direction == "clientToServer")
DID_CHANGE = "ckit/repo/didChange"
EXAMPLES = 30
"""For each method."""
ASK = "ckit/approval/request"
ANSWERS: dict[str, Json] = {
    ASK: {"decision": "deny"},
    "ckit/secret/request": {"value": None},
    "ckit/tool/call": {"text": "done"},
}
NAMES = ("FEAT-001", "SPEC-001", "T-009", "offline", "offline/offline", "docs/glossary.md", "entity.edit", "default")
EDIT: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["title"], "value": "Anew"}]}
FAULTS = ("internal_error", "deadline_exceeded", "Traceback")
MAX_MESSAGE = 2000


@dataclass
class World:
    """A daemon, and something of each kind to be named."""

    client: Client
    server: ModelServer
    root: Path
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of the protocol's examples, and those that stand for them here."""
    accepted: set[str] = field(default_factory=set[str])
    """Methods that did what they were asked to, once at least."""
    asked: asyncio.Queue[str] = field(default_factory=asyncio.Queue[str])
    """Ids of the approvals that the client was asked for."""
    silent: bool = False
    """Whether the client leaves approvals without an answer."""

    async def begin(self) -> None:
        """Open the example, and answer what the daemon asks."""
        for method, answer in ANSWERS.items():
            self.client.answer(method, lambda _params, answer=answer: answer)
        self.client.answer(ASK, self.ask)
        self.names["/home/you/lantern"] = str(self.root)
        await self.open()

    async def open(self) -> None:
        """Open the example, if it is not."""
        opened = await self.client.request("ckit/repo/open", {"path": str(self.root)})
        self.names["lantern-0123abcd"] = opened["repository"]["id"]

    async def ask(self, params: Json) -> Json:
        """Take the daemon's question for an approval."""
        self.asked.put_nowait(params["approval"]["id"])
        return await asyncio.Future() if self.silent else ANSWERS[ASK]

    async def renew(self) -> None:
        """Have the example as it was, two sessions, one with a turn, and a generation, whatever became of others."""
        with as_file(files("ckit_daemon") / "example") as example:
            shutil.copytree(example, self.root, dirs_exist_ok=True)
        self.client.notify(DID_CHANGE, {})
        first, second = [(await self.client.request("ckit/session/create", {}))["session"]["id"] for _ in range(2)]
        said = {"sessionId": first, "text": "What is FEAT-001?"}
        turn = (await self.client.request("ckit/turn/start", said))["turn"]
        made = await self.client.request("ckit/spec/generate", {"requirement": "Notices can pause.", "apply": True})
        entries = (await self.client.request("ckit/specLog/list", {}))["entries"]
        self.names |= {
            "session-1": first,
            "session-2": second,
            "turn-1": turn["id"],
            "generation-1": made["generationId"],
            "2026-01-05-090000-spec-generate-1": entries[0]["id"],
        }

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncGenerator[None]:
        """Have a turn that waits for its model, and a tool that waits for a person."""
        said = {"sessionId": self.names["session-1"], "text": "Go.", "model": "test/scripted", "bypassCache": True}
        self.server.enqueue(Reply(text="Slow words.", stall_after=1))
        turn = self.client.start("ckit/turn/start", said, request_id="turn")
        await self.server.wait_stalled()
        self.silent = True
        run = self.client.start("ckit/tool/run", {"name": "entity.edit", "arguments": EDIT}, request_id="run")
        self.names["approval-1"] = await self.asked.get()
        yield
        for request in ("run", "turn"):
            self.client.notify("$/cancelRequest", {"id": request})
        await asyncio.gather(turn, run, return_exceptions=True)
        self.silent = False

    async def send(self, method: str, params: Any) -> None:
        """Send it and see that it is answered, once, by anything but a fault."""
        answer: Any = None
        if method == DID_CHANGE:
            self.client.notify(method, params)
            await self.client.request("ckit/health")
            self.accepted.add(method)
        else:
            try:
                answer = await self.client.request(method, params)
                self.accepted.add(method)
            except RpcError as error:
                answer = error.error
                assert 0 < len(error.message) < MAX_MESSAGE
        said = json.dumps([answer, self.client.notifications])
        self.client.notifications.clear()
        assert not [fault for fault in FAULTS if fault in said], said
        assert self.client.strays == []
        if method == "ckit/repo/close":
            await self.open()

    def examples(self, method: str) -> list[Any]:
        """Parameters that the protocol's own examples hold, about what is here."""
        path = PROTOCOL / "golden" / f"{method.removeprefix('ckit/')}.json"
        text = json.dumps([each.get("params") or {} for each in json.loads(path.read_text("utf-8"))["valid"]])
        for example, name in self.names.items():
            text = text.replace(json.dumps(example), json.dumps(name))
        return json.loads(text)

    def parameters(self, method: str) -> st.SearchStrategy[Any]:
        """What to send: of the right form, nearly right, or anything."""
        path = PROTOCOL / "schema" / f"{method.removeprefix('ckit/')}.params.json"
        examples = self.examples(method)
        usual: dict[str, list[Any]] = {}
        for name, value in (pair for example in examples for pair in example.items()):
            usual.setdefault(name, []).append(value)
        form = Form(json.loads(path.read_text("utf-8")), [*self.names.values(), *NAMES], usual)
        return form.values() | gone_wrong(examples) | anything


def try_out(runner: asyncio.Runner, world: World, method: str) -> None:
    """Send the examples and many other parameters to one method."""
    runner.run(world.renew())
    needs_work = method in {"ckit/turn/steer", "ckit/turn/cancel", "ckit/approval/resolve"}
    stack = contextlib.AsyncExitStack()
    if needs_work:
        runner.run(stack.enter_async_context(world.busy()))

    # The same values each time: what a new one would find is for whoever raises EXAMPLES to see.
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=SLOW)
    @given(world.parameters(method))
    def send(params: Any) -> None:
        note(method)
        runner.run(world.send(method, params))

    for example in world.examples(method):
        runner.run(world.send(method, example))
    send()
    runner.run(stack.aclose())


def test_R10_random_parameters_of_every_method_are_answered_once_and_never_by_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of what is sent indexes the repository anew.
    monkeypatch.setattr(support_client, "TIMEOUT_SECONDS", 300.0)
    root = copy_example(tmp_path / "lantern")
    with asyncio.Runner() as runner, model_server("openai") as server, model_server("openai") as embedder:
        # Vectors of the test's own server: those of the built-in model take long to make on a busy machine.
        models = {
            "providers": {"test": provider_options(server), "vectors": provider_options(embedder)},
            "embeddings": "vectors/scripted",
        }
        options = {"answers": [*ANSWERS], "config": {"models": models, "assistant": {"turnsPerMinute": 100_000}}}
        stack = contextlib.AsyncExitStack()
        daemon = runner.run(stack.enter_async_context(spawned(tmp_path, options)))
        world = World(daemon.client, server, root)
        runner.run(world.begin())
        for method in CALLED:
            try_out(runner, world, method)
        assert set(CALLED) - world.accepted == set(), "these refuse everything, so that little of them is tried"
        runner.run(daemon.client.request("shutdown"))
        daemon.client.notify("exit")
        assert runner.run(daemon.exit_code()) == 0
        runner.run(stack.aclose())
    assert faults(daemon.log) == []
