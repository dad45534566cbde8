"""Watching the folders of a context repository for hosts that don't do it for us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
from watchfiles import Change, awatch  # pyright: ignore[reportUnknownVariableType] - its type names trio as well.

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_FOLDERS: Final = ("contexts", ".context", ".context-kit")
_QUIET_MS: Final = 20
"""A change is told once this time has passed without another one."""
_PATIENCE_MS: Final = 400
"""A stream of changes is told in parts of this length."""


async def watch_folders(root: Path, on_change: Callable[[frozenset[str]], Awaitable[None]], ready: anyio.Event) -> None:
    """Call `on_change` with the paths that changed, relative to `root`, until cancelled.

    The root folder itself is watched without its depths, so that `node_modules` and `.git` cost nothing, and to learn
    that one of the source folders comes or goes.

    Raises:
        OSError: the system has no watch left to give.
    """
    while True:
        restart = anyio.Event()
        folders = [root / name for name in _FOLDERS if (root / name).is_dir()]

        async def watch_top(restart: anyio.Event = restart) -> None:
            def is_folder(_: Change, path: str) -> bool:
                return any(path == str(root / name) for name in _FOLDERS)

            async for _ in awatch(root, recursive=False, watch_filter=is_folder, step=_QUIET_MS, stop_event=restart):
                restart.set()

        async def watch_sources(folders: list[Path] = folders, restart: anyio.Event = restart) -> None:
            async for changes in awatch(
                *folders, watch_filter=None, step=_QUIET_MS, debounce=_PATIENCE_MS, stop_event=restart
            ):
                paths = frozenset(path.removeprefix(str(root))[1:].replace("\\", "/") for _, path in changes)
                await on_change(paths)

        async with anyio.create_task_group() as group:
            group.start_soon(watch_top)
            if folders:
                group.start_soon(watch_sources)
            # The watches begin before these tasks first wait.
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            if ready.is_set():
                # What stands in a folder that just appeared was never told.
                await on_change(frozenset(_FOLDERS))
            ready.set()
