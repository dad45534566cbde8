"""Watching the folders of a context repository for hosts that don't do it for us."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import anyio
from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType] - its type names trio as well.

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_FOLDERS: Final = ("contexts", ".context", ".context-kit")
_QUIET_MS: Final = 20
"""A change is told once this time has passed without another one."""
_PATIENCE_MS: Final = 400
"""A stream of changes is told in parts of this length."""
_WAKE_MS: Final = 500
"""How long a watching thread may outlive a task that is cancelled instead of stopped."""


class FolderWatcher:
    """Calls `on_change` with the paths that changed, relative to `root`.

    The root folder itself is watched without its depths, so that `node_modules` and `.git` cost nothing, and to learn
    that one of the source folders comes or goes.
    """

    def __init__(self, root: Path, on_change: Callable[[frozenset[str]], Awaitable[None]]) -> None:
        self._root = root
        self._tops = {str(root / name): name for name in _FOLDERS}
        self._on_change = on_change
        self._stopped = False
        self._round_over = anyio.Event()
        self.begun = anyio.Event()
        """Set once no change is missed any more."""

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopped = True
        self._round_over.set()

    async def run(self) -> None:
        """Watch until stopped.

        Raises:
            OSError: the system has no watch left to give, or the folder is gone.
        """
        while not self._stopped:
            self._round_over = anyio.Event()
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch_root)
                group.start_soon(self._watch_sources)
                # Both watches begin before their tasks first wait.
                await anyio.lowlevel.checkpoint()
                await anyio.lowlevel.checkpoint()
                if self.begun.is_set():
                    # What stands in a folder that just appeared was never told.
                    await self._on_change(frozenset(_FOLDERS))
                self.begun.set()

    async def _watch_root(self) -> None:
        async for _ in awatch(
            self._root,
            watch_filter=lambda _, path: path in self._tops,
            recursive=False,
            step=_QUIET_MS,
            rust_timeout=_WAKE_MS,
            stop_event=self._round_over,
        ):
            self._round_over.set()

    async def _watch_sources(self) -> None:
        folders = [self._root / name for name in _FOLDERS if (self._root / name).is_dir()]
        if not folders:
            return
        async for changes in awatch(
            *folders,
            watch_filter=None,
            step=_QUIET_MS,
            debounce=_PATIENCE_MS,
            rust_timeout=_WAKE_MS,
            stop_event=self._round_over,
        ):
            paths = (path.removeprefix(str(self._root))[1:] for _, path in changes)
            await self._on_change(frozenset(path.replace(os.sep, "/") for path in paths))
