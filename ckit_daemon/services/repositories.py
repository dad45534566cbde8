"""The repositories that are open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.ports import SnapshotChange


class Opener(Protocol):
    """Finds and opens repositories."""

    def locate(self, folder: str) -> Path:
        """The root of the context repository at or above `folder`.

        Raises:
            NotFoundError: there is no such folder, or no context repository around it.
        """
        ...

    async def open(self, root: Path, progress: Progress) -> OpenRepository:
        """Read a repository."""
        ...


class AnnouncedChanges:
    """Changes that the editor announces, made one after the other in the order in which it sent them."""

    def __init__(self) -> None:
        self._last: asyncio.Task[None] | None = None
        self._pending: set[asyncio.Task[None]] = set()

    def add(self, change: Coroutine[None, None, None]) -> None:
        """Make a change after all that were announced before; returns at once."""
        self._last = asyncio.create_task(self._make(change, self._last))
        self._pending.add(self._last)
        self._last.add_done_callback(self._pending.discard)
        self._last.add_done_callback(lambda _: change.close())

    @staticmethod
    async def _make(change: Coroutine[None, None, None], before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        await change

    async def made(self) -> None:
        """Wait until everything that is announced by now has been made."""
        if self._last is not None:
            await asyncio.wait([self._last])

    def abandon(self) -> None:
        """Make none of the changes that are still to be made."""
        for task in self._pending:
            task.cancel()


class Repositories:
    """All open repositories of one daemon."""

    def __init__(self, opener: Callable[[], Opener]) -> None:
        """Start with none.

        Args:
            opener: makes the opener at its first use, in a worker thread, because that imports the engine.
        """
        self._make_opener = opener
        self.changes = AnnouncedChanges()
        self._open: dict[str, OpenRepository] = {}
        self._folders: dict[Path, bool] = {}
        # Not anyio: making its lock imports its backend, which takes 20 ms of the start.
        self._opening = asyncio.Lock()
        self._listeners: list[Callable[[OpenRepository, SnapshotChange], None]] = []
        self._opened: list[Callable[[OpenRepository], Awaitable[None]]] = []
        self._closed: list[Callable[[OpenRepository], None]] = []

    def all(self) -> tuple[OpenRepository, ...]:
        """Every open repository, in the order of opening."""
        return tuple(self._open.values())

    def subscribe(self, listener: Callable[[OpenRepository, SnapshotChange], None]) -> None:
        """Call `listener` on the event loop after every change of any repository."""
        self._listeners.append(listener)

    def on_open(self, hook: Callable[[OpenRepository], Awaitable[None]]) -> None:
        """Call `hook` with every newly opened repository before anybody else gets it."""
        self._opened.append(hook)

    def on_close(self, hook: Callable[[OpenRepository], None]) -> None:
        """Call `hook` with every repository that is closed."""
        self._closed.append(hook)

    async def open(self, folder: Path, *, watch: bool, progress: Progress) -> tuple[OpenRepository, bool]:
        """Open the repository at or above `folder`; the second value says whether it was open already.

        Raises:
            NotFoundError: there is no context repository.
        """
        opener = await asyncio.to_thread(self._make_opener)
        root = await asyncio.to_thread(opener.locate, str(folder))
        async with self._opening:
            known = next((opened for opened in self._open.values() if opened.store.root == root), None)
            if known is not None:
                if watch:
                    await known.store.watch()
                return known, True
            opened = await opener.open(root, progress)
            for hook in self._opened:
                await hook(opened)
            self._open[opened.id] = opened
            opened.store.subscribe(lambda change: self._notify(opened, change))
            if watch:
                await opened.store.watch()
            return opened, False

    async def add_folder(self, folder: Path, *, watch: bool, progress: Progress) -> None:
        """Open the repository at or above a folder of the client's workspace; a folder without one is no error."""
        self._folders[folder] = watch
        try:
            await self.open(folder, watch=watch, progress=progress)
        except NotFoundError:
            return

    async def open_folders(self, progress: Progress) -> None:
        """Try again to open the workspace's repositories."""
        for folder, watch in [*self._folders.items()]:
            await self.add_folder(folder, watch=watch, progress=progress)

    async def open_around(self, file: Path, progress: Progress) -> OpenRepository | None:
        """Open the repository of a file that may lie deep in the client's workspace.

        Returns:
            The repository; None where there is none around the file, or the file is outside of the workspace.
        """
        watch = next((watch for folder, watch in self._folders.items() if file.is_relative_to(folder)), None)
        if watch is None:
            return None
        try:
            opened, _ = await self.open(file.parent, watch=watch, progress=progress)
        except NotFoundError:
            return None
        return opened

    async def remove_folder(self, folder: Path) -> None:
        """Close the repositories of a folder that left the workspace, unless another folder still needs them."""
        self._folders.pop(folder, None)
        for opened in self.all():
            root = opened.store.root
            if _share(folder, root) and not any(_share(other, root) for other in self._folders):
                await self.close(opened.id)

    def _notify(self, opened: OpenRepository, change: SnapshotChange) -> None:
        for listener in self._listeners:
            listener(opened, change)

    def get(self, name: str | None) -> OpenRepository:
        """Return an open repository by its id or root path; without a name, the only one.

        Raises:
            InvalidArgumentError: no name, and several are open.
            NotFoundError: none is open, or none of that name.
        """
        if name is None:
            if len(self._open) == 1:
                return next(iter(self._open.values()))
            if self._open:
                raise InvalidArgumentError(
                    "Several repositories are open; say which one with 'repository'.",
                    details={"repositories": [*self._open]},
                )
            raise NotFoundError("No repository is open; open one with ckit/repo/open.", details={"kind": "repository"})
        for opened in self._open.values():
            if name in {opened.id, str(opened.store.root)}:
                return opened
        raise NotFoundError(
            "No repository of this name is open; ckit/repo/list names those that are.",
            details={"kind": "repository", "repositories": [*self._open]},
        )

    def containing(self, path: Path) -> tuple[OpenRepository, str] | None:
        """The innermost open repository that a file lies in, with the file's path inside it."""
        around = [opened for opened in self._open.values() if path.is_relative_to(opened.store.root)]
        if not around:
            return None
        innermost = max(around, key=lambda opened: len(opened.store.root.parts))
        return innermost, path.relative_to(innermost.store.root).as_posix()

    async def close(self, name: str | None) -> str:
        """Close a repository and return its id; raises as `get`."""
        opened = self.get(name)
        del self._open[opened.id]
        for hook in self._closed:
            hook(opened)
        await opened.store.aclose()
        return opened.id

    async def aclose(self) -> None:
        """Close every repository."""
        while self._open:
            _, opened = self._open.popitem()
            await opened.store.aclose()


def _share(one: Path, other: Path) -> bool:
    """Whether one folder is, or lies in, the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)
