"""Builds open repositories; a part of the composition root of its own because importing the engine takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.repo.repository import RepositoryLimits
from ckit_daemon.services.open_repository import OpenRepository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ckit_daemon.config import Configuration
    from ckit_daemon.core.progress import Progress


class DiskOpener:
    """Implements `services.repositories.Opener` for folders, under the settings of each repository."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration

    def locate(self, folder: str) -> Path:
        """Return the root at or above `folder`; raises as `DiskRepositoryOpener.locate`."""
        return DiskRepositoryOpener().locate(folder)

    async def open(self, root: Path, progress: Progress) -> OpenRepository:
        """Read the repository at a root that `locate` returned; raises as `DiskRepositoryOpener.open`."""
        settings = self._configuration().for_repository(root).settings
        opener = DiskRepositoryOpener(
            RepositoryLimits(
                max_file_bytes=settings.repository.max_file_bytes, max_files=settings.repository.max_files
            ),
            settings.paths.cache() if settings.repository.cache else None,
        )
        return OpenRepository(await opener.open(root, progress))
