"""The built-in provider through the daemon: requests that run tools, and what is said of their results."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.daemon import daemon
from tests.support.repositories import copy_example
from tests.support.retrieval import indexed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.client import Client, Json

TASK = "contexts/tasks/T-009-retry-and-suppress.yaml"


@contextlib.asynccontextmanager
async def opened(tmp_path: Path, **options: Any) -> AsyncGenerator[tuple[Client, Path]]:
    root = copy_example(tmp_path / "lantern")
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon({"protocolVersions": ["1.0"], **options}, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(root)})
        yield client, root


async def ask(client: Client, *texts: str) -> tuple[str, list[Json], Json]:
    """The last answer, the tool calls of all turns, and the last turn."""
    session = (await client.request("ckit/session/create", {}))["session"]["id"]
    turn: Json = {}
    for text in texts:
        turn = (await client.request("ckit/turn/start", {"sessionId": session, "text": text}))["turn"]
        assert turn["stopReason"] == "endTurn"
    items = (await client.request("ckit/session/get", {"id": session}))["items"]
    return (
        [item for item in items if item["kind"] == "message"][-1]["text"],
        [item for item in items if item["kind"] == "toolCall"],
        turn,
    )


@pytest.mark.asyncio
async def test_R18_questions_are_answered_with_sentences_of_the_repository_and_their_ids(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, _):
        text, calls, turn = await ask(client, "Where does it say how long an item waits?")
        again, _, _ = await ask(client, "Where does it say how long an item waits?")
    assert "**FEAT-003** Reserve items and collect them says:" in text
    assert "> An item waits 7 opening days on the hold shelf or 3 days in a locker" in text
    assert [call["name"] for call in calls] == ["rag.search"]
    assert text.endswith("no language model was asked._")
    assert turn["model"] == "offline/offline"
    assert turn["usage"]["estimated"] is True
    assert turn["usage"]["cost"] == 0
    assert again == text


@pytest.mark.asyncio
async def test_simple_requests_run_their_tools_and_report_what_these_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        assert "in order: 43 entities, no findings" in (await ask(client, "Validate."))[0]
        impact = (await ask(client, "What breaks if FEAT-003 changes?"))[0]
        assert "If **FEAT-003** changes" in impact
        assert "**T-007** Release uncollected items" in impact
        details = (await ask(client, "What is T-007?"))[0]
        assert "**T-007** Release uncollected items is a task" in details
        assert "**FEAT-003** Reserve items and collect them has-task \u2192 this" in details
        assert "**FEAT-003**" in (await ask(client, "What is similar to T-007?"))[0]
        assert "FEAT-003 has-story US-006" in (await ask(client, "Show the graph of FEAT-003"))[0]
        assert "`docs/glossary.md`:\n\n```md\n" in (await ask(client, "Read docs/glossary.md"))[0]
        text, [call], _ = await ask(client, "What is T-777?")
        assert call["result"] == "error"
        assert "`entity.details` did not do it: " in text


@pytest.mark.asyncio
async def test_R38_changes_wait_for_an_approval_and_a_refusal_is_reported(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=["ckit/approval/request"]) as (client, root):
        before = (root / TASK).read_text(encoding="utf-8")
        client.answer("ckit/approval/request", lambda _: {"decision": "deny", "note": "Not yet."})
        text, _, _ = await ask(client, "Set status of T-009 to done")
        assert "`entity.edit` did not do it:" in text
        assert "Not yet." in text
        assert (root / TASK).read_text(encoding="utf-8") == before

        client.answer("ckit/approval/request", lambda _: {"decision": "allowOnce"})
        text, _, _ = await ask(client, "Set status of T-009 to done")
        assert text.startswith(f"**T-009** is changed, in `{TASK}`.")
        assert (root / TASK).read_text(encoding="utf-8") == before.replace("status: blocked", "status: done")


@pytest.mark.asyncio
async def test_a_spec_that_a_conversation_asks_for_is_saved(tmp_path: Path) -> None:
    async with opened(tmp_path, answers=["ckit/approval/request"]) as (client, root):
        client.answer("ckit/approval/request", lambda _: {"decision": "allowOnce"})
        text, [call], _ = await ask(client, "Generate a spec for FEAT-004: members can pause notices")
        assert call["result"] == "ok"
        assert text.startswith("**SPEC-008** is saved in `contexts/specs/SPEC-008-")
        assert (root / call["output"]["path"]).is_file()
        assert (await client.request("ckit/repo/validate", {}))["ok"] is True


@pytest.mark.asyncio
async def test_requests_from_before_a_summary_are_not_followed_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        session = (await client.request("ckit/session/create", {}))["session"]["id"]
        await client.request("ckit/turn/start", {"sessionId": session, "text": "What is T-007?"})
        summary = (await client.request("ckit/session/compact", {"id": session}))["item"]
        assert "What is T-007?" in summary["text"]
        turn = (await client.request("ckit/turn/start", {"sessionId": session, "text": "Thank you."}))["turn"]
        items = (await client.request("ckit/session/get", {"id": session}))["items"]
    assert [item["kind"] for item in items if item["turnId"] == turn["id"]] == ["userMessage", "message", "usage"]
