"""Small repositories on a real disk."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.progress import SILENT
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.repo.repository import RepositoryLimits

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ckit_daemon.repo.repository import DiskRepository

FEATURE = "contexts/features/FEAT-001.yaml"
STORY = "contexts/userstories/US-001.yaml"


class Workspace:
    """A repository folder, the cache folder beside it, and a way to open it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a repository"
        self.outside = folder / "outside"
        self.cache_dir = folder / "cache"
        self.outside.mkdir()
        self.write("package.json", "{}")
        self.write(FEATURE, "id: FEAT-001\ntitle: First\nuserStories: [US-001]\n")
        self.write(STORY, "id: US-001\nfeature: FEAT-001\n")

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def text(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.root.rglob("*.ckit-*")) + sorted(
            path.name for path in self.root.rglob(".ckit-*")
        )

    @asynccontextmanager
    async def open(self, *, cache: bool = False, max_file_bytes: int = 100_000) -> AsyncGenerator[DiskRepository]:
        limits = RepositoryLimits(max_file_bytes=max_file_bytes)
        opener = DiskRepositoryOpener(limits, self.cache_dir if cache else None)
        async with asyncio.timeout(60):
            repository = await opener.open(opener.locate(str(self.root)), SILENT)
        try:
            yield repository
        finally:
            await repository.aclose()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
