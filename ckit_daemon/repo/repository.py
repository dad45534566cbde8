"""An open context repository: disk and unsaved buffers in, snapshots out, changes in order."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

import anyio
import anyio.to_thread

from ckit_daemon.core import layout
from ckit_daemon.core.collector import paused_collector
from ckit_daemon.core.document import unreadable
from ckit_daemon.core.errors import CkitError, ConflictError, NotFoundError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.text import lines_with_ends, split_lines
from ckit_daemon.repo.files import FileReader, decode
from ckit_daemon.repo.loader import Entry, Loader, LoadStatistics, document_of, same_or
from ckit_daemon.repo.paths import is_usable, normalise
from ckit_daemon.repo.scan import Scanner
from ckit_daemon.repo.texts import TextFiles
from ckit_daemon.repo.write import FileWriter
from ckit_daemon.services.ports import FileChange, FileContent, SnapshotChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.repo.cache import ParseCache
    from ckit_daemon.repo.history import GitHistory
    from ckit_daemon.repo.watch import FolderWatcher
    from ckit_daemon.services.ports import Texts

_SAVE_AFTER_SECONDS: Final = 5.0
"""The parse cache is written in peace: not while the requests come in for which the repository was opened."""


@dataclass(frozen=True, slots=True)
class RepositoryLimits:
    """How much of a repository is read."""

    max_file_bytes: int = 5 * 1024 * 1024
    max_files: int = 200_000


class DiskRepository:
    """Implements `services.ports.Repository` on a folder. Make one with `DiskRepositoryOpener`."""

    def __init__(self, root: Path, limits: RepositoryLimits, history: GitHistory, cache: ParseCache | None) -> None:
        self._root = root
        self._history = history
        self._cache = cache
        self._reader = FileReader(root, limits.max_file_bytes)
        self._scanner = Scanner(root, limits.max_files)
        self._loader = Loader(self._reader)
        self._writer = FileWriter(self._reader)
        self._text_files = TextFiles(self._reader, history.ignored)
        self._disk: dict[str, Entry] = {}
        self._overlays: dict[str, str] = {}
        self._snapshot = Snapshot.of(())
        self._changing = anyio.Lock()
        self._listeners: list[Callable[[SnapshotChange], None]] = []
        self._watcher: FolderWatcher | None = None
        self._watching: asyncio.Task[None] | None = None
        self._saver: asyncio.Task[None] | None = None
        self._unsaved = False
        self._closed = False
        self.statistics = LoadStatistics()
        """What opening the repository had to do."""

    # What it holds

    @property
    def id(self) -> str:
        """A short name made from the root folder."""
        return repository_id(self._root)

    @property
    def root(self) -> Path:
        """The folder, with symbolic links resolved."""
        return self._root

    @property
    def snapshot(self) -> Snapshot:
        """The newest complete picture, unsaved editor buffers included."""
        return self._snapshot

    @property
    def history(self) -> GitHistory:
        """The Git side."""
        return self._history

    @property
    def closed(self) -> bool:
        """Whether it is kept fresh no longer, and changes no file any more."""
        return self._closed

    @property
    def overlays(self) -> frozenset[str]:
        """The files whose unsaved text lies over the disk."""
        return frozenset(self._overlays)

    def read_file(self, path: str, *, start_line: int = 0, max_lines: int | None = None) -> FileContent:
        """Read a text file anywhere in the repository; see the port."""
        name = normalise(path)
        overlay = self._overlays.get(name)
        data = self._reader.read(name).data if overlay is None else overlay.encode("utf-8", "surrogatepass")
        text = decode(data, name) if overlay is None else overlay
        lines = len(split_lines(text))
        stop = lines if max_lines is None else min(start_line + max_lines, lines)
        whole = start_line == 0 and stop == lines
        ended = lines_with_ends(text)
        part = text if whole else "".join(ended[start_line:stop])
        return FileContent(
            path=name,
            text=part,
            size=len(data),
            lines=lines,
            first_line=start_line,
            truncated=stop < len(ended),
            line_ending=_line_ending(text),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def disk_text(self, path: str) -> str | None:
        """The text on disk; see the port."""
        try:
            return decode(self._reader.read(path).data, path)
        except NotFoundError:
            return None

    def real_path(self, path: str) -> str:
        """Where a file really is; see the port."""
        return self._reader.locate(path).relative_to(self.root).as_posix()

    def prose(self) -> Mapping[str, str]:
        """The text of Markdown files and templates; see the port."""
        return self._text_files.prose(dict(self._overlays))

    def texts(self, *, ignored: bool = False) -> Texts:
        """The texts to search beside the snapshot's; see the port."""
        return self._text_files.texts(dict(self._overlays), ignored=ignored)

    # How it changes

    async def load(self, progress: Progress) -> None:
        """Read everything for the first time; to be called once, by the opener."""
        async with self._changing:
            self._snapshot = await anyio.to_thread.run_sync(self._load, progress)
        if self._unsaved:
            self._saver = asyncio.create_task(self._save_later())

    def _load(self, progress: Progress) -> Snapshot:
        began = time.perf_counter()
        self._writer.recover()
        with paused_collector():
            known = {} if self._cache is None else self._cache.load(progress, self.statistics)
            self._disk = self._read_all(known, progress, self.statistics)
            self._unsaved = self.statistics.read > 0 or len(known) != self.statistics.files
            del known
            snapshot = Snapshot.of(entry.document for entry in self._disk.values())
        self.statistics.seconds = time.perf_counter() - began
        return snapshot

    def _read_all(self, known: Mapping[str, Entry], progress: Progress, statistics: LoadStatistics) -> dict[str, Entry]:
        scan = self._scanner.scan(progress)
        entries = self._loader.load(scan.files, known, progress, statistics)
        for path, fault in scan.faults.items():
            entries[path] = same_or(known.get(path), fault)
        return entries

    async def refresh(self, paths: Sequence[str] | None = None, progress: Progress | None = None) -> SnapshotChange:
        """Read files again that may have changed on disk; see the port."""
        async with self._changing:
            return await self._refresh(paths, progress or SILENT)

    async def _refresh(self, paths: Sequence[str] | None, progress: Progress) -> SnapshotChange:
        self._text_files.expire()
        names = None if paths is None else {normalise(path) for path in paths}
        disk = await anyio.to_thread.run_sync(self._read_again, names, progress)
        changed = {path for path in disk.keys() | self._disk.keys() if disk.get(path) is not self._disk.get(path)}
        self._unsaved = self._unsaved or bool(changed)
        self._disk = disk
        return await self._publish(changed)

    def _read_again(self, names: set[str] | None, progress: Progress) -> dict[str, Entry]:
        # A folder that came or went stands for all files in it.
        if names is None or self._has_source_folder(name for name in names if not layout.is_source(name)):
            return self._read_all(self._disk, progress, LoadStatistics())
        disk = dict(self._disk)
        for name in filter(layout.is_source, names):
            old = disk.pop(name, None)
            stamp = self._scanner.stamp(name)
            if stamp is None:
                entry = None
            elif isinstance(stamp, tuple):
                entry = self._loader.read(name, old, LoadStatistics())
            else:
                entry = same_or(old, stamp)
            if entry is not None:
                disk[name] = entry
        return disk

    def _has_source_folder(self, names: Iterable[str]) -> bool:
        """Whether a name is that of a folder that holds or held sources, or may hold some now."""
        # Made when the first name asks: a build may tell of thousands of files, and edits of sources tell of none.
        folders: set[str] | None = None
        for name in names:
            if folders is None:
                direct = {PurePosixPath(path).parent for path in self._disk}
                folders = {str(folder) for leaf in direct for folder in (leaf, *leaf.parents)}
            beside = name.startswith(layout.SOURCES) or any(top.startswith(f"{name}/") for top in layout.SOURCES)
            if name in folders or (beside and (self._root / name).is_dir()):
                return True
        return False

    async def overlay(self, path: str, text: str | None) -> SnapshotChange:
        """Lay an editor's unsaved text over a file; see the port."""
        name = normalise(path)
        async with self._changing:
            if text is None:
                self._overlays.pop(name, None)
            else:
                self._overlays[name] = text
            return await self._publish({name} if layout.is_source(name) else set())

    async def apply(self, changes: Sequence[FileChange]) -> SnapshotChange:
        """Write all files or none; see the port."""
        # Once begun it goes on to the end, even if nobody waits for it: what is written must also be seen.
        return await asyncio.shield(self._apply(changes))

    async def _apply(self, changes: Sequence[FileChange]) -> SnapshotChange:
        async with self._changing:
            if self._closed:
                raise ConflictError("The repository was closed in the meantime; nothing was written.")
            await anyio.to_thread.run_sync(self._writer.apply, changes)
            return await self._refresh([change.path for change in changes], SILENT)

    async def _publish(self, candidates: set[str]) -> SnapshotChange:
        before = self._snapshot
        if candidates:
            after, paths = await anyio.to_thread.run_sync(self._next_snapshot, before, candidates)
        else:
            after, paths = before, frozenset[str]()
        change = SnapshotChange(before, after, paths)
        if paths:
            self._snapshot = after
            for listener in tuple(self._listeners):
                listener(change)
        return change

    def _next_snapshot(self, before: Snapshot, candidates: set[str]) -> tuple[Snapshot, frozenset[str]]:
        visible = {path: self._visible(path) for path in candidates}
        changes = {path: document for path, document in visible.items() if before.documents.get(path) is not document}
        return (before.with_changes(changes) if changes else before), frozenset(changes)

    def _visible(self, path: str) -> Document | None:
        entry = self._disk.get(path)
        overlay = self._overlays.get(path)
        if overlay is None:
            return None if entry is None else entry.document
        if entry is not None and entry.document.text == overlay and not entry.document.failures:
            return entry.document
        if len(overlay) > self._reader.max_bytes:
            message = f"the unsaved text has more than {self._reader.max_bytes} characters"
            return unreadable(path, "file.too-large", message)
        current = self._snapshot.documents.get(path)
        return current if current is not None and current.text == overlay else document_of(path, overlay)

    def subscribe(self, listener: Callable[[SnapshotChange], None]) -> Callable[[], None]:
        """Call `listener` after every change; see the port."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    # Background work

    @property
    def watching(self) -> bool:
        """Whether the folder is watched for changes."""
        return self._watching is not None and not self._watching.done()

    async def watch(self) -> None:
        """Begin to watch the folder; see the port."""
        if self.watching:
            return
        from ckit_daemon.repo.watch import FolderWatcher  # noqa: PLC0415 - most hosts watch their files themselves.

        self._watcher = FolderWatcher(self._root, self._on_change)
        self._watching = asyncio.create_task(self._watch(self._watcher))
        await self._watcher.begun.wait()
        # What changed between the last reading and the first moment of watching was told by nobody.
        await self.refresh()

    async def _on_change(self, paths: frozenset[str]) -> None:
        # A name that no client could use can't be read alone, but a look at everything notes it.
        usable = all(is_usable(path) for path in paths)
        await self.refresh([*paths] if usable else None)

    @staticmethod
    async def _watch(watcher: FolderWatcher) -> None:
        try:
            await watcher.run()
        except* (OSError, CkitError):
            # No watches are left, or the folder is gone or too big: `watching` says so, and clients can still refresh.
            pass
        finally:
            watcher.begun.set()

    async def _save_later(self) -> None:
        await anyio.sleep(_SAVE_AFTER_SECONDS)
        async with self._changing:
            entries = self._disk
            self._unsaved = False
        await self._save(entries)

    async def _save(self, entries: Mapping[str, Entry]) -> None:
        if self._cache is not None:
            await anyio.to_thread.run_sync(self._cache.save, entries)

    async def aclose(self) -> None:
        """Stop watching, refuse further changes, and save the parse cache."""
        self._closed = True
        if self._watcher is not None and self._watching is not None:
            self._watcher.stop()
            await self._watching
        if self._saver is not None:
            self._saver.cancel()
            with suppress(asyncio.CancelledError):
                await self._saver
        self._listeners.clear()
        if self._unsaved:
            self._unsaved = False
            await self._save(self._disk)


def repository_id(root: Path) -> str:
    """A short stable name of a root folder: twelve hexadecimal digits."""
    return hashlib.sha256(os.fsencode(os.path.normcase(root))).hexdigest()[:12]


def _line_ending(text: str) -> Literal["lf", "crlf", "mixed"]:
    windows, all_of_them = text.count("\r\n"), text.count("\n")
    if windows == 0:
        return "lf"
    return "crlf" if windows == all_of_them else "mixed"
