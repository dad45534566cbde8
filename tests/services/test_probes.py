"""Probes use what they are about, and a tool that another one stands in for alarms nobody."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.probes import GitProbe, RepositoryProbe, StorageProbe, ToolProbe

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="the tools of this test are shell scripts")


def tool(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{source}\n", "utf-8")
    path.chmod(0o755)


@posix
def test_R09_a_tool_is_run_and_not_only_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    probe = ToolProbe("pnpm", "scripts", ("the native engine",), lambda: {"WHO": "me"}, substitute="npm")
    assert (probe.check().status, probe.check().works) == ("degraded", ("the native engine",))
    tool(tmp_path, "npm", "echo 11")
    assert probe.check().status == "disabled"
    assert "npm" in probe.check().detail
    tool(tmp_path, "pnpm", "exit 3")
    assert probe.check().status == "degraded"
    tool(tmp_path, "pnpm", 'echo "10.1.0 $WHO"')
    assert probe.check().detail == "pnpm 10.1.0 me"


def test_R09_storage_is_written_and_a_repository_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert StorageProbe(lambda: (tmp_path / "made",)).check().status == "ok"
    blocked = StorageProbe(lambda: (tmp_path / "file" / "below",)).check()
    assert blocked.status == "degraded"
    assert str(tmp_path) not in blocked.detail
    assert RepositoryProbe("repository:x", tmp_path).check().status == "degraded"
    assert GitProbe().check().status == "ok"
