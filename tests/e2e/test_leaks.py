"""What a daemon holds on to: nothing more after hundreds of turns, nothing that listens, and nothing after its end."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from tests.e2e.test_lifecycle import (
    CUT_OFF_SECONDS,
    LATEST_SECONDS,
    TREE,
    children,
    command,
    is_cancelled,
    still_running,
)
from tests.support.client import TIMEOUT_SECONDS
from tests.support.daemon import daemon, spawned
from tests.support.model_server import Reply, ToolCallReply, model_server
from tests.support.repositories import copy_example
from tests.support.talk import ASK, CALL, EVENT, Talk, client_tool, options_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio

WARM_UP = 72
TURNS = 200
WIDE, NARROW = 24, 4
"""Turns at once: far more at first, so that no pool of threads or connections will ever be larger."""
CROWD = 200
ROOM = 6
"""A pool may still get a worker, with a connection to the database. What turns of a kind leave is there 16 times."""
SETTLE_SECONDS = 60.0
NOTE: Json = {"action": "update", "id": "T-001", "changes": [{"path": ["notes"], "op": "append", "value": "Again."}]}
LONG = " ".join(f"word{number}" for number in range(20))

REPLIES = {
    "answered": Reply(text=LONG),
    "reads": Reply(tool_calls=[ToolCallReply("pipeline_validate"), ToolCallReply("entity_details", {"id": "T-001"})]),
    "asks the client": Reply(tool_calls=[ToolCallReply("weather", {"town": "Bern"})]),
    "writes": Reply(tool_calls=[ToolCallReply("entity_edit", NOTE)]),
    "is denied": Reply(tool_calls=[ToolCallReply("entity_edit", NOTE)]),
    "runs": Reply(tool_calls=[ToolCallReply("pipeline_script", {"name": "job"})]),
    "cancelled": Reply(text=LONG, stall_after=3),
    "cancelled before a word": Reply(text=LONG, first_delay=60),
    "fails": Reply(status=500),
    "fails for good": Reply(status=401),
    "breaks off": Reply(text=LONG, break_after=3),
    "is no JSON": Reply(text=LONG, malformed_after=3),
}
"""What a turn does, in the words of the person, and what the model answers first."""
SUMMARY = Reply(text="They did this and that.")
FAILING = {"fails", "fails for good", "breaks off", "is no JSON"}
KINDS = [kind for kind in REPLIES if kind != "runs" or shutil.which("node")]
CONFIG: Json = {
    "models": {"maxRetries": 0, "circuitFailures": 1000},
    "assistant": {"turnsPerMinute": 1000},
}


def respond(body: Json) -> Reply:
    """Do what the person's words say, and be done after it."""
    last = body["messages"][-1]
    # What is no kind is a conversation that has become long, and is to be summarized.
    reply = REPLIES.get("answered" if last["role"] == "tool" else last["content"].rpartition(": ")[2], SUMMARY)
    # A connection that is kept for the next call is no leak, and would hide one.
    return replace(reply, headers={"connection": "close"})


class Held(NamedTuple):
    """What a process holds on to."""

    files: int
    threads: int
    children: int

    @classmethod
    def by(cls, process: psutil.Process) -> Held:
        """Count it."""
        files = process.num_handles() if sys.platform == "win32" else process.num_fds()
        return cls(files, process.num_threads(), len(process.children(recursive=True)))

    def exceeds(self, other: Held) -> bool:
        """Whether there is more of anything than chance makes of it."""
        return any(mine > theirs + ROOM for mine, theirs in zip(self, other, strict=True))


class People:
    """Take turns of all kinds in one daemon, several at once."""

    def __init__(self, client: Client, process: psutil.Process) -> None:
        self.open_doors: list[str] = []
        """Sockets by which others could come in, looked for in the middle of each turn."""
        self._client = client
        self._process = process
        self._kinds: dict[str, str] = {}
        self._said: dict[str, asyncio.Event] = {}
        client.watch = self._watch
        client.answer(ASK, self._decide)
        client.answer(CALL, lambda _: {"text": "Rain."})

    async def turns(self, count: int, at_once: int) -> None:
        """Take so many turns, one kind after the other."""
        kinds = [KINDS[number % len(KINDS)] for number in range(count)]
        await asyncio.gather(*(self._row(kinds[at::at_once]) for at in range(at_once)))

    async def crowd(self) -> None:
        """Ask for so much at once that each pool of threads becomes as large as it may be."""
        methods = ("ckit/session/list", "ckit/repo/validate")
        await asyncio.gather(*(self._client.request(methods[number % 2], {}) for number in range(CROWD)))

    async def _row(self, kinds: list[str]) -> None:
        created = await self._client.request("ckit/session/create", {"tools": [client_tool()]})
        session = {"sessionId": created["session"]["id"]}
        for number, kind in enumerate(kinds):
            self._kinds[session["sessionId"]] = kind
            said = self._said[session["sessionId"]] = asyncio.Event()
            running = self._client.start("ckit/turn/start", {**session, "text": f"Turn {number}: {kind}"})
            if kind.startswith("cancelled"):
                await said.wait()
                await self._client.request("ckit/turn/cancel", session)
            turn = (await running)["turn"]
            expected = "cancelled" if kind.startswith("cancelled") else "error" if kind in FAILING else "endTurn"
            assert turn["stopReason"] == expected, turn

    def _decide(self, params: Json) -> Json:
        kind = self._kinds[params["approval"]["sessionId"]]
        return {"decision": "deny" if kind == "is denied" else "allowOnce"}

    def _watch(self, message: Json) -> None:
        if message.get("method") != EVENT:
            return
        event = message["params"]["event"]
        kind = self._kinds[event["sessionId"]]
        if event["type"] == ("itemCompleted" if kind == "cancelled before a word" else "itemDelta"):
            self._said[event["sessionId"]].set()
        if event["type"] == "itemStarted":
            self.open_doors += open_doors(self._process)


def open_doors(process: psutil.Process) -> list[str]:
    """Sockets of a process that listen, that others could find by a name, or that take what anybody sends."""
    return [
        str(each)
        for each in process.net_connections(kind="all")
        if each.status == psutil.CONN_LISTEN
        or each.type == socket.SOCK_DGRAM
        or (each.family not in {socket.AF_INET, socket.AF_INET6} and each.laddr)
    ]


async def settled(process: psutil.Process, server: ModelServer, client: Client, limit: Held | None = None) -> Held:
    """Return what is held once nothing is under way; given a limit, wait for a while until it is not exceeded."""
    await server.wait_idle()
    deadline = time.monotonic() + SETTLE_SECONDS
    held = Held.by(process)
    while limit is not None and (held.exceeds(limit) or held.children) and time.monotonic() < deadline:
        # Sockets close and threads end a moment after the answer that they were for.
        await client.request("ckit/capabilities")
        held = Held.by(process)
    return held


async def test_R24_two_hundred_turns_leave_nothing_open_and_R01_nothing_ever_listens(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    (root / "job.cjs").write_text("console.log('done')", "utf-8")
    (root / "package.json").write_text(json.dumps({"scripts": {"job": "node job.cjs"}}), "utf-8")
    with model_server() as server:
        server.respond = respond
        options = options_for(server, CONFIG, answers=[ASK, CALL], trusted=True)
        async with spawned(tmp_path, options) as running:
            process = psutil.Process(running.process.pid)
            await running.client.request("ckit/repo/open", {"path": str(root)})
            people = People(running.client, process)
            await people.turns(WARM_UP, WIDE)
            await people.crowd()
            warm = await settled(process, server, running.client)
            await people.turns(TURNS, NARROW)
            after = await settled(process, server, running.client, warm)
            assert not after.exceeds(warm), f"{warm} became {after}"
            assert after.children == 0
            assert not people.open_doors


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
async def test_R23_a_turn_that_streams_and_a_tool_that_runs_are_gone_in_time_when_the_input_ends(
    tmp_path: Path,
) -> None:
    root = copy_example(tmp_path / "example")
    (root / "job.mjs").write_text(TREE, "utf-8")
    (root / "package.json").write_text(json.dumps({"scripts": {"job": "node job.mjs"}}), "utf-8")
    with model_server() as server:
        server.respond = respond
        options = options_for(server, CONFIG, answers=[ASK], trusted=True)
        async with spawned(tmp_path, options) as running:
            await running.client.request("ckit/repo/open", {"path": str(root)})
            running.client.answer(ASK, lambda _: {"decision": "allowOnce"})
            talks = [
                Talk(
                    running.client,
                    server,
                    root,
                    (await running.client.request("ckit/session/create", {}))["session"]["id"],
                )
                for _ in range(2)
            ]
            turns = [talks[0].start("Turn 1: cancelled"), talks[1].start("Turn 1: runs")]
            await talks[0].said("word2")
            # The two that the script itself starts, one below the other; npm and its shell stand above them.
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while len(found := [p for p in children(running.process.pid) if "setInterval" in command(p)]) < 2:
                    await running.client.request("ckit/capabilities")
            descendants = children(running.process.pid)
            started = time.monotonic()
            running.client.close_input()
            assert await running.exit_code(LATEST_SECONDS) == 1
            assert not still_running([*descendants, *found])
            seconds = time.monotonic() - started
            assert seconds < LATEST_SECONDS
            await server.wait_idle()
            for turn in turns:
                await is_cancelled(turn, seconds)
        # What there was is on disk, and nothing is left in progress.
        async with daemon(environment={"CKIT_PATHS_STATE_DIR": str(tmp_path)}) as client:
            for talk, texts in zip(talks, (["word0 word1 word2"], [""]), strict=True):
                stored = await client.request("ckit/session/get", {"id": talk.session})
                # Where the end of the daemon had to be cut off, so was the turn.
                ends = [turn.get("stopReason", turn["status"]) for turn in stored["turns"]]
                assert ends == ["cancelled"] or (ends == ["interrupted"] and seconds > CUT_OFF_SECONDS)
                said = [item for item in stored["items"] if item["kind"] == "message"]
                assert ends == ["interrupted"] or [item.get("text", "") for item in said] == texts
                assert "inProgress" not in {item["status"] for item in stored["items"]}
