"""Several daemons on one database, and daemons that are killed while they write."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ckit_daemon.core.errors import ConflictError
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant.ports import SessionQuery
from ckit_daemon.services.assistant.records import AssistantMessage, Usage, UserMessage
from ckit_daemon.services.assistant.stream import TurnWriter
from tests.support.conversations import a_message, a_question, a_session, a_store, a_turn, integrity

if TYPE_CHECKING:
    from ckit_daemon.services.assistant.records import Turn, TurnEvent
    from ckit_daemon.storage.sessions import SqliteSessionStore

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[2]
ROUNDS = 10
CHILDREN = 2


async def test_R04_three_daemons_and_three_hundred_turns_at_once_lose_and_mix_nothing(tmp_path: Path) -> None:
    async def take_a_turn(store: SqliteSessionStore, number: int) -> None:
        session_id, turn_id = f"s{number}", f"t{number}"
        await store.create(a_session(session_id))
        turn = await store.begin_turn(a_turn(turn_id, session_id))
        await store.put_item(session_id, a_question(f"q{number}", turn_id, text=f"{number}?"))
        for text in ("", f"{number}!"):
            await store.put_item(session_id, a_message(f"m{number}", turn_id, text=text))
        usage = Usage(input_tokens=number, output_tokens=1)
        await store.end_turn(replace(turn, status="completed", usage=usage))

    async with a_store(tmp_path) as one, a_store(tmp_path) as two, a_store(tmp_path) as three:
        stores = (one, two, three)
        await asyncio.gather(*(take_a_turn(stores[number % 3], number) for number in range(300)))
        assert (await one.query(SessionQuery(limit=1)))[1] == 300
        for number in range(300):
            found = await stores[(number + 1) % 3].transcript(f"s{number}")
            question, answer = found.items
            assert isinstance(question, UserMessage)
            assert isinstance(answer, AssistantMessage)
            assert (question.text, answer.text) == (f"{number}?", f"{number}!")
            assert (question.seq, answer.seq, found.session.last_seq) == (2, 4, 5)
            assert (found.session.turns, found.session.usage.input_tokens) == (1, number)
            assert [turn.status for turn in found.turns] == ["completed"]
    assert integrity(tmp_path) == "ok"


async def test_one_session_that_three_daemons_want_goes_from_one_to_the_next(tmp_path: Path) -> None:
    async with a_store(tmp_path) as one, a_store(tmp_path) as two, a_store(tmp_path) as three:
        await one.create(a_session())

        refused = 0

        async def write(store: SqliteSessionStore, name: str) -> None:
            nonlocal refused
            for number in range(5):
                turn = a_turn(f"{name}{number}")
                begun = None
                while begun is None:
                    try:
                        begun = await store.begin_turn(turn)
                    except ConflictError:
                        refused += 1
                await store.put_item("s", a_message(turn_id=turn.id))
                await store.end_turn(begun)

        await asyncio.gather(write(one, "a"), write(two, "b"), write(three, "c"))
        found = await one.transcript("s")
        assert [turn.number for turn in found.turns] == [*range(1, 16)]
        assert refused
        # The items of a turn lie between its beginning and its end, and no number is missing or there twice.
        assert [item.turn_id for item in found.items] == [turn.id for turn in found.turns]
        assert [item.seq for item in found.items] == [*range(2, 46, 3)]
        assert found.session.last_seq == 45


async def test_the_end_of_a_turn_is_told_with_its_own_number_though_another_daemon_goes_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[TurnEvent] = []
    async with a_store(tmp_path) as one, a_store(tmp_path) as two:
        await one.create(a_session())
        end_turn = one.end_turn

        async def and_then_the_other(turn: Turn) -> tuple[Turn, int]:
            ended = await end_turn(turn)
            await two.begin_turn(a_turn("next"))
            return ended

        monkeypatch.setattr(one, "end_turn", and_then_the_other)
        writer = TurnWriter(one, told.append, a_turn("first"), Redactor())
        await writer.start_turn()
        await writer.end_turn(replace(writer.turn, status="completed"))
        # A client that has 2 asks for what followed, and must not be told that it has 3 already.
        assert [(event.turn_id, event.seq) for event in told] == [("first", 1), ("first", 2)]
        assert (await one.find("s")).last_seq == 3


async def test_R04_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20)
    sessions = [f"s{number}" for number in range(CHILDREN)]
    async with a_store(tmp_path) as store:
        for session_id in sessions:
            await store.create(a_session(session_id))
    for _ in range(ROUNDS):
        told = await asyncio.gather(
            *(asyncio.to_thread(killed_writer, tmp_path, each, chance.randrange(1, 40)) for each in sessions)
        )
        async with a_store(tmp_path) as store:
            for session_id, lines in zip(sessions, told, strict=True):
                await compare(store, session_id, lines)
        assert integrity(tmp_path) == "ok"
    # Whoever writes next tidies up after the dead.
    assert len([*(tmp_path / "ckit.db.owners").iterdir()]) <= CHILDREN


def killed_writer(folder: Path, session_id: str, after: int) -> list[list[str]]:
    """Run the writer, kill it once it has said so many things, and return all that it said."""
    command = [sys.executable, "-m", "tests.support.writing_child", str(folder), session_id]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(after)]
        process.kill()
        lines += process.stdout.readlines()
    assert all(lines), "the writer ended by itself"
    # What was cut off was not said.
    return [line.split() for line in lines if line.endswith("\n")]


async def compare(store: SqliteSessionStore, session_id: str, told: list[list[str]]) -> None:
    """Look for everything that a writer was told is on disk, and go on with the turn that it did not end."""
    found = await store.transcript(session_id)
    items = {item.id: item for item in found.items}
    turns = {turn.id: turn for turn in found.turns}
    approvals = {approval.id for approval in await store.approvals(session_id=session_id)}
    assert len(items) == len(found.items)
    assert len({item.seq for item in found.items}) == len(items)
    assert found.session.last_seq >= max(item.seq for item in found.items)
    assert [turn.number for turn in found.turns] == [*range(1, len(turns) + 1)]
    latest = {words[1]: words[2] for words in told if words[0] == "item"}
    for identifier, text in latest.items():
        item = items[identifier]
        assert isinstance(item, AssistantMessage | UserMessage)
        # The next state may be on disk although nobody lived to be told.
        assert item.text in ({text, "ended"} if text == "begun" else {text})
    for kind, identifier, *_ in told:
        if kind == "turn":
            assert identifier in turns
        elif kind == "ended":
            assert turns[identifier].status == "completed"
        elif kind == "approval":
            assert identifier in approvals
    assert found.session.running_turn is None
    assert "running" not in {turn.status for turn in found.turns}
    assert "inProgress" not in {item.status for item in found.items}
    for turn in found.turns:
        if turn.status == "interrupted":
            resumed = await store.begin_turn(replace(turn, status="running"))
            await store.put_item(session_id, a_message(turn_id=turn.id))
            await store.end_turn(replace(resumed, status="completed"))
            # The next writer names its turns and items from the beginning again.
    await renamed_out_of_the_way(store, session_id)


async def renamed_out_of_the_way(store: SqliteSessionStore, session_id: str) -> None:
    """Keep what a writer wrote in a copy of the session, and give the next writer an empty one."""
    await store.fork(session_id, a_session(f"{session_id}-{random.random()}"), up_to_turn=None)
    await store.delete(session_id)
    await store.create(a_session(session_id))
