"""The texts beside the entities: Markdown, templates, notes and the spec log, read again only where they changed."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from ckit_daemon.core import layout
from ckit_daemon.core.document import Document, read_yaml, unreadable
from ckit_daemon.core.errors import CkitError
from ckit_daemon.repo.files import Stamp, decode
from ckit_daemon.repo.loader import RACY_NS, Entry
from ckit_daemon.repo.scan import MAX_DEPTH
from ckit_daemon.services.ports import Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ckit_daemon.repo.files import FileReader

_MARKDOWN: Final = (".md", ".markdown", ".mdx")
_NOTES: Final = f"{layout.KIT}/rag/"
_SPEC_LOG: Final = f"{layout.KIT}/spec-log/"
_RULES: Final = ".gitignore"
_EXCLUDE: Final = ".git/info/exclude"
_SKIPPED: Final = frozenset({".git", "node_modules", "generated", ".venv"})
_LONGEST_SECONDS: Final = 300.0
"""After so long all folders are read again: rules of what Git ignores may also stand outside of the repository."""
_OFTEN_SECONDS: Final = 0.05
_SHARE: Final = 0.05
"""A look that takes longer than `_OFTEN_SECONDS` is repeated only so often that it takes this share of the time."""


def _is_markdown(path: str) -> bool:
    return path.lower().endswith(_MARKDOWN)


def _is_template(path: str) -> bool:
    in_builder = path.startswith(f"{layout.BUILDER_TEMPLATES}/") and layout.is_source(path)
    return in_builder or path.lower().endswith(".hbs")


def _is_note(path: str) -> bool:
    return path.startswith(_NOTES) and path.endswith(".jsonl")


def _is_log(path: str) -> bool:
    return path.startswith(_SPEC_LOG) and path.endswith(".json") and "/" not in path[len(_SPEC_LOG) :]


def _is_entity(path: str) -> bool:
    return path.startswith(f"{layout.ENTITIES}/") and layout.is_source(path)


@dataclass(slots=True)
class _Folder:
    """What a folder held when it was last read."""

    stamp: tuple[int, int]
    settled: bool
    """Whether another change would surely change the stamp."""
    folders: list[str] = field(default_factory=list[str])
    files: list[str] = field(default_factory=list[str])
    ignored: list[str] = field(default_factory=list[str])
    """Entities that Git ignores."""
    rules: bool = False
    """Whether it holds rules of what Git ignores."""


class _Looked(NamedTuple):
    """What was found when the folders were looked at."""

    ended: float
    seconds: float
    stamps: dict[str, Stamp]
    ignored: frozenset[str]


class _Walk:
    """Finds the texts below a root, and looks only into folders that changed since the last time."""

    def __init__(self, root: str, ignored: Callable[[str], bool] | None) -> None:
        """Begin; without `ignored`, what Git ignores is found as well."""
        self._root = root
        self._ignored = ignored
        self._known: dict[str, _Folder] = {}
        self._verdicts: dict[str, bool] = {}
        self._rules: dict[str, Stamp] = {}
        self._began = time.monotonic()

    def __call__(self) -> tuple[dict[str, Stamp], frozenset[str]]:
        """The texts with their stamps, and the entities that Git ignores."""
        if time.monotonic() > self._began + _LONGEST_SECONDS or self._rules != self._stamps((*self._rules, _EXCLUDE)):
            self._forget()
        judged = bool(self._verdicts)
        files, ignored, rules = self._walk()
        if judged and rules != self._rules:
            # Files that came with the rules that hide them were judged without these.
            self._forget()
            files, ignored, rules = self._walk()
        self._rules = rules
        return files, ignored

    def _forget(self) -> None:
        self._known.clear()
        self._verdicts.clear()
        self._began = time.monotonic()

    def _walk(self) -> tuple[dict[str, Stamp], frozenset[str], dict[str, Stamp]]:
        seen: dict[str, _Folder] = {}
        files: list[str] = []
        ignored: list[str] = []
        rules = [_EXCLUDE]
        waiting = [""]
        while waiting:
            path = waiting.pop()
            folder = self._folder(path)
            if folder is not None:
                seen[path] = folder
                waiting += folder.folders
                files += folder.files
                ignored += folder.ignored
                rules += [f"{path}{_RULES}"] if folder.rules else []
        self._known = seen
        return self._stamps(files), frozenset(ignored), self._stamps(rules)

    def _stamps(self, paths: Iterable[str]) -> dict[str, Stamp]:
        return {path: stamp for path in paths if (stamp := self._stamp(path))}

    def _stamp(self, path: str) -> Stamp | None:
        try:
            return Stamp.of(os.stat(f"{self._root}/{path}"))  # noqa: PTH116 - a tenth of the time, thousands of times.
        except (OSError, ValueError):
            return None

    def _folder(self, path: str) -> _Folder | None:
        """What stands in a folder, whose path ends with a slash; read again if it may have changed."""
        place = f"{self._root}/{path}"
        try:
            status = os.stat(place)  # noqa: PTH116 - as above.
            stamp = (status.st_mtime_ns, status.st_ino)
            known = self._known.get(path)
            if known is not None and known.settled and known.stamp == stamp:
                return known
            folder = _Folder(stamp, settled=time.time_ns() - stamp[0] > RACY_NS)
            with os.scandir(place) as entries:
                for entry in sorted(entries, key=attrgetter("name")):
                    self._note(entry, path, folder)
        except (OSError, ValueError):
            return None
        return folder

    def _note(self, entry: os.DirEntry[str], path: str, folder: _Folder) -> None:
        name = f"{path}{entry.name}"
        if not name.isascii() and not _is_sendable(name):
            return
        if entry.is_dir(follow_symlinks=False):
            inside = f"{name}/"
            if entry.name not in _SKIPPED and inside.count("/") <= MAX_DEPTH and not self._is_ignored(inside):
                folder.folders.append(inside)
        elif entry.name == _RULES:
            folder.rules = True
        elif _is_markdown(name) or _is_template(name) or _is_note(name) or _is_log(name):
            if not self._is_ignored(name) and entry.is_file():
                folder.files.append(name)
        elif _is_entity(name) and self._is_ignored(name):
            folder.ignored.append(name)

    def _is_ignored(self, path: str) -> bool:
        if self._ignored is None:
            return False
        verdict = self._verdicts.get(path)
        if verdict is None:
            verdict = self._verdicts[path] = self._ignored(path)
        return verdict


def _is_sendable(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


class TextFiles:
    """Reads the texts of one repository; may be used from any thread."""

    def __init__(self, reader: FileReader, ignored: Callable[[str], bool]) -> None:
        """Begin with nothing read.

        Args:
            reader: reads single files.
            ignored: whether Git ignores a path; those of folders end with a slash.
        """
        self._reader = reader
        self._ignored = ignored
        root = os.fspath(reader.root)
        self._walks = {False: _Walk(root, ignored), True: _Walk(root, None)}
        self._looked: dict[bool, _Looked] = {}
        self._read: dict[str, Entry] = {}
        self._unsaved: dict[str, Document] = {}
        self._last: dict[bool, Texts] = {}
        self._lock = threading.Lock()

    def expire(self) -> None:
        """Look at the folders again the next time, however short the time before was."""
        self._looked.clear()

    def prose(self, overlays: Mapping[str, str]) -> dict[str, str]:
        """The text of every Markdown file and template that Git does not ignore, as it is now."""
        self.expire()
        with self._lock:
            stamps, _ = self._look(ignored=False)
            wanted = [path for path in stamps if _is_markdown(path) or _is_template(path)]
            documents = self._documents(wanted, stamps, overlays)
            return {path: document.text for path, document in documents if not document.failures}

    def texts(self, overlays: Mapping[str, str], *, ignored: bool) -> Texts:
        """The texts to search beside the snapshot; see the port."""
        with self._lock:
            stamps, ignored_entities = self._look(ignored=ignored)
            unsaved = (path for path in overlays if path not in stamps and not self._is_left_out(path, ignored=ignored))
            wanted = [path for path in sorted((*stamps, *unsaved)) if not _is_template(path)]
            documents = dict(self._documents(wanted, stamps, overlays))
            last = self._last.get(ignored)
            if last is None or last.ignored != ignored_entities or last.documents != documents:
                last = self._last[ignored] = Texts(documents, ignored_entities)
            return last

    def _look(self, *, ignored: bool) -> tuple[dict[str, Stamp], frozenset[str]]:
        """Find the files, unless that was done a moment ago and takes long."""
        now = time.monotonic()
        looked = self._looked.get(ignored)
        if looked is not None and looked.seconds > _OFTEN_SECONDS and now < looked.ended + looked.seconds / _SHARE:
            return looked.stamps, looked.ignored
        stamps, entities = self._walks[ignored]()
        ended = time.monotonic()
        # The first look has everything to find out, and says nothing about the next one.
        self._looked[ignored] = _Looked(ended, ended - now if looked else 0.0, stamps, entities)
        for path in self._read.keys() - stamps.keys():
            del self._read[path]
        return stamps, entities

    def _documents(
        self, paths: Iterable[str], stamps: Mapping[str, Stamp], overlays: Mapping[str, str]
    ) -> Iterator[tuple[str, Document]]:
        for path in self._unsaved.keys() - overlays.keys():
            del self._unsaved[path]
        for path in paths:
            yield path, self._on_top(path, overlays[path]) if path in overlays else self._on_disk(path, stamps[path])

    def _on_disk(self, path: str, stamp: Stamp) -> Document:
        known = self._read.get(path)
        if known is None or not known.is_current(stamp):
            known = self._read[path] = self._read_again(path, stamp, known)
        return known.document

    def _read_again(self, path: str, stamp: Stamp, known: Entry | None) -> Entry:
        now = time.time_ns()
        try:
            content = self._reader.read(path)
            text = decode(content.data, path)
        except CkitError as error:
            return Entry(stamp, now, unreadable(path, "file.unreadable", error.message))
        same = known is not None and not known.document.failures and known.document.text == text
        return Entry(content.stamp, now, known.document if same and known is not None else _document(path, text))

    def _on_top(self, path: str, text: str) -> Document:
        document = self._unsaved.get(path)
        if document is None or document.text != text:
            saved = self._read.get(path)
            same = saved is not None and not saved.document.failures and saved.document.text == text
            document = saved.document if same and saved is not None else _document(path, text)
            self._unsaved[path] = document
        return document

    def _is_left_out(self, path: str, *, ignored: bool) -> bool:
        """Whether a file that has only unsaved text is none of those that are searched."""
        if not (_is_markdown(path) or _is_note(path) or _is_log(path)):
            return True
        return not _SKIPPED.isdisjoint(path.split("/")) or (not ignored and self._ignored(path))


def _document(path: str, text: str) -> Document:
    # JSON is YAML as well, whose reader also says where things stand.
    return read_yaml(path, text) if _is_log(path) else Document(path, text)
