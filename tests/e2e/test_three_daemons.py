"""Three daemon processes on one database and one repository, with a hundred turns in each at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.client import RpcError
from tests.support.conversations import integrity
from tests.support.daemon import spawned
from tests.support.ledger import Ledger, pages
from tests.support.model_server import Reply, ToolCallReply, model_server
from tests.support.repositories import copy_example
from tests.support.talk import EVENT, options_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio

DAEMONS = ("a", "b", "c")
OWN_SESSIONS = 4
OWN_TURNS = 20
SHARED_SESSIONS = 2
SHARED_TURNS = 10
"""That each daemon takes in each of them."""
TURNS = len(DAEMONS) * (OWN_SESSIONS * OWN_TURNS + SHARED_SESSIONS * SHARED_TURNS)
WORDS = re.compile(r"session (\S+) turn (\S+)\.")


def answer(body: Json) -> Reply:
    """Repeat the words of the person; in some turns after a tool run."""
    messages = body["messages"]
    asked = [message["content"] for message in messages if message["role"] == "user"][-1]
    if asked.endswith("0.") and messages[-1]["role"] == "user":
        return Reply(tool_calls=[ToolCallReply("entity_details", {"id": "FEAT-001"})])
    return Reply(text=f"You said: {asked}", gap=0.002)


@dataclass
class Editor:
    """A program with a daemon of its own."""

    name: str
    client: Client
    ledgers: dict[str, Ledger] = field(default_factory=dict[str, Ledger])
    failures: list[Exception] = field(default_factory=list[Exception])
    refused: int = 0

    def follow(self, session: Json) -> str:
        """Note what is told of a session from now on, and return its id."""
        self.client.watch = self._note
        self.ledgers[session["id"]] = Ledger(session)
        return session["id"]

    async def talk(self, session: str, label: str, turns: int) -> None:
        """Take turns in a session, each as soon as nobody else does."""
        ledger = self.ledgers[session]
        for number in range(turns):
            text = f"session {label} turn {self.name}{number}."
            turn = None
            while turn is None:
                await ledger.catch_up(self.client)
                try:
                    turn = (await self.client.request("ckit/turn/start", {"sessionId": session, "text": text}))["turn"]
                except RpcError as error:
                    assert error.code == "conflict", error
                    assert error.data["details"]["turnId"]
                    self.refused += 1
                    # No faster than a program that is considerate.
                    await asyncio.sleep(0.01)
            assert turn["stopReason"] == "endTurn"
            assert ledger.turns[turn["id"]] == turn
        await ledger.catch_up(self.client)

    def _note(self, message: Json) -> None:
        try:
            if message.get("method") == EVENT:
                event = message["params"]["event"]
                self.ledgers[event["sessionId"]].take(event)
        except (AssertionError, KeyError) as error:
            # It would be lost in the client.
            self.failures.append(error)


async def test_R04_three_daemons_take_three_hundred_turns_at_once_and_none_is_lost_or_mixed(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "example")
    environment = {"CKIT_PATHS_STATE_DIR": str(tmp_path / "state"), "CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache")}
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(model_server())
        server.respond = answer
        server.models = {"scripted": 1_000_000}
        options = options_for(server, {"assistant": {"turnsPerMinute": 1000}})
        editors: list[Editor] = []
        for name in DAEMONS:
            (tmp_path / name).mkdir()
            daemon = await stack.enter_async_context(spawned(tmp_path / name, options, environment=environment))
            await daemon.client.request("ckit/repo/open", {"path": str(root)})
            editors.append(Editor(name, daemon.client))
        talks = [
            await begun(editor, [editor], f"{editor.name}{own}") for editor in editors for own in range(OWN_SESSIONS)
        ]
        talks += [await begun(editors[shared], editors, f"all{shared}") for shared in range(SHARED_SESSIONS)]
        await asyncio.gather(
            *(
                editor.talk(session, label, OWN_TURNS if len(takers) == 1 else SHARED_TURNS)
                for session, label, takers in talks
                for editor in takers
            )
        )
        assert not [failure for editor in editors for failure in editor.failures]
        assert all(editor.refused for editor in editors), "nobody was in the way of anybody"
        numbers: dict[str, int] = {}
        for session, label, takers in talks:
            numbers |= await compare(session, label, takers, editors)
        assert len(numbers) == TURNS
        compare_heard(server, numbers)
    assert integrity(tmp_path / "state") == "ok"


async def begun(creator: Editor, takers: list[Editor], label: str) -> tuple[str, str, list[Editor]]:
    """Begin a session in which some take turns."""
    session = (await creator.client.request("ckit/session/create", {"title": label}))["session"]
    for editor in takers:
        editor.follow(session)
    return session["id"], label, takers


async def compare(session: str, label: str, takers: list[Editor], editors: list[Editor]) -> dict[str, int]:
    """See that a session holds each turn once and whole, in all daemons; returns the numbers of the turns by text."""
    found, *others = [await pages(editor.client, session) for editor in editors]
    assert others == [found] * len(others)
    assert found["session"]["title"] == label
    for editor in takers:
        await editor.ledgers[session].compare(editor.client)
    numbers: dict[str, int] = {}
    for turn in found["turns"]:
        assert (turn["status"], turn["stopReason"]) == ("completed", "endTurn")
        items = [item for item in found["items"] if item["turnId"] == turn["id"]]
        asked, *_, said, usage = items
        assert asked["kind"] == "userMessage"
        assert (said["kind"], said["text"]) == ("message", f"You said: {asked['text']}")
        assert (usage["kind"], usage["usage"]) == ("usage", turn["usage"])
        tools = 1 if asked["text"].endswith("0.") else 0
        assert [item["kind"] for item in items[1:-2]] == ["message", "toolCall"] * tools
        numbers[asked["text"]] = turn["number"]
    each = OWN_TURNS if len(takers) == 1 else SHARED_TURNS
    # Each daemon's own turns are there in the order in which it took them.
    for editor in takers:
        own = [text for text in numbers if f"turn {editor.name}" in text]
        assert own == [f"session {label} turn {editor.name}{number}." for number in range(each)]
    assert len(numbers) == len(found["turns"]) == each * len(takers)
    return numbers


def compare_heard(server: ModelServer, numbers: dict[str, int]) -> None:
    """See that the model was always sent the whole of one conversation, and nothing of another."""
    heard: set[str] = set()
    for call in server.calls:
        asked = [message["content"] for message in call.body["messages"] if message["role"] == "user"]
        assert [numbers[text] for text in asked] == [*range(1, len(asked) + 1)]
        assert len({WORDS.findall(text)[0][0] for text in asked}) == 1
        heard.add(asked[-1])
    assert heard == numbers.keys()
