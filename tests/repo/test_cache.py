"""The parse cache saves time and changes nothing else."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.core.document import Document
    from ckit_daemon.repo.repository import DiskRepository
    from tests.repo.conftest import Workspace

pytestmark = pytest.mark.anyio

FEATURE = "contexts/features/FEAT-001.yaml"
ODD = {
    "contexts/features/numbers.yaml": "id: N\na: .inf\nb: -.inf\nc: 123456789012345678901234567890\nd: 1.50\n",
    "contexts/features/nan.yaml": "id: NAN\na: .nan\n",
    "contexts/features/twice.yaml": "id: T\nid: U\nname: Grün 🎉\n",
    "contexts/features/broken.yaml": "id: B\nlist: [1, 2\n",
    "contexts/features/binary.yaml": "\0",
}


@pytest.fixture
def aged(workspace: Workspace) -> Workspace:
    """A workspace whose files were written, and looked at, long before they are opened."""
    for path, text in ODD.items():
        workspace.write(path, text)
    _make_old(workspace)
    return workspace


def _make_old(workspace: Workspace) -> None:
    # The change time can't be set, so it is the clock of the reader that is moved.
    for file in workspace.root.rglob("*.*"):
        os.utime(file, (time.time() - 60, time.time() - 60))


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time_ns
    monkeypatch.setattr("ckit_daemon.repo.loader.time.time_ns", lambda: real() + 60_000_000_000)


def _facts(repository: DiskRepository) -> dict[str, tuple[object, ...]]:
    def facts(document: Document) -> tuple[object, ...]:
        return document.text, repr(document.value), document.problems, document.readable, document.failures

    return {path: facts(document) for path, document in repository.snapshot.documents.items()}


def _cache_file(workspace: Workspace) -> Path:
    return next((workspace.cache_dir / "parsed").iterdir())


async def test_a_second_start_reads_no_source_file_that_the_cache_can_hold(aged: Workspace) -> None:
    async with aged.open(cache=True) as repository:
        first = _facts(repository)
        assert repository.statistics.read == len(first) == 7
    async with aged.open(cache=True) as repository:
        assert _facts(repository) == first
        # Infinity, not-a-number, an integer of 98 bits: JSON has none of them. The binary file is looked at each time.
        assert repository.statistics.read == 3
        assert repository.statistics.parsed == 2
        assert repository.statistics.cache_rejected == 0


async def test_a_changed_a_new_and_a_removed_file_are_seen_in_spite_of_the_cache(aged: Workspace) -> None:
    async with aged.open(cache=True):
        pass
    file = aged.root / FEATURE
    before = file.stat()
    # The same size and the same modification time: the change time still tells.
    file.write_text(file.read_text().replace("First", "Fifth"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    aged.write("contexts/features/new.yaml", "id: NEW\n")
    (aged.root / "contexts/features/twice.yaml").unlink()
    async with aged.open(cache=True) as repository:
        snapshot = repository.snapshot
        assert snapshot.documents[FEATURE].value["title"] == "Fifth"  # type: ignore[index, call-overload]
        assert snapshot.get("NEW") is not None
        assert snapshot.get("T") is None


async def test_a_file_written_just_before_it_was_read_is_read_again_but_not_parsed_again(
    aged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    aged.write(FEATURE, "id: FEAT-001\ntitle: Just now\n")
    async with aged.open(cache=True):
        pass
    async with aged.open(cache=True) as repository:
        assert repository.statistics.read >= 1
        assert repository.statistics.parsed == 2
        assert repository.snapshot.documents[FEATURE].text.endswith("Just now\n")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda data: data.replace(b"First", b"Fifth"), id="another value"),
        pytest.param(lambda data: data.replace(b'"format":1', b'"format":0'), id="another version"),
        pytest.param(
            lambda data: data.replace(b"py-yaml", b"").replace(b'"parsers":["', b'"parsers":["9'), id="parser"
        ),
        pytest.param(lambda data: bytes(byte ^ 0xFF for byte in data), id="noise"),
        pytest.param(lambda data: data.partition(b"\n")[0] + b"\n\x00\xff not json\n\n[]\n", id="foreign lines"),
        pytest.param(lambda data: data.partition(b"\n")[0] + b"\n0f06ef57 [1]\n", id="foreign rows"),
    ],
)
async def test_a_damaged_or_foreign_cache_changes_nothing_but_time(aged: Workspace, damage) -> None:
    async with aged.open(cache=True) as repository:
        first = _facts(repository)
    file = _cache_file(aged)
    file.write_bytes(damage(file.read_bytes()))
    async with aged.open(cache=True) as repository:
        assert _facts(repository) == first
        assert repository.statistics.read == 7
        assert repository.statistics.cache_rejected >= 1
    async with aged.open(cache=True) as repository:
        assert repository.statistics.read == 3


async def test_a_deleted_cache_is_made_anew(aged: Workspace) -> None:
    for _ in range(2):
        async with aged.open(cache=True) as repository:
            assert (repository.statistics.read, repository.statistics.cache_rejected) == (7, 0)
        _cache_file(aged).unlink()


async def test_a_cache_folder_that_can_not_be_written_is_no_error(aged: Workspace) -> None:
    aged.cache_dir.write_text("a file, no folder")
    async with aged.open(cache=True) as repository:
        assert repository.snapshot.get("FEAT-001") is not None


async def test_the_cache_is_for_its_owner_alone_and_leaves_no_temporary_files(aged: Workspace) -> None:
    async with aged.open(cache=True):
        pass
    files = list((aged.cache_dir / "parsed").iterdir())
    assert len(files) == 1
    if os.name != "nt":
        assert files[0].stat().st_mode & 0o077 == 0


async def test_unsaved_text_is_never_cached(aged: Workspace) -> None:
    async with aged.open(cache=True) as repository:
        await repository.overlay(FEATURE, "id: FEAT-001\ntitle: Unsaved\n")
    assert b"Unsaved" not in _cache_file(aged).read_bytes()
