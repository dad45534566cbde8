"""The methods about sessions, through the wire."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from ckit_daemon.services.assistant.providers import registry
from ckit_daemon.wire import session as wire
from tests.rpc.test_repository_methods import opened
from tests.support.client import TIMEOUT_SECONDS, RpcError
from tests.support.conversations import a_message, a_question, a_store, a_turn
from tests.support.daemon import daemon
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path
    from types import ModuleType

    from ckit_daemon.settings import ProviderKind
    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

TOOL: Json = {"name": "open.file", "description": "Opens it", "class": "exec", "inputSchema": {"type": "object"}}


@contextlib.asynccontextmanager
async def with_a_session(tmp_path: Path, **params: Any) -> AsyncGenerator[tuple[Client, Json]]:
    """A daemon with the example open, and a session about it."""
    async with opened(tmp_path) as (client, _):
        created = await client.request("ckit/session/create", {"title": "First", **params})
        yield client, created["session"]


async def speak(tmp_path: Path, session_id: str, items: int = 3, turn_id: str = "t") -> None:
    """Write a turn into the session as another daemon on the same database would."""
    async with a_store(tmp_path / "state") as store:
        turn = await store.begin_turn(a_turn(turn_id, session_id))
        await store.put_item(session_id, a_question(f"{turn_id}-q", turn_id))
        for number in range(1, items):
            await store.put_item(session_id, a_message(f"{turn_id}-{number}", turn_id))
        await store.end_turn(replace(turn, status="completed", stop_reason="endTurn"))


async def test_R04_a_session_is_there_after_a_restart(tmp_path: Path) -> None:
    budget = {"maxTokens": 1000, "maxCost": 0.5}
    asked = {"mode": "clarification", "model": "offline/offline", "budget": budget, "tools": [TOOL]}
    async with with_a_session(tmp_path, **asked) as (client, session):
        repository = (await client.request("ckit/repo/list"))["repositories"][0]["id"]
        assert session["repository"] == repository
        assert {key: session[key] for key in asked} == asked
        assert (session["title"], session["lastSeq"], session["turns"]) == ("First", 0, 0)
    environment = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon({"protocolVersions": ["1.0"]}, environment=environment) as client:
        assert (await client.request("ckit/session/get", {"id": session["id"]}))["session"] == session


async def test_sessions_are_listed_by_repository_title_and_page(tmp_path: Path) -> None:
    async with with_a_session(tmp_path) as (client, first):
        other = copy_example(tmp_path / "other", git=False)
        opened_other = (await client.request("ckit/repo/open", {"path": str(other)}))["repository"]
        second = (await client.request("ckit/session/create", {"repository": str(other), "title": "Second"}))["session"]
        assert second["repository"] == opened_other["id"]
        everything = await client.request("ckit/session/list")
        assert [each["id"] for each in everything["sessions"]] == [second["id"], first["id"]]
        page = await client.request("ckit/session/list", {"limit": 1})
        assert (page["total"], page["nextOffset"], page["sessions"]) == (2, 1, [second])
        rest = await client.request("ckit/session/list", {"limit": 1, "offset": 1})
        assert rest == {"total": 2, "sessions": [first]}
        for query in ({"repository": other.as_uri()}, {"query": "sECON"}):
            assert (await client.request("ckit/session/list", query))["sessions"] == [second]
        archived = (await client.request("ckit/session/archive", {"id": first["id"]}))["session"]
        assert archived["archived"] is True
        assert (await client.request("ckit/session/list"))["sessions"] == [second]
        assert (await client.request("ckit/session/list", {"archived": True}))["sessions"] == [archived]
        assert (await client.request("ckit/session/list", {"archived": None}))["total"] == 2
        fetched = await client.request("ckit/session/archive", {"id": first["id"], "archived": False})
        assert "archived" not in fetched["session"]


async def test_a_session_shows_what_another_daemon_wrote_and_what_is_new_since(tmp_path: Path) -> None:
    async with with_a_session(tmp_path) as (client, session):
        await speak(tmp_path, session["id"])
        found = await client.request("ckit/session/get", {"id": session["id"]})
        wire.GetResult.model_validate(found)
        assert [item["id"] for item in found["items"]] == ["t-q", "t-1", "t-2"]
        assert [(turn["number"], turn["stopReason"]) for turn in found["turns"]] == [(1, "endTurn")]
        last = found["session"]["lastSeq"]
        await speak(tmp_path, session["id"], turn_id="t2")
        new = await client.request("ckit/session/get", {"id": session["id"], "replayFrom": last, "limit": 2})
        assert [item["id"] for item in new["items"]] == ["t2-q", "t2-1"]
        rest = await client.request("ckit/session/get", {"id": session["id"], "replayFrom": new["nextReplayFrom"]})
        assert [item["id"] for item in rest["items"]] == ["t2-2"]
        assert "nextReplayFrom" not in rest


async def test_a_turn_of_another_daemon_runs_until_that_daemon_is_gone(tmp_path: Path) -> None:
    async with with_a_session(tmp_path) as (client, session):
        async with a_store(tmp_path / "state") as other:
            await other.begin_turn(a_turn("t", session["id"]))
            running = (await client.request("ckit/session/list"))["sessions"][0]
            assert running["runningTurn"] == "t"
            with pytest.raises(RpcError) as caught:
                await client.request("ckit/session/delete", {"id": session["id"]})
            assert (caught.value.code, caught.value.data["details"]) == ("conflict", {"turnId": "t"})
        found = await client.request("ckit/session/get", {"id": session["id"]})
        assert ("runningTurn" in found["session"], found["turns"][0]["status"]) == (False, "interrupted")


async def test_a_session_is_renamed_copied_exported_and_deleted(tmp_path: Path) -> None:
    async with with_a_session(tmp_path) as (client, session):
        await speak(tmp_path, session["id"])
        await speak(tmp_path, session["id"], turn_id="t2")
        renamed = await client.request(
            "ckit/session/rename", {"id": session["id"], "title": "Neu: sk-abcdefgh12345678"}
        )
        assert renamed["session"]["title"] == "Neu: [redacted]"
        fork = {"id": session["id"], "upToTurn": "t", "title": "Copy", "budget": {"maxTokens": 5}}
        copy = (await client.request("ckit/session/fork", fork))["session"]
        assert (copy["forkedFrom"], copy["turns"], copy["title"], copy["budget"]) == (
            session["id"], 1, "Copy", {"maxTokens": 5},
        )  # fmt: skip
        assert len((await client.request("ckit/session/get", {"id": copy["id"]}))["items"]) == 3
        text = await client.request("ckit/session/export", {"id": session["id"]})
        assert (text["mediaType"], text["content"].count("## Turn")) == ("text/markdown", 2)
        programs = await client.request("ckit/session/export", {"id": session["id"], "format": "json"})
        assert programs["mediaType"] == "application/json"
        assert await client.request("ckit/session/delete", {"id": session["id"]}) == {"id": session["id"]}
        with pytest.raises(RpcError):
            await client.request("ckit/session/get", {"id": session["id"]})
        assert (await client.request("ckit/session/get", {"id": copy["id"]}))["session"] == copy


METHODS = ("get", "rename", "fork", "archive", "delete", "export")
NEEDED: dict[str, Json] = {"rename": {"title": "x"}}


@pytest.mark.parametrize("method", METHODS)
async def test_R10_each_method_refuses_unknown_sessions_and_wrong_ids(tmp_path: Path, method: str) -> None:
    more = NEEDED.get(method, {})
    async with opened(tmp_path) as (client, _):
        for identifier in ("nowhere", "'; DROP TABLE sessions; --", "../../x", "ä" * 64):
            with pytest.raises(RpcError) as caught:
                await client.request(f"ckit/session/{method}", {"id": identifier, **more})
            assert (caught.value.code, caught.value.data["details"]["id"]) == ("not_found", identifier)
        for wrong in ("", "x" * 65, "x" * 1_000_000, 7, None, ["a"], {}):
            with pytest.raises(RpcError) as caught:
                await client.request(f"ckit/session/{method}", {"id": wrong, **more})
            assert caught.value.code == "invalid_params"
            assert len(caught.value.message) < 1000
        with pytest.raises(RpcError, match="unknown field"):
            await client.request(f"ckit/session/{method}", {"id": "x", **more, "other": 1})
        with pytest.raises(RpcError, match="id"):
            await client.request(f"ckit/session/{method}", more)
        assert (await client.request("ckit/session/list"))["total"] == 0


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("create", {"title": ""}, "invalid_params"),
        ("create", {"title": "x" * 201}, "invalid_params"),
        ("create", {"title": "x" * 1_000_000}, "invalid_params"),
        ("create", {"mode": "angry"}, "invalid_params"),
        ("create", {"model": "offline"}, "invalid_params"),
        ("create", {"model": "nobody/large"}, "invalid_argument"),
        ("create", {"repository": "nowhere"}, "not_found"),
        ("create", {"budget": {"maxTokens": 0}}, "invalid_params"),
        ("create", {"budget": {"maxCost": -1}}, "invalid_params"),
        ("create", {"budget": {"tokens": 1}}, "invalid_params"),
        ("create", {"tools": [TOOL | {"name": "9"}]}, "invalid_params"),
        ("create", {"tools": [TOOL | {"class": "rw"}]}, "invalid_params"),
        ("create", {"tools": [TOOL | {"inputSchema": {}}]}, "invalid_argument"),
        ("create", {"tools": [TOOL] * 65}, "invalid_params"),
        ("create", {"apiKey": "sk-abcdefgh12345678"}, "invalid_params"),
        ("list", {"limit": 0}, "invalid_params"),
        ("list", {"limit": 1001}, "invalid_params"),
        ("list", {"offset": -1}, "invalid_params"),
        ("list", {"query": "x" * 201}, "invalid_params"),
        ("list", {"repository": "nowhere"}, "not_found"),
        ("list", {"archived": "yes"}, "invalid_params"),
        ("get", {"id": "SESSION", "replayFrom": -1}, "invalid_params"),
        ("get", {"id": "SESSION", "replayFrom": 2**63}, "invalid_params"),
        ("get", {"id": "SESSION", "limit": 10_001}, "invalid_params"),
        ("rename", {"id": "SESSION", "title": ""}, "invalid_params"),
        ("rename", {"id": "SESSION", "title": "x" * 201}, "invalid_params"),
        ("rename", {"id": "SESSION", "title": 5}, "invalid_params"),
        ("fork", {"id": "SESSION", "upToTurn": "nowhere"}, "not_found"),
        ("fork", {"id": "SESSION", "upToTurn": ""}, "invalid_params"),
        ("archive", {"id": "SESSION", "archived": None}, "invalid_params"),
        ("export", {"id": "SESSION", "format": "pdf"}, "invalid_params"),
    ],
)  # fmt: skip
async def test_R10_wrong_parameters_are_refused_and_change_nothing(
    tmp_path: Path, method: str, params: Json, code: str
) -> None:
    async with with_a_session(tmp_path) as (client, session):
        sent = {key: session["id"] if value == "SESSION" else value for key, value in params.items()}
        with pytest.raises(RpcError) as caught:
            await client.request(f"ckit/session/{method}", sent)
        assert caught.value.code == code
        assert "sk-abcdefgh12345678" not in str(caught.value.data) + caught.value.message
        assert (await client.request("ckit/session/list"))["sessions"] == [session]


async def test_R09_health_names_the_database_once_it_is_in_use(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        before = await client.request("ckit/health")
        assert "database" not in {each["name"] for each in before["components"]}
        await client.request("ckit/session/create")
        health = await client.request("ckit/health", {"fresh": True})
        found = next(each for each in health["components"] if each["name"] == "database")
        assert (found["status"], found["detail"]) == ("ok", "It can be read; sessions: 1.")


async def test_R06_a_state_folder_that_can_not_be_used_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder", "utf-8")
    async with opened(tmp_path) as (client, _):
        for method in ("create", "list"):
            with pytest.raises(RpcError, match="can't be used") as caught:
                await client.request(f"ckit/session/{method}")
            assert caught.value.code == "storage_error"
            assert str(tmp_path) not in caught.value.message + str(caught.value.data)
        health = await client.request("ckit/health", {"fresh": True})
        found = next(each for each in health["components"] if each["name"] == "database")
        assert found["status"] == "degraded"
        assert (await client.request("ckit/repo/validate"))["ok"] is True


@pytest.mark.parametrize("method", ["ckit/session/create", "ckit/session/get", "ckit/provider/list"])
async def test_what_a_turn_needs_is_got_ready_once_somebody_is_about_to_talk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    ready = threading.Event()
    load = registry.import_kind

    def seen(kind: ProviderKind) -> ModuleType:
        module = load(kind)
        ready.set()
        return module

    async with with_a_session(tmp_path) as (_, session):
        pass
    monkeypatch.setattr(registry, "import_kind", seen)
    folders = {"CKIT_PATHS_CACHE_DIR": str(tmp_path / "cache"), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon({"protocolVersions": ["1.0"]}, environment=folders) as client:
        await client.request("ckit/repo/open", {"path": str(tmp_path / "example")})
        await client.request("ckit/session/list", {})
        assert not ready.is_set()
        await client.request(method, {"id": session["id"]} if method.endswith("get") else {})
        assert await asyncio.to_thread(ready.wait, TIMEOUT_SECONDS)
