"""What the services need from the outside world. `ckit_daemon.repo` implements these; only `app` knows that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class FileContent:
    """A text file of a repository, or the part of it that was asked for."""

    path: str
    text: str
    size: int
    """Bytes of the whole file."""
    lines: int
    """Lines of the whole file."""
    first_line: int
    """0-based number of the first line in `text`."""
    truncated: bool
    line_ending: Literal["lf", "crlf", "mixed"]
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """The texts of a repository that are beside its snapshot, at one moment."""

    documents: Mapping[str, Document]
    """Markdown, notes (`.context-kit/rag/*.jsonl`) and entries of the spec log, by path and in the order of the paths;
    one that did not change is the same object as before. Unsaved text first; what can't be read is empty, and its
    `failures` say why."""
    ignored: frozenset[str]
    """Entities that Git ignores, by path; empty where ignored files were asked for."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file to be written, made or removed."""

    path: str
    new_text: str | None
    """The whole new text; None removes the file."""
    expected_text: str | None
    """What the file must hold now, None for a file that must not exist: otherwise the change is refused."""


@dataclass(frozen=True, slots=True)
class SnapshotChange:
    """One step from a snapshot to the next."""

    before: Snapshot
    after: Snapshot
    paths: frozenset[str]


class History(Protocol):
    """The Git side of a repository. Reads only, runs no hook and no program that the repository configures."""

    @property
    def available(self) -> bool:
        """Whether the repository is under Git at all."""
        ...

    def head(self) -> str | None:
        """The commit id that is checked out, None without one."""
        ...

    def documents_at(self, revision: str, paths: Sequence[str] | None = None) -> Mapping[str, Document]:
        """The source files of a commit (`HEAD`, a branch, a tag, an id) that `paths` name, all by default.

        Raises:
            NotFoundError: no such revision, or no Git.
        """
        ...

    def staged_documents(self) -> Mapping[str, Document]:
        """The source files as they stand in the index.

        Raises:
            NotFoundError: no Git.
        """
        ...

    def changed_since(self, revision: str, current: Mapping[str, Document]) -> Mapping[str, Document | None]:
        """The files of `current` that differ from `revision`, and those missing from it, with their old documents."""
        ...

    def ids_on_branches(self) -> frozenset[str]:
        """Entity ids on every local branch, so that a new id collides with none of them."""
        ...


class Repository(Protocol):
    """An open repository: its current snapshot, kept fresh, and the only way to change its files."""

    @property
    def id(self) -> str:
        """A short stable name, the same for the same folder in every run."""
        ...

    @property
    def root(self) -> Path:
        """The folder, with symbolic links resolved."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """The newest complete picture, unsaved editor buffers included."""
        ...

    @property
    def history(self) -> History:
        """The Git side."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it is kept fresh no longer, and changes no file any more."""
        ...

    @property
    def overlays(self) -> frozenset[str]:
        """The files whose unsaved text lies over the disk."""
        ...

    def read_file(self, path: str, *, start_line: int = 0, max_lines: int | None = None) -> FileContent:
        """Read a text file anywhere in the repository (not in `.git`), unsaved text first.

        Raises:
            PathNotAllowedError: the path is absolute, leaves the repository (also through a link) or holds a NUL.
            NotFoundError: there is no such file.
            ContentRejectedError: the file is too large, binary or not UTF-8.
        """
        ...

    def disk_text(self, path: str) -> str | None:
        """The text on disk without its byte order mark, None where there is no file. Raises as `read_file`."""
        ...

    def real_path(self, path: str) -> str:
        """Where a file really is once links are followed, relative to the root; it need not exist.

        Raises:
            PathNotAllowedError: that is outside, or no file could be there.
        """
        ...

    def prose(self) -> Mapping[str, str]:
        """The text of every Markdown file and template of the repository that Git does not ignore, by path."""
        ...

    def texts(self, *, ignored: bool = False) -> Texts:
        """Texts to search beside the snapshot's; reads what changed, and returns the same object where nothing did.

        Where looking at all folders takes long, it is not done so often that it takes more than a small share of time.

        Args:
            ignored: take what Git ignores as well.
        """
        ...

    async def refresh(self, paths: Sequence[str] | None = None, progress: Progress | None = None) -> SnapshotChange:
        """Read files again that may have changed on disk: these, or whatever a scan finds changed."""
        ...

    async def overlay(self, path: str, text: str | None) -> SnapshotChange:
        """Lay an editor's unsaved text over a file; None takes it away."""
        ...

    async def apply(self, changes: Sequence[FileChange]) -> SnapshotChange:
        """Write all files or none.

        Raises:
            ConflictError: a file does not hold what was expected.
            PathNotAllowedError: as for `read_file`.
            StorageError: the disk refused; every file is as it was.
        """
        ...

    def subscribe(self, listener: Callable[[SnapshotChange], None]) -> Callable[[], None]:
        """Call `listener` on the event loop after every change; the returned function ends that."""
        ...

    @property
    def watching(self) -> bool:
        """Whether the folder is watched for changes."""
        ...

    async def watch(self) -> None:
        """Begin to watch the folder and refresh what changes in it; does nothing where that is done already."""
        ...

    async def aclose(self) -> None:
        """Stop watching and save the parse cache."""
        ...


class ProcessTrees(Protocol):
    """Ends processes with everything that they started, at the latest when the daemon ends."""

    def add(self, pid: int) -> None:
        """Register a child process that leads a session of its own."""
        ...

    def end(self, pid: int, grace_seconds: float) -> None:
        """End a registered process and everything that it started; blocks for the grace period at most."""
        ...
