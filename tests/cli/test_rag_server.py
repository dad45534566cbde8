"""The index that a team shares on a Chroma server, as one person at a terminal can delete it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Ckit

SERVER = "http://127.0.0.1:9"
"""Nobody answers there."""
DELETING = [("rag", "clear"), ("rag", "index", "--rebuild")]


@pytest.fixture
def shared(ckit: Ckit, monkeypatch: pytest.MonkeyPatch) -> Ckit:
    monkeypatch.setenv("CKIT_RAG_CHROMA_URL", SERVER)
    return ckit


@pytest.mark.parametrize("command", DELETING, ids=" ".join)
def test_an_index_of_others_is_not_deleted_where_nobody_can_be_asked(shared: Ckit, command: tuple[str, ...]) -> None:
    run = shared(*command)
    assert run.code == 2
    assert f"add --yes to delete the index on {SERVER}, for everybody who uses it" in run.err
    # The server is asked only now.
    assert "can't be reached" in shared(*command, "--yes").err


@pytest.mark.skipif(os.name != "posix", reason="Windows has no terminals of this kind")
def test_a_person_is_told_whose_index_is_deleted_and_may_say_no(shared: Ckit) -> None:
    from tests.support.terminal import on_terminal  # noqa: PLC0415 - can't be imported on Windows.

    with on_terminal("ckit_daemon.cli.main", ["--repo", str(shared.repo), "rag", "clear"]) as terminal:
        terminal.expect(f"Delete the index on {SERVER}, for everybody who uses it? [y/N]")
        terminal.type("n\r")
        assert terminal.end() == 1
