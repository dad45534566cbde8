"""The session service on a real database: limits, pages, retention and exports."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.services.assistant import sessions as module
from ckit_daemon.services.assistant.ports import SessionQuery
from ckit_daemon.services.assistant.records import (
    ApprovalItem,
    Budget,
    ClientTool,
    Compaction,
    EntityAttachment,
    ErrorItem,
    Failure,
    FileAttachment,
    Reasoning,
    SelectionAttachment,
    Usage,
    UsageItem,
)
from ckit_daemon.services.assistant.sessions import NewSession, SessionService
from ckit_daemon.services.clock import timestamp
from ckit_daemon.settings import AssistantSettings, LimitSettings, ModelsSettings, ProviderSettings, Settings
from tests.support.conversations import a_message, a_question, a_session, a_store, a_tool_call, a_turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.storage.sessions import SqliteSessionStore

pytestmark = pytest.mark.asyncio


@contextlib.asynccontextmanager
async def a_service(
    folder: Path, settings: Settings | None = None
) -> AsyncGenerator[tuple[SessionService, SqliteSessionStore]]:
    """A service and the store under it."""
    async with a_store(folder) as store:
        yield SessionService(store, lambda: settings or Settings()), store


def a_tool(name: str = "mine", schema: JsonObject | None = None) -> ClientTool:
    return ClientTool(
        name=name, description="d", input_schema={"type": "object"} if schema is None else schema, tool_class="read"
    )


async def test_a_session_gets_the_settings_budget_unless_it_brings_its_own(tmp_path: Path) -> None:
    bounded = Settings(assistant=AssistantSettings(max_session_tokens=100, max_session_cost=1.5))
    async with a_service(tmp_path, bounded) as (service, _):
        own = Budget(max_tokens=7)
        assert (await service.create(NewSession("r"))).budget == Budget(max_tokens=100, max_cost=1.5)
        assert (await service.create(NewSession("r", budget=own))).budget == own
    async with a_service(tmp_path) as (service, _):
        assert (await service.create(NewSession("r"))).budget is None


async def test_a_model_must_belong_to_a_provider_of_the_settings(tmp_path: Path) -> None:
    known = Settings(models=ModelsSettings(providers={"home": ProviderSettings(kind="ollama")}))
    async with a_service(tmp_path, known) as (service, _):
        for model in ("offline/offline", "home/small"):
            assert (await service.create(NewSession("r", model=model))).model == model
        with pytest.raises(InvalidArgumentError, match="offline, home"):
            await service.create(NewSession("r", model="work/large"))


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ((a_tool(), a_tool()), "Two tools"),
        ((a_tool("pipeline.validate"),), "of its own"),
        ((a_tool(schema={"type": "string"}),), "'object'"),
        ((a_tool(schema={}),), "'object'"),
        ((a_tool(schema={"type": "object", "properties": {"a": {"type": "nothing"}}}),), "nothing"),
        ((a_tool(schema={"type": "object", "properties": {"a": {"$ref": "https://example.org/x"}}}),), "not fetched"),
        ((a_tool(schema={"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}),), "nowhere"),
        ((a_tool(schema={"type": "object", "$schema": "https://example.org/x"}),), "meta-schema"),
    ],
)
async def test_R10_tools_that_can_not_be_offered_are_refused_by_name(
    tmp_path: Path, tools: tuple[ClientTool, ...], problem: str
) -> None:
    async with a_service(tmp_path) as (service, store):
        with pytest.raises(InvalidArgumentError, match=problem) as caught:
            await service.create(NewSession("r", tools=tools))
        assert caught.value.details["tool"] == tools[-1].name
        assert (await store.query(SessionQuery()))[1] == 0
        tool = a_tool(schema={"type": "object", "properties": {"a": {"enum": [1, "b"]}}})
        assert (await service.create(NewSession("r", tools=(tool,)))).tools == (tool,)


async def filled(store: SqliteSessionStore, count: int = 7, text: str = "x") -> None:
    """A session whose first item is changed last."""
    await store.create(a_session())
    turn = await store.begin_turn(a_turn())
    for number in range(count):
        await store.put_item("s", a_message(f"i{number}", text=text))
    await store.put_item("s", a_message("i0", text="changed"))
    await store.end_turn(replace(turn, status="completed"))


async def test_R35_a_session_comes_in_pages_that_together_are_the_whole(tmp_path: Path) -> None:
    async with a_service(tmp_path) as (service, store):
        await filled(store)
        whole = await service.get("s")
        assert [item.id for item in whole.items] == [f"i{number}" for number in range(7)]
        assert whole.next_replay_from is None
        first = await service.get("s", limit=3)
        assert [item.id for item in first.items] == ["i1", "i2", "i3"]
        assert first.next_replay_from is not None
        second = await service.get("s", replay_from=first.next_replay_from, limit=4)
        assert [item.id for item in second.items] == ["i4", "i5", "i6", "i0"]
        assert second.next_replay_from is None
        assert (await service.get("s", replay_from=whole.session.last_seq)).items == []
        with pytest.raises(NotFoundError):
            await service.get("nowhere")


async def test_R35_a_page_ends_before_its_message_gets_too_large_but_always_goes_on(tmp_path: Path) -> None:
    small = Settings(limits=LimitSettings(max_message_bytes=64 * 1024))
    async with a_service(tmp_path, small) as (service, store):
        await filled(store, 5, "x" * 12_000)
        sizes: list[int] = []
        at: int | None = 0
        while at is not None:
            page = await service.get("s", replay_from=at)
            sizes.append(len(page.items))
            at = page.next_replay_from
        assert sizes == [2, 3]
        await store.create(a_session("large"))
        await store.begin_turn(a_turn("t2", "large"))
        await store.put_item("large", a_message("one", "t2", text="x" * 100_000))
        await store.put_item("large", a_message("two", "t2"))
        page = await service.get("large")
        assert ([item.id for item in page.items], page.next_replay_from) == (["one"], 2)


async def test_a_session_is_renamed_archived_copied_and_deleted(tmp_path: Path) -> None:
    async with a_service(tmp_path) as (service, store):
        await filled(store)
        assert (await service.rename("s", "Other")).title == "Other"
        assert (await service.archive("s", archived=True)).archived is True
        copy = await service.fork("s", budget=Budget(max_tokens=5))
        assert (copy.title, copy.archived, copy.forked_from, copy.budget) == ("Other", False, "s", Budget(max_tokens=5))
        assert (await service.fork("s", title="Copy")).title == "Copy"
        assert len((await service.get(copy.id)).items) == 7
        await service.delete("s")
        with pytest.raises(NotFoundError):
            await service.fork("s")
        assert len((await service.get(copy.id)).items) == 7


async def test_R22_old_sessions_are_put_away_at_the_first_use_and_then_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_service(tmp_path) as (service, store):
        await store.create(a_session("old", updated_at="2020-01-01T00:00:00.000Z"))
        assert (await service.query(SessionQuery()))[1] == 0
        assert (await service.query(SessionQuery(archived=True)))[1] == 0, "a year is over, so it is gone"
        await store.create(a_session("old", updated_at=timestamp(-100 * 86_400)))
        assert (await service.query(SessionQuery()))[1] == 1
        monkeypatch.setattr(module, "RETENTION_SECONDS", 0.0)
        later = SessionService(store, Settings)
        for _ in range(2):
            assert [each.id for each in (await later.query(SessionQuery(archived=True)))[0]] == ["old"]
        await store.change("old", archived=False)
        assert (await later.query(SessionQuery(archived=True)))[1] == 1


async def everything(store: SqliteSessionStore) -> None:
    """A session with one item of every kind."""
    await store.create(a_session(title="Everything"))
    turn = await store.begin_turn(a_turn())
    at = timestamp()
    attached = (
        EntityAttachment(id="FEAT-001"),
        FileAttachment(path="a.yaml"),
        SelectionAttachment(path="b.yaml", start_line=1, end_line=2, text="x"),
    )
    call = replace(a_tool_call("c"), status="completed", result="ok", text="All ```` well.")
    for item in (
        replace(a_question("q", text="Why?\n```\n# No heading"), attachments=attached),
        replace(a_question("q2", text="Hurry"), steering=True),
        Reasoning(id="r", turn_id="t", seq=0, status="completed", created_at=at, text="Hm."),
        call,
        ApprovalItem(
            id="a", turn_id="t", seq=0, status="completed", created_at=at, approval_id="x", tool_call_id="c",
            title="Change it", state="allowed", decision="allowOnce",
        ),
        replace(a_message("m", text="**Because.**", tokens=3), cached=True),
        ErrorItem(
            id="e", turn_id="t", seq=0, status="completed", created_at=at,
            failure=Failure(code="provider_error", message="It broke."),
        ),
        Compaction(id="k", turn_id="t", seq=0, status="completed", created_at=at, text="In short."),
        UsageItem(
            id="u", turn_id="t", seq=0, status="completed", created_at=at,
            usage=Usage(input_tokens=3, output_tokens=3, cost=0.003, estimated=True),
        ),
    ):  # fmt: skip
        await store.put_item("s", item)
    failure = Failure(code="budget_exceeded", message="The budget is used up.")
    await store.end_turn(replace(turn, status="completed", stop_reason="budget", failure=failure))


async def test_an_export_for_people_shows_all_that_was_said_and_done(tmp_path: Path) -> None:
    async with a_service(tmp_path) as (service, store):
        await everything(store)
        export = await service.export("s", markdown=True)
        assert export.media_type == "text/markdown"
        headings = [line for line in export.content.splitlines() if line.startswith("#")]
        assert headings == [
            "# Everything", "## Turn 1", "### Person", "# No heading", "### Person, meanwhile", "### Reasoning",
            "### Tool pipeline.validate: ok", "### Approval: allowed",
            "### Assistant (offline, offline, from the cache)",
            "### Error provider_error", "### Summary of everything before",
        ]  # fmt: skip
        for text in (
            "````text\nWhy?\n```\n# No heading\n````",
            "Attached: `FEAT-001`, `a.yaml`, `b.yaml`, lines 2 to 3",
            '{"deep":[1,{"a":null}]}',
            "`````text\nAll ```` well.\n`````",
            "Change it (allowOnce)",
            "**Because.**",
            "It broke.",
            "Usage: 3 tokens in, 3 out, $0.0030, estimated.",
            "*Ended with budget: The budget is used up.*",
        ):
            assert text in export.content
        await store.begin_turn(a_turn("t2"))
        assert (await service.export("s", markdown=True)).content.endswith("## Turn 2\n\n*It is running*\n")


async def test_an_export_for_programs_holds_what_get_returns(tmp_path: Path) -> None:
    async with a_service(tmp_path) as (service, store):
        await everything(store)
        export = await service.export("s", markdown=False)
        page = await service.get("s")
        assert export.media_type == "application/json"
        assert json.loads(export.content) == {
            "session": json.loads(page.session.to_json()),
            "turns": [json.loads(turn.to_json()) for turn in page.turns],
            "items": [json.loads(item.to_json()) for item in page.items],
        }
