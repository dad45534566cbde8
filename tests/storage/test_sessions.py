"""The store of sessions: numbers, leases, copies and secrets."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ckit_daemon.core.errors import CkitError, ConflictError, NotFoundError
from ckit_daemon.services.assistant.ports import SessionQuery
from ckit_daemon.services.assistant.records import ApprovalItem, AssistantMessage, ClientTool, ToolCall, Usage
from ckit_daemon.services.clock import timestamp
from tests.support.conversations import (
    a_message,
    a_question,
    a_session,
    a_store,
    a_tool_call,
    a_turn,
    an_approval,
    integrity,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ckit_daemon.storage.sessions import SqliteSessionStore

KEY = "sk-planted0123456789abcdef"


@pytest.mark.asyncio
async def test_R04_every_event_takes_the_next_number_and_the_session_counts_turns_and_usage(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        turn = await store.begin_turn(a_turn())
        assert (turn.number, (await store.find("s")).running_turn) == (1, "t")
        first = await store.put_item("s", a_question("q"))
        begun = await store.put_item("s", a_message("m", status="inProgress", text=""))
        ended = await store.put_item("s", a_message("m", text="Hello."))
        assert [first.seq, begun.seq, ended.seq] == [2, 3, 4]
        usage = Usage(input_tokens=5, output_tokens=2, cost=0.5)
        await store.end_turn(replace(turn, status="completed", stop_reason="endTurn", usage=usage))
        assert (await store.begin_turn(a_turn("t2"))).number == 2
        await store.end_turn(a_turn("t2"))
        found = await store.transcript("s")
        assert (found.session.last_seq, found.session.turns, found.session.usage) == (7, 2, usage)
        assert found.session.running_turn is None
        assert [turn.stop_reason for turn in found.turns] == ["endTurn", None]
        assert [*found.items] == [first, ended]


@pytest.mark.asyncio
async def test_items_come_in_the_order_of_their_beginning_and_only_those_that_are_new(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        await store.begin_turn(a_turn())
        await store.put_item("s", a_message("slow", status="inProgress"))
        quick = await store.put_item("s", a_message("quick"))
        await store.put_item("s", a_message("slow"))
        assert [item.id for item in (await store.transcript("s")).items] == ["slow", "quick"]
        assert [item.id for item in (await store.transcript("s", after_seq=quick.seq)).items] == ["slow"]
        assert [item.id for item in (await store.transcript("s", limit=1)).items] == ["quick"]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(puts=st.lists(st.integers(0, 8), min_size=1, max_size=40), limit=st.integers(1, 5), data=st.data())
def test_whoever_pages_through_a_session_sees_every_item_in_its_last_state(
    tmp_path_factory: pytest.TempPathFactory, puts: list[int], limit: int, data: st.DataObject
) -> None:
    async def check() -> None:
        async with a_store(tmp_path_factory.mktemp("paging")) as store:
            await store.create(a_session())
            await store.begin_turn(a_turn())
            await asyncio.gather(
                *(store.put_item("s", a_message(str(number), text=str(at))) for at, number in enumerate(puts))
            )
            last = {item.id: item for item in (await store.transcript("s")).items}
            assert last.keys() == {str(number) for number in puts}
            seen = {}
            at = 0
            while items := (await store.transcript("s", after_seq=at, limit=limit)).items:
                at = max(item.seq for item in items)
                seen |= {item.id: item for item in items}
                if data.draw(st.booleans()):
                    again = await store.put_item("s", a_message(str(puts[0]), text="changed"))
                    last[again.id] = again
            assert seen == last

    # A session whose first item changes after every page would never end.
    asyncio.run(check())


@pytest.mark.asyncio
async def test_sessions_are_found_by_repository_title_and_state_the_last_used_first(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        for number, title in enumerate(["Ärger", "ärgerlich", "Freude"]):
            await store.create(a_session(f"s{number}", title=title, updated_at=f"2026-01-0{number + 1}"))
        await store.create(a_session("other", repository="r2", updated_at="2025-01-01"))
        found, total = await store.query(SessionQuery(limit=2))
        assert ([each.id for each in found], total) == (["s2", "s1"], 4)
        assert [each.id for each in (await store.query(SessionQuery(offset=2)))[0]] == ["s0", "other"]
        assert [each.id for each in (await store.query(SessionQuery(text="ÄRGER", repository="r")))[0]] == ["s1", "s0"]
        assert (await store.query(SessionQuery(text="%")))[1] == 0
        await store.change("s1", archived=True)
        assert [each.id for each in (await store.query(SessionQuery(archived=True)))[0]] == ["s1"]
        assert (await store.query(SessionQuery(archived=None)))[1] == 4
        assert (await store.query(SessionQuery()))[1] == 3
        await store.change("other", title="Used now")
        assert (await store.query(SessionQuery()))[0][0].id == "other"


@pytest.mark.asyncio
async def test_a_session_has_one_writer_at_a_time_in_whatever_daemon(tmp_path: Path) -> None:
    async with a_store(tmp_path) as one, a_store(tmp_path) as other:
        await one.create(a_session())
        await one.begin_turn(a_turn())
        for store in (one, other):
            with pytest.raises(ConflictError) as caught:
                await store.begin_turn(a_turn("t2"))
            assert caught.value.details == {"turnId": "t"}
            with pytest.raises(ConflictError):
                await store.delete("s")
        for attempt in (
            other.put_item("s", a_message()),
            other.end_turn(a_turn()),
            one.put_item("s", a_message(turn_id="t2")),
        ):
            with pytest.raises(ConflictError):
                await attempt
        assert (await other.find("s")).running_turn == "t"
        await one.end_turn(a_turn())
        with pytest.raises(ConflictError):
            await one.put_item("s", a_message())
        await other.begin_turn(a_turn("t2"))
        assert (await one.find("s")).running_turn == "t2"


@pytest.mark.asyncio
async def test_R04_a_daemon_that_ends_leaves_its_turn_interrupted_and_another_one_goes_on(tmp_path: Path) -> None:
    async with a_store(tmp_path) as other:
        async with a_store(tmp_path) as one:
            await one.create(a_session())
            turn = await one.begin_turn(a_turn())
            await one.put_item("s", a_message("said", tokens=10))
            await one.put_item("s", a_message("half", status="inProgress", text="It is"))
        found = await other.transcript("s")
        assert (found.session.running_turn, found.session.usage.input_tokens) == (None, 10)
        assert [(turn.status, turn.usage.output_tokens) for turn in found.turns] == [("interrupted", 10)]
        assert [(item.id, item.status) for item in found.items] == [("said", "completed"), ("half", "interrupted")]
        assert found.turns[0].ended_at is not None
        resumed = await other.begin_turn(replace(turn, number=99))
        assert (resumed.id, resumed.number, (await other.find("s")).turns) == ("t", 1, 1)
        half = await other.put_item("s", a_message("half", text="It is done."))
        assert half.seq > found.session.last_seq
        total = Usage(input_tokens=30, output_tokens=12, cost=0.03)
        await other.end_turn(replace(resumed, status="completed", usage=total))
        session = await other.find("s")
        assert (session.usage.input_tokens, session.usage.output_tokens) == (30, 12)
        assert session.usage.cost == pytest.approx(0.03)
        with pytest.raises(ConflictError, match="resumed"):
            await other.begin_turn(turn)
    assert [*(tmp_path / "ckit.db.owners").iterdir()] == []


@pytest.mark.asyncio
async def test_R04_what_a_tool_took_in_an_interrupted_turn_counts_once(tmp_path: Path) -> None:
    taken = Usage(input_tokens=5000, output_tokens=4000)
    async with a_store(tmp_path) as other:
        async with a_store(tmp_path) as one:
            await one.create(a_session())
            turn = await one.begin_turn(a_turn())
            await one.put_item("s", a_message("said", tokens=10))
            await one.put_item("s", replace(a_tool_call("called"), usage=taken))
        found = await other.transcript("s")
        assert (found.session.usage.input_tokens, found.session.usage.output_tokens) == (5010, 4010)
        assert found.turns[0].usage == found.session.usage
        resumed = await other.begin_turn(turn)
        await other.end_turn(replace(resumed, status="completed", usage=found.turns[0].usage))
        assert (await other.find("s")).usage.input_tokens == 5010


@pytest.mark.asyncio
@pytest.mark.parametrize("tidied", [True, False])
async def test_R04_whoever_comes_upon_the_turn_of_a_dead_daemon_marks_it(tmp_path: Path, *, tidied: bool) -> None:
    async with a_store(tmp_path) as one, a_store(tmp_path) as other:
        for session_id in ("s", "s2", "s3", "s4"):
            await one.create(a_session(session_id))
            await one.begin_turn(a_turn(f"t-{session_id}", session_id))
        # The system lets go of a lock when a process ends; its file stays until somebody tidies up.
        assert one._owner._held is not None
        one._owner._held.release()
        if tidied:
            one._owner._file_of(one._owner.id).unlink()
        assert (await other.query(SessionQuery(limit=1)))[0][0].running_turn is None
        assert (await other.find("s")).running_turn is None
        await other.begin_turn(a_turn("next", "s2"))
        await other.delete("s3")
        assert [turn.status for turn in (await other.transcript("s2")).turns] == ["interrupted", "running"]
        with pytest.raises(ConflictError):
            await one.put_item("s2", a_message(turn_id="t-s2"))


@pytest.mark.asyncio
async def test_a_turn_whose_beginning_is_cancelled_does_not_block_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        begun, go_on = threading.Event(), threading.Event()
        live = store._owner.live

        def slow() -> None:
            begun.set()
            assert go_on.wait(60)
            live()

        monkeypatch.setattr(store._owner, "live", slow)
        beginning = asyncio.create_task(store.begin_turn(a_turn("cancelled")))
        await asyncio.to_thread(begun.wait, 60)
        # It is being written by now, and its caller will never learn of it.
        beginning.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        await store.begin_turn(a_turn("free"))
        assert [turn.status for turn in (await store.transcript("s")).turns] == ["interrupted", "running"]


@pytest.mark.asyncio
async def test_a_copy_has_the_ended_turns_with_new_ids_that_refer_to_each_other(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        first = await store.begin_turn(a_turn("t1"))
        await store.put_item("s", a_message("m", "t1", status="inProgress"))
        await store.put_item("s", a_tool_call("call", "t1", message_id="m"))
        await store.put_approval(replace(an_approval(), state="allowed", decision="allowForSession"))
        await store.put_item("s", ApprovalItem(
            id="asked", turn_id="t1", seq=0, status="completed", created_at=timestamp(), approval_id="a",
            tool_call_id="call", title="Change", state="allowed",
        ))  # fmt: skip
        await store.put_item("s", a_message("m", "t1"))
        await store.end_turn(replace(first, status="completed", usage=Usage(input_tokens=1, output_tokens=1)))
        await store.begin_turn(a_turn("t2"))
        await store.end_turn(replace(a_turn("t2"), status="completed"))
        await store.begin_turn(a_turn("t3"))
        whole = await store.fork("s", replace(a_session("whole"), forked_from="s"), up_to_turn=None)
        part = await store.fork("s", a_session("part"), up_to_turn="t1")
        assert (whole.turns, part.turns, whole.forked_from, part.usage.input_tokens) == (2, 1, "s", 1)
        copy = await store.transcript("part")
        message, call, asked = copy.items
        assert [type(item) for item in copy.items] == [
            type(item) for item in (await store.transcript("s")).items if item.turn_id == "t1"
        ]
        assert isinstance(call, ToolCall)
        assert isinstance(asked, ApprovalItem)
        assert (call.message_id, asked.tool_call_id, asked.approval_id) == (message.id, call.id, "a")
        assert {"m", "call", "asked"}.isdisjoint(item.id for item in copy.items)
        assert {item.turn_id for item in copy.items} == {copy.turns[0].id} != {"t1"}
        # A model gets the id of a call, and some providers take none of another length.
        assert len(call.id) == 9
        # What was allowed for a session is allowed in no other.
        assert await store.approvals(session_id="part") == []
        for turn_id in ("t3", "nowhere"):
            with pytest.raises(NotFoundError):
                await store.fork("s", a_session("never"), up_to_turn=turn_id)
        with pytest.raises(NotFoundError):
            await store.find("never")
        await store.begin_turn(a_turn("next", "part"))
        assert (await store.put_item("part", a_message(turn_id="next"))).seq == copy.session.last_seq + 2


@pytest.mark.asyncio
async def test_deleting_a_session_deletes_all_that_belongs_to_it(tmp_path: Path) -> None:
    async with a_store(tmp_path) as store:
        await store.create(a_session())
        turn = await store.begin_turn(a_turn())
        await store.put_item("s", a_message())
        await store.put_approval(an_approval())
        await store.end_turn(turn)
        await store.delete("s")
        for attempt in (store.find("s"), store.delete("s"), store.approval("a"), store.approvals(session_id="s")):
            with pytest.raises(NotFoundError):
                await attempt
    assert integrity(tmp_path) == "ok"


@pytest.mark.asyncio
async def test_R04_an_approval_is_decided_once_whoever_is_first(tmp_path: Path) -> None:
    async with a_store(tmp_path) as one, a_store(tmp_path) as other:
        await one.create(a_session())
        await one.put_approval(an_approval())
        await one.put_approval(an_approval("later", None))
        allowed = replace(an_approval(), state="allowed", decision="allowOnce")
        denied = replace(an_approval(), state="denied", decision="deny", note="No.")
        done = await asyncio.gather(
            one.update_pending_approval(allowed), other.update_pending_approval(denied), return_exceptions=True
        )
        lost = next(each for each in done if isinstance(each, ConflictError))
        assert await one.approval("a") in done
        assert lost.details["state"] == (await other.approval("a")).state
        assert [each.id for each in await other.approvals()] == ["a", "later"]
        assert [each.id for each in await other.approvals(state="pending")] == ["later"]
        assert [each.id for each in await other.approvals(session_id="s", state="pending")] == []
        with pytest.raises(NotFoundError):
            await one.put_approval(an_approval("x", "nowhere"))


@pytest.mark.asyncio
async def test_R07_no_key_gets_into_the_file_whatever_it_stands_in(tmp_path: Path) -> None:
    tool = ClientTool(name="x", description=KEY, input_schema={"default": KEY, KEY: 1}, tool_class="read")
    async with a_store(tmp_path) as store:
        created = await store.create(replace(a_session(title=f"Use {KEY}"), tools=(tool,)))
        assert created.title == "Use [redacted]"
        await store.change("s", title=f"Again {KEY}")
        await store.begin_turn(a_turn())
        said = await store.put_item("s", a_message(text=f"The key is {KEY}, 𝄞."))
        assert isinstance(said, AssistantMessage)
        assert said.text == "The key is [redacted], 𝄞."
        call = replace(a_tool_call("c"), arguments={"a": [{"password": "correcthorse"}]}, output={"b": KEY}, text=KEY)
        ran = await store.put_item("s", call)
        assert isinstance(ran, ToolCall)
        assert ran.arguments == {"a": [{"password": "[redacted]"}]}
        await store.put_approval(replace(an_approval(), diff=f"+{KEY}", command=("run", KEY)))
        await store.end_turn(replace(a_turn(), model=f"test/{KEY}"))
        await store.fork("s", a_session("f", title=KEY), up_to_turn=None)
        stored = b"".join(file.read_bytes() for file in tmp_path.glob("ckit.db*") if file.is_file())
    stored += b"".join(file.read_bytes() for file in tmp_path.glob("ckit.db*") if file.is_file())
    assert b"[redacted]" in stored
    assert KEY.encode() not in stored
    assert b"correcthorse" not in stored


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "attempt",
    [
        lambda store: store.find("x"),
        lambda store: store.transcript("x"),
        lambda store: store.change("x", title="y"),
        lambda store: store.fork("x", a_session("f"), up_to_turn=None),
        lambda store: store.delete("x"),
        lambda store: store.begin_turn(a_turn("t", "x")),
        lambda store: store.put_item("x", a_message()),
        lambda store: store.end_turn(a_turn("t", "x")),
        lambda store: store.approval("x"),
        lambda store: store.update_pending_approval(an_approval("x", None)),
    ],
)
async def test_what_is_not_there_is_not_found(
    tmp_path: Path, attempt: Callable[[SqliteSessionStore], Awaitable[object]]
) -> None:
    async with a_store(tmp_path) as store:
        with pytest.raises(CkitError) as caught:
            await attempt(store)
        assert (caught.value.code, caught.value.details["id"]) == ("not_found", "x")
