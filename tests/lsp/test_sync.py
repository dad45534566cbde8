"""What an editor types arrives as it is: incremental changes between all kinds of characters and line ends."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

import pytest

from tests.support.client import RpcError
from tests.support.editor import edited, editor, position_at, small_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

TASK = "contexts/tasks/T-001.yaml"
PIECES = ["a", "😀", "é", "\n", "\r\n", "\r", "\u2028", "\u0085", "\x0b", "\x0c", "\x1c", " ", "x: y\n", ""]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", {TASK: "id: T-001\n"})


@pytest.mark.parametrize("seed", range(4))
async def test_random_typing_leaves_the_daemon_with_the_editor_s_text(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    text = "id: T-001\ntitle: a\u2028b\n# 😀\n"
    async with editor(root) as on:
        uri = on.open(TASK, text)
        for version in range(2, 40):
            changes: list[Json] = []
            for _ in range(chance.randint(1, 3)):
                first, last = sorted(chance.randrange(len(text) + 1) for _ in range(2))
                last = min(last, first + 4)
                # No editor changes half of a CRLF.
                first, last = (place - (text[place - 1 : place + 1] == "\r\n") for place in (first, last))
                new = chance.choice(PIECES)
                where = {"start": position_at(text, first), "end": position_at(text, last)}
                changes.append({"range": where, "text": new})
                text = text[:first] + new + text[last:]
            document = {"uri": uri, "version": version}
            on.client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
            assert (await on.client.request("ckit/file/read", {"path": TASK}))["text"] == text


async def test_ranges_are_right_behind_characters_that_end_a_line_in_python_only(root: Path) -> None:
    capabilities = {"textDocument": {"rename": {"prepareSupport": True}}}
    text = "title: 'a\u2028b\u0085 😀'\nid: T-001\n"
    async with editor(root, capabilities=capabilities) as on:
        on.open(TASK, text)
        ready = await on.ask("prepareRename", TASK, "T¦-001")
        assert ready["range"]["start"] == {"line": 1, "character": 4}
        edit = await on.ask("rename", TASK, "T¦-001", newName="T-002")
        assert edited(text, edit["changes"][on.uri(TASK)]) == text.replace("T-001", "T-002")


@pytest.mark.parametrize("name", ["", "contexts/.git/index", "contexts/tasks/a%5Cb.yaml", "x" * 5000])
async def test_a_name_that_can_not_be_read_hides_no_change_that_is_told_with_it(root: Path, name: str) -> None:
    async with editor(root) as on:
        assert (await on.client.request("ckit/file/read", {"path": TASK}))["text"] == "id: T-001\n"
        (root / TASK).write_text("id: T-1\n", "utf-8")
        on.saw(f"{root.as_uri()}/{name}", on.uri(TASK))
        assert (await on.client.request("ckit/repo/validate"))["ok"] is False


async def test_a_cancelled_request_is_answered_at_once_as_such(root: Path) -> None:
    async with editor(root) as on:
        on.open(TASK)
        error = None
        for attempt in range(100):
            request = on.client.start("workspace/symbol", {"query": ""}, request_id=f"slow-{attempt}")
            on.client.notify("$/cancelRequest", {"id": f"slow-{attempt}"})
            # On a busy machine it may be answered before its cancellation is read.
            with contextlib.suppress(RpcError):
                await request
            if (error := request.exception()) is not None:
                break
        assert isinstance(error, RpcError)
        assert (error.number, error.code) == (-32800, "cancelled")
        assert len(await on.client.request("workspace/symbol", {"query": ""})) == 1


async def test_R11_a_request_ends_with_its_deadline(root: Path) -> None:
    options = {"protocolVersions": ["1.0"], "config": {"limits": {"requestTimeoutSeconds": 0.000001}}}
    async with editor(root, options=options) as on:
        with pytest.raises(RpcError) as caught:
            await on.client.request("workspace/symbol", {"query": ""})
        assert caught.value.code == "deadline_exceeded"


async def test_R14_language_requests_are_counted(root: Path) -> None:
    async with editor(root) as on:
        await on.client.request("workspace/symbol", {"query": ""})
        metrics = await on.client.request("ckit/metrics")
        assert "workspace/symbol" in str(metrics)
