"""Finding context repositories and opening them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.repo.cache import ParseCache
from ckit_daemon.repo.history import GitHistory
from ckit_daemon.repo.paths import MAX_PATH_LENGTH, refuse
from ckit_daemon.repo.repository import DiskRepository, RepositoryLimits, repository_id

if TYPE_CHECKING:
    from ckit_daemon.core.progress import Progress

_MARKERS: Final = (".context", layout.KIT, ".git", layout.PACKAGE_JSON)


@dataclass(frozen=True, slots=True)
class DiskRepositoryOpener:
    """Implements `services.ports.RepositoryOpener` on the file system."""

    limits: RepositoryLimits = field(default_factory=RepositoryLimits)
    cache_dir: Path | None = None
    """The folder for parse caches; None: repositories are always read from their sources."""

    def locate(self, folder: str) -> Path:
        """Return the nearest folder at or above `folder` that has `contexts/` and a sign that it is a root.

        Raises:
            NotFoundError: there is no such folder, or no context repository around it.
            PathNotAllowedError: this can't be a path.
        """
        if len(folder) > MAX_PATH_LENGTH or "\0" in folder:
            raise refuse(folder, "is no path")
        try:
            start = Path(folder).resolve(strict=True)
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no folder {folder!r}.", details={"kind": "folder"}) from error
        except (OSError, RuntimeError) as error:
            raise refuse(folder, "can't be followed") from error
        for candidate in (start, *start.parents):
            if (candidate / layout.ENTITIES).is_dir() and any((candidate / marker).exists() for marker in _MARKERS):
                return candidate
        message = (
            f"There is no context repository at or above {folder!r}: a folder that holds '{layout.ENTITIES}/' and "
            f"one of {', '.join(repr(marker) for marker in _MARKERS)}. Make one with 'ckit init'."
        )
        raise NotFoundError(message, details={"kind": "repository"})

    async def open(self, root: Path, progress: Progress) -> DiskRepository:
        """Read the repository at `root`, a path that `locate` returned.

        Raises:
            LimitExceededError: it has more files than are allowed.
            OperationCancelledError: `progress` says so.
        """
        cache = None
        if self.cache_dir is not None:
            cache = ParseCache(self.cache_dir / "parsed" / f"{repository_id(root)}.cache", root)
        repository = DiskRepository(root, self.limits, GitHistory(root, self.limits.max_file_bytes), cache)
        await repository.load(progress)
        return repository
