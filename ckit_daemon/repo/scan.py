"""One walk over the source folders of a repository: which files there are, and their stamps."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.document import unreadable
from ckit_daemon.core.errors import LimitExceededError, PathNotAllowedError
from ckit_daemon.core.text import sentence
from ckit_daemon.repo.files import Stamp
from ckit_daemon.repo.paths import contained, normalise

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.progress import Progress

MAX_DEPTH: Final = 100
"""Folders inside each other that are looked into; a tree of thousands would end the walk, which calls itself."""


@dataclass(slots=True)
class Scan:
    """What stands in the source folders."""

    files: dict[str, Stamp] = field(default_factory=dict[str, Stamp])
    """The files to read, by path."""
    faults: dict[str, Document] = field(default_factory=dict[str, "Document"])
    """What can't be read for what it is: links that lead out, FIFOs, folders without permission."""


class Scanner:
    """Walks the source folders below `root`, a path with its symbolic links resolved."""

    def __init__(self, root: Path, max_files: int) -> None:
        self._root = root
        self._max_files = max_files

    def scan(self, progress: Progress) -> Scan:
        """Walk all source folders, each in the order of names.

        Raises:
            LimitExceededError: there are more than `max_files` files.
            OperationCancelledError: `progress` says so.
        """
        found = Scan()
        for folder in layout.SOURCES:
            top = self._root.joinpath(folder)
            if not top.is_dir():
                if top.is_symlink():
                    self._fault(found, folder, "file.unreadable", "this link leads nowhere")
                continue
            inside = self._real_inside(folder)
            if inside is None:
                self._fault(found, folder, "file.outside", "this link leads out of the repository")
                continue
            self._walk(os.fspath(top), folder, frozenset([inside]), found, progress)
        return found

    def stamp(self, path: str) -> Stamp | Document | None:
        """Look at one source file: its stamp, what is wrong with it, or None where there is nothing."""
        real = self._root.joinpath(path)
        if not os.path.lexists(real):
            return None
        found = Scan()
        self._note(os.fspath(real), path, found)
        return found.files.get(path) or found.faults.get(path)

    def _walk(self, folder: str, path: str, above: frozenset[str], found: Scan, progress: Progress) -> None:
        if path.count("/") > MAX_DEPTH:
            self._fault(found, path, "file.unreadable", f"folders nest more than {MAX_DEPTH} deep here")
            return
        try:
            with os.scandir(folder) as entries:
                children = sorted(entries, key=attrgetter("name"))
        except OSError as error:
            self._fault(found, path, "file.unreadable", f"the folder can't be read: {error.strerror}")
            return
        for entry in children:
            name = entry.name
            if name.startswith("."):
                continue
            child = f"{path}/{name}"
            # The common case, a plain file or folder, costs one system call at most; the rest is looked at in full.
            if entry.is_symlink():
                self._follow(entry, child, above, found, progress)
            elif entry.is_dir(follow_symlinks=False):
                self._walk(entry.path, child, above, found, progress)
            elif layout.is_source(child):
                if name.isascii() and "\\" not in name and entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        found.files[child] = Stamp.of(entry.stat(follow_symlinks=False))
                else:
                    self._note(entry.path, child, found)
        if len(found.files) > self._max_files:
            raise LimitExceededError(f"The repository has more than {self._max_files} source files.")
        progress.report(0, 0, "Looking for files")

    def _follow(
        self, link: os.DirEntry[str], path: str, above: frozenset[str], found: Scan, progress: Progress
    ) -> None:
        if not _leads_to_folder(link):
            if layout.is_source(path):
                self._note(link.path, path, found)
            return
        inside = self._real_inside(path)
        if inside is None:
            self._fault(found, path, "file.outside", "this link leads out of the repository")
        # A link to a folder around itself would be followed for ever.
        elif not any(_is_within(folder, inside) for folder in (*above, os.fspath(Path(link.path).parent.resolve()))):
            self._walk(link.path, path, above | {inside}, found, progress)

    def _note(self, real: str, path: str, found: Scan) -> None:
        try:
            normalise(path)
            status = contained(self._root, path).stat()
        except PathNotAllowedError as error:
            self._fault(found, path, "file.outside", error.message)
        except OSError as error:
            message = "this link leads nowhere" if Path(real).is_symlink() else f"it can't be read: {error.strerror}"
            self._fault(found, path, "file.unreadable", message)
        else:
            if stat.S_ISREG(status.st_mode):
                found.files[path] = Stamp.of(status)
            else:
                self._fault(found, path, "file.unreadable", "this is no plain file")

    def _real_inside(self, path: str) -> str | None:
        try:
            return os.fspath(contained(self._root, path))
        except PathNotAllowedError:
            return None

    @staticmethod
    def _fault(found: Scan, path: str, code: str, message: str) -> None:
        # A name in another encoding can't be sent to anybody as it is.
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        found.faults[shown] = unreadable(shown, code, sentence(message))


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:
        # A link to itself, or one through a folder that may not be entered.
        return False


def _is_within(folder: str, outer: str) -> bool:
    return folder == outer or folder.startswith(f"{outer}{os.sep}")
