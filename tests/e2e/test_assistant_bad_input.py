"""Odd values in every text that the assistant takes, sent to a real daemon: answered, and never a fault of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.wire.methods import METHODS
from tests.support.client import RpcError
from tests.support.daemon import spawned
from tests.support.logs import faults
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

GOLDEN = Path(__file__).parents[2] / "protocol" / "golden"
OURS = [m for m in METHODS if m.feature in {"assistant", "generation"} and m.direction == "clientToServer"]
ODD = (
    "",
    " ",
    "\x00",
    "../../outside",
    "C:\\Windows\\win.ini",
    "$(touch pwned)",
    "{{constructor}}",
    "\u202eFEAT-001",
    "🎉" * 60,
    "\x1b[31m\x07",
    "x" * 100_000,
    "x" * 1_000_000,
)
FAULTS = {"internal_error", "deadline_exceeded"}
APPROVALS = "ckit/approval/request"
LONG = 1_000_000


def example(method: str) -> Json:
    """The parameters of the first example of a method."""
    path = GOLDEN / f"{method.removeprefix('ckit/')}.json"
    params: Json = json.loads(path.read_text("utf-8"))["valid"][0]["params"]
    return params


def known(params: Any, session: str) -> Any:
    """Parameters of an example with the id of a session that is really there."""
    return json.loads(json.dumps(params).replace("session-1", session).replace("session-2", session))


async def outcome(client: Client, method: str, params: Json) -> str:
    try:
        await client.request(method, params)
    except RpcError as error:
        assert len(error.message) < 2000, method
        assert "Traceback" not in error.message
        return error.code
    return "ok"


async def test_R10_no_odd_text_in_any_field_makes_the_daemon_fail(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern")
    async with spawned(tmp_path, {"answers": [APPROVALS]}) as daemon:
        client = daemon.client
        client.answer(APPROVALS, lambda _params: {"decision": "deny"})
        await client.request("ckit/repo/open", {"path": str(root)})
        before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        session = (await client.request("ckit/session/create", {}))["session"]["id"]
        for method in OURS:
            params = known(example(method.name), session)
            if method.name in {"ckit/session/delete", "ckit/session/archive"}:
                # What these do to the only session is said elsewhere; here they get no id that exists.
                params["id"] = "nobody"
            for field in [field for field, value in params.items() if isinstance(value, str)]:
                for odd in ODD:
                    code = await outcome(client, method.name, params | {field: odd})
                    assert code not in FAULTS, (method.name, field, odd[:40])
        assert (await client.request("ckit/health"))["live"]
        assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
        assert not (tmp_path / "outside").exists()
    assert faults(daemon.log) == []


async def test_R21_a_message_is_bounded_by_a_setting_and_not_by_what_the_daemon_can_bear(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    async with spawned(tmp_path) as daemon:
        client = daemon.client
        await client.request("ckit/repo/open", {"path": str(root)})
        session = (await client.request("ckit/session/create", {}))["session"]["id"]
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/turn/start", {"sessionId": session, "text": "x" * LONG})
        assert caught.value.code == "limit_exceeded"
        assert "assistant.maxMessageCharacters" in caught.value.message
        said = "Validate everything. " + "y" * 100_000
        turn = (await client.request("ckit/turn/start", {"sessionId": session, "text": said}))["turn"]
        assert turn["stopReason"] == "endTurn"
        found = await client.request("ckit/session/get", {"id": session})
        assert [item["text"] for item in found["items"] if item["kind"] == "userMessage"] == [said]
    assert faults(daemon.log) == []
