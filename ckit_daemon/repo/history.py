"""The Git side of a repository: what files said in a commit or in the index.

Everything is read from Git's object store with libgit2, which runs no hook, no filter and no other program that the
repository configures. That is why the owner of the folder doesn't matter here and libgit2's check of it is off.
"""

from __future__ import annotations

import re
import threading
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from ckit_daemon.core import layout
from ckit_daemon.core.document import Document, unreadable
from ckit_daemon.core.entity import read_entity
from ckit_daemon.core.errors import ContentRejectedError, InvalidArgumentError, NotFoundError
from ckit_daemon.repo.files import BOM, decode
from ckit_daemon.repo.loader import document_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pygit2
    from pygit2.index import IndexEntry

DEFAULT_MAX_FILE_BYTES: Final = 5 * 1024 * 1024
_REGULAR: Final = (0o100644, 0o100755)
# What Git takes for a revision, without the forms that search all history with a regular expression.
_REVISION: Final = re.compile(r"[\w./~^@{}+=,-]{1,256}")
_ID_LINE: Final = re.compile(rb"""^(?:id|"id"|'id')[ \t]*:[ \t]+(["']?)([A-Za-z0-9._-]+)\1[ \t]*\r?$""", re.MULTILINE)


class GitHistory:
    """What Git knows about the context repository at `root`, which may be any folder of a working tree."""

    def __init__(self, root: Path, max_file_bytes: int = DEFAULT_MAX_FILE_BYTES) -> None:
        self._root = root
        self._max_file_bytes = max_file_bytes
        self._opened: tuple[pygit2.Repository, str] | None = None
        self._root_is_ignored = False
        # libgit2's objects may be used by one thread at a time.
        self._lock = threading.RLock()
        self._ids: dict[bytes, str] = {}

    @property
    def available(self) -> bool:
        """Whether the repository is under Git at all."""
        with self._lock:
            return self._open() is not None

    def head(self) -> str | None:
        """The commit id that is checked out, None without one."""
        with self._lock:
            opened = self._open()
            if opened is None or opened[0].head_is_unborn:
                return None
            return str(opened[0].head.target)

    def ignored(self, path: str) -> bool:
        """Whether Git ignores a file of the repository; the path of a folder ends with a slash.

        Rules of a Git repository further up that ignores all of this folder say nothing about what is in it.
        """
        with self._lock:
            opened = self._open()
            if opened is None or self._root_is_ignored:
                return False
            return opened[0].path_is_ignored(opened[1] + path)

    def documents_at(self, revision: str, paths: Sequence[str] | None = None) -> Mapping[str, Document]:
        """The source files of a commit (`HEAD`, a branch, a tag, an id) that `paths` name, all by default.

        Raises:
            NotFoundError: no such revision, or no Git.
            InvalidArgumentError: the text can't be a revision.

        """
        with self._lock:
            blobs = self._blobs_at(revision)
            wanted = blobs if paths is None else [path for path in dict.fromkeys(paths) if path in blobs]
            return {path: self._document(path, blobs[path]) for path in wanted}

    def staged_documents(self) -> Mapping[str, Document]:
        """The source files as they stand in the index.

        Raises:
            NotFoundError: no Git.

        """
        with self._lock:
            repository, prefix = self._require()
            index = repository.index
            index.read(force=False)
            blobs = {
                str(entry.path)[len(prefix) :]: entry.id
                for entry in cast("Iterable[IndexEntry]", index)
                if str(entry.path).startswith(prefix) and entry.mode in _REGULAR
            }
            return {path: self._document(path, blob) for path, blob in blobs.items() if layout.is_source(path)}

    def changed_since(self, revision: str, current: Mapping[str, Document]) -> Mapping[str, Document | None]:
        """The files of `current` that differ from `revision`, and those missing from it, with their old documents.

        Line endings and a byte order mark are no difference. Raises as `documents_at`.
        """
        changed: dict[str, Document | None] = {}
        with self._lock:
            blobs = self._blobs_at(revision)
            for path, document in current.items():
                blob = blobs.pop(path, None)
                if document.failures or not layout.is_source(path):
                    continue
                if blob is None:
                    changed[path] = None
                elif not _is_blob(document.text, blob.raw):
                    old = self._document(path, blob)
                    if _with_line_feeds(old.text) != _with_line_feeds(document.text):
                        changed[path] = old
            changed.update((path, self._document(path, blob)) for path, blob in blobs.items())
        return changed

    def ids_on_branches(self) -> frozenset[str]:
        """Entity ids on every local branch, so that a new id collides with none of them."""
        with self._lock:
            opened = self._open()
            if opened is None:
                return frozenset()
            repository, prefix = opened
            found: set[str] = set()
            seen: set[bytes] = set()
            for name in repository.branches.local:
                tree = self._subtree(repository.branches.local[name].peel(_commit_type()).tree, prefix)
                if tree is None or layout.ENTITIES not in tree:
                    continue
                # Branches share most of their folders, so each folder is looked at once.
                for path, blob in _walk(tree[layout.ENTITIES], f"{layout.ENTITIES}/", seen):
                    identifier = self._id_of(path, blob)
                    if identifier:
                        found.add(identifier)
            return frozenset(found)

    # Reading objects

    def _open(self) -> tuple[pygit2.Repository, str] | None:
        """The repository and where the root stands in it, as a prefix of its paths; None without Git."""
        if self._opened is None:
            import pygit2  # noqa: PLC0415 - takes time to load, and a start-up needs no history.

            pygit2.option(pygit2.enums.Option.SET_OWNER_VALIDATION, False)
            try:
                found = pygit2.discover_repository(str(self._root))
                repository = None if found is None else pygit2.Repository(found)
                workdir = None if repository is None else repository.workdir
                if repository is None or workdir is None:
                    return None
                inside = self._root.relative_to(Path(workdir).resolve()).as_posix()
            except (pygit2.GitError, ValueError):
                # Damaged, of an unknown format, or a working tree that is elsewhere: as good as no Git.
                return None
            self._opened = repository, "" if inside == "." else f"{inside}/"
            self._root_is_ignored = inside != "." and repository.path_is_ignored(f"{inside}/")
        return self._opened

    def _require(self) -> tuple[pygit2.Repository, str]:
        opened = self._open()
        if opened is None:
            raise NotFoundError("The repository is not under Git.", details={"kind": "git"})
        return opened

    def _blobs_at(self, revision: str) -> dict[str, pygit2.Oid]:
        import pygit2  # noqa: PLC0415 - as above.

        repository, prefix = self._require()
        if not _REVISION.fullmatch(revision) or "{/" in revision or revision.startswith("-"):
            raise InvalidArgumentError("The text is no revision.", details={"revision": revision[:256]})
        try:
            commit = repository.revparse_single(revision).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError) as error:
            message = f"There is no revision {revision!r}."
            raise NotFoundError(message, details={"kind": "revision", "revision": revision}) from error
        tree = self._subtree(commit.tree, prefix)
        if tree is None:
            return {}
        folders = {folder.split("/", 1)[0] for folder in layout.SOURCES}
        return {
            path: blob
            for folder in sorted(folders)
            if folder in tree
            for path, blob in _walk(tree[folder], f"{folder}/")
        }

    @staticmethod
    def _subtree(tree: pygit2.Tree, prefix: str) -> pygit2.Tree | None:
        if not prefix:
            return tree
        try:
            found = tree[prefix.rstrip("/")]
        except KeyError:
            return None
        return cast("pygit2.Tree", found) if found.type_str == "tree" else None

    def _bytes(self, path: str, blob: pygit2.Oid) -> bytes:
        found = cast("pygit2.Blob", self._require()[0][blob])
        if found.size > self._max_file_bytes:
            message = f"{path!r} is not read: the file has {found.size} bytes, and at most {self._max_file_bytes} are."
            raise ContentRejectedError(message, details={"path": path, "reason": "file.too-large"})
        return found.data

    def _document(self, path: str, blob: pygit2.Oid) -> Document:
        try:
            return document_of(path, decode(self._bytes(path, blob), path))
        except ContentRejectedError as error:
            return unreadable(path, str(error.details["reason"]), error.message)

    def _id_of(self, path: str, blob: pygit2.Oid) -> str:
        """The id that a file defines, remembered since a blob never changes."""
        known = self._ids.get(blob.raw)
        if known is None:
            try:
                data = self._bytes(path, blob)
            except ContentRejectedError:
                data = b""
            match = _ID_LINE.search(data)
            if match is not None:
                known = match[2].decode()
            else:
                entity = read_entity("unknown", self._document(path, blob)) if data else None
                known = entity.id if entity else ""
            self._ids[blob.raw] = known
        return known


def _commit_type() -> type[pygit2.Commit]:
    import pygit2  # noqa: PLC0415 - as above.

    return pygit2.Commit


def _walk(folder: pygit2.Object, prefix: str, seen: set[bytes] | None = None) -> Iterator[tuple[str, pygit2.Oid]]:
    """Yield the source files below a folder; folders whose ids are in `seen` are left out, and new ones noted there."""
    waiting = [(folder, prefix)]
    while waiting:
        tree, path = waiting.pop()
        if tree.type_str != "tree" or (seen is not None and tree.id.raw in seen):
            continue
        if seen is not None:
            seen.add(tree.id.raw)
        for entry in cast("pygit2.Tree", tree):
            name = f"{path}{entry.name}"
            if entry.type_str == "tree":
                waiting.append((entry, f"{name}/"))
            elif entry.filemode in _REGULAR and layout.is_source(name):
                yield name, entry.id


def _is_blob(text: str, blob: bytes) -> bool:
    """Whether Git would store a text under this id, as it is, with LF line endings or with a byte order mark."""
    data = text.encode("utf-8", "surrogatepass")
    if _blob_id(data) == blob:
        return True
    return (b"\r" in data and _blob_id(data.replace(b"\r\n", b"\n")) == blob) or _blob_id(BOM + data) == blob


def _blob_id(data: bytes) -> bytes:
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n") if "\r" in text else text
