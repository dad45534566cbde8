"""Changing several files of a repository: all of them or none, whatever fails and whenever the process ends.

A journal in the root folder names every file before anything is touched. New contents and backups are made beside
their targets; only when all are safely on disk are the new ones renamed into place. A journal that is still there
when the repository is opened belongs to a run that was killed, and is rolled back.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import orjson
import psutil
from pydantic import Field, TypeAdapter, ValidationError

from ckit_daemon.core.errors import ConflictError, ContentRejectedError, InvalidArgumentError, StorageError
from ckit_daemon.repo.files import BOM, FileReader, decode
from ckit_daemon.repo.paths import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.services.ports import FileChange

_PREFIX: Final = ".ckit-"
_JOURNAL_SUFFIX: Final = ".journal"
_ABANDONED_SECONDS: Final = 60
_MAX_NAME_BYTES: Final = 255
_REASONS: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the disk takes no file of this size",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "there is no permission to write there",
    errno.EPERM: "there is no permission to write there",
}
_WINDOWS_ATTEMPTS: Final = 20
_WINDOWS_PAUSE_SECONDS: Final = 0.025


@dataclass(slots=True)
class _Step:
    """One file of a transaction; the paths are absolute and real."""

    target: str
    staged: str
    backup: str
    existed: bool
    digest: str
    """SHA-256 of the new content, empty for a removal: tells our own content from somebody's later edit."""


@dataclass(slots=True)
class _Journal:
    """What a transaction is about to do."""

    pid: Annotated[int, Field(ge=0)]
    started: float
    """When the process was created, since process ids come back."""
    renaming: bool
    """Whether targets may have been touched."""
    folders: list[str]
    """Folders made for new files, the outer ones first."""
    steps: list[_Step] = field(default_factory=list[_Step])


class FileWriter:
    """Applies changes to the files that a reader reads."""

    def __init__(self, reader: FileReader) -> None:
        self._reader = reader

    def apply(self, changes: Sequence[FileChange]) -> None:
        """Write all files or none; permissions, byte order mark and CRLF line endings of existing files stay.

        Raises:
            ConflictError: a file does not hold what was expected.
            InvalidArgumentError: two changes are about one file.
            ContentRejectedError: a text is too large or is no Unicode.
            PathNotAllowedError: as for reading.
            StorageError: the disk refused; every file is as it was.
        """
        token = secrets.token_hex(6)
        planned = [self._plan(change, token) for change in changes]
        if len({step.target for step, _ in planned}) != len(planned):
            raise InvalidArgumentError("Two changes are about the same file.")
        journal = _Journal(os.getpid(), psutil.Process().create_time(), renaming=False, folders=[])
        journal.steps = [step for step, _ in planned if step.existed or step.digest]
        journal.folders = _missing_folders(step.target for step in journal.steps if step.digest)
        if not journal.steps:
            return
        file = self._reader.root / f"{_PREFIX}{token}{_JOURNAL_SUFFIX}"
        try:
            _write_journal(file, journal)
            try:
                for folder in journal.folders:
                    Path(folder).mkdir(exist_ok=True)
                for step, data in planned:
                    if step in journal.steps:
                        _stage(step, data)
                journal.renaming = True
                _write_journal(file, journal)
                for step in journal.steps:
                    _commit(step)
                _sync_folders(journal)
            except BaseException:
                _undo(journal, file)
                raise
            file.unlink()
        except OSError as error:
            raise _storage_error(error, self._reader.root) from error
        for step in journal.steps:
            # The change is complete; a backup that can't go now is only a file too many.
            with suppress(OSError):
                Path(step.backup).unlink(missing_ok=True)

    def recover(self) -> int:
        """Undo what killed runs left half done, and return how many there were.

        A file that somebody edited since then is left alone, and so is what another living process is doing.
        """
        recovered = 0
        for file in self._reader.root.glob(f"{_PREFIX}*.tmp"):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > _ABANDONED_SECONDS:
                    file.unlink()
        for file in self._reader.root.glob(f"{_PREFIX}*{_JOURNAL_SUFFIX}"):
            # A journal that can't be read or undone stays for the next time; it must not keep anybody from reading.
            with suppress(OSError):
                journal = _read_journal(file)
                if journal is not None:
                    if _is_alive(journal) or not self._is_inside(journal):
                        continue
                    _roll_back(journal)
                file.unlink()
                recovered += 1
        return recovered

    def _plan(self, change: FileChange, token: str) -> tuple[_Step, bytes]:
        target = self._reader.locate(change.path)
        existed = os.path.lexists(target)
        if len(os.fsencode(target.name)) > _MAX_NAME_BYTES:
            raise refuse(change.path, f"has a name of more than {_MAX_NAME_BYTES} bytes")
        if any(parent.exists() and not parent.is_dir() for parent in target.parents):
            raise refuse(change.path, "lies below a file")
        old = self._reader.read(change.path).data if existed else None
        current = None if old is None else decode(old, change.path)
        if current != change.expected_text:
            what = "exists already" if change.expected_text is None else "changed" if existed else "is gone"
            raise ConflictError(f"{change.path!r} {what}; nothing was written.", details={"path": change.path})
        data = b"" if change.new_text is None else self._encode(change.path, change.new_text, old)
        name = f"{target.parent}{os.sep}{_PREFIX}{token}-{target.name[:100]}"
        digest = "" if change.new_text is None else hashlib.sha256(data).hexdigest()
        return _Step(os.fspath(target), f"{name}.new", f"{name}.old", existed, digest), data

    def _encode(self, path: str, text: str, old: bytes | None) -> bytes:
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise ContentRejectedError(f"The text for {path!r} is not valid Unicode.") from error
        if old is not None:
            if b"\r\n" in old and old.count(b"\n") == old.count(b"\r\n"):
                data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            if old.startswith(BOM):
                data = BOM + data
        if len(data) > self._reader.max_bytes:
            message = f"The text for {path!r} has {len(data)} bytes; at most {self._reader.max_bytes} are allowed."
            raise ContentRejectedError(message, details={"path": path})
        return data

    def _is_inside(self, journal: _Journal) -> bool:
        """Whether a journal is about this repository; a planted one must not touch other files."""
        root = self._reader.root
        paths = [path for step in journal.steps for path in (step.target, step.staged, step.backup)]
        return all(Path(path).parent.resolve().is_relative_to(root) for path in (*paths, *journal.folders))


def _missing_folders(targets: Iterable[str]) -> list[str]:
    missing: set[Path] = set()
    for target in targets:
        missing.update(parent for parent in Path(target).parents if not parent.exists())
    return [os.fspath(folder) for folder in sorted(missing)]


def _write_journal(file: Path, journal: _Journal) -> None:
    temporary = file.with_suffix(".tmp")
    try:
        _write_synced(temporary, orjson.dumps(asdict(journal)))
        _replace(temporary, file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(file.parent)


def _read_journal(file: Path) -> _Journal | None:
    """Read a journal; None for what no transaction wrote."""
    try:
        return TypeAdapter(_Journal).validate_json(file.read_bytes())
    except ValidationError:
        return None


def _is_alive(journal: _Journal) -> bool:
    try:
        return abs(psutil.Process(journal.pid).create_time() - journal.started) < 1
    except psutil.Error:
        return False


def _stage(step: _Step, data: bytes) -> None:
    target, backup = Path(step.target), Path(step.backup)
    if step.existed:
        try:
            backup.hardlink_to(target)
        except OSError:
            # Not every file system knows hard links.
            shutil.copy2(target, backup)
            _sync_file(backup)
    if step.digest:
        staged = Path(step.staged)
        _write_synced(staged, data)
        if step.existed:
            shutil.copymode(target, staged)
            _copy_owner(target, staged)


def _copy_owner(source: Path, target: Path) -> None:
    if os.name != "nt":
        wanted, given = source.stat(), target.stat()
        if (wanted.st_uid, wanted.st_gid) != (given.st_uid, given.st_gid):
            with suppress(PermissionError):
                os.chown(target, wanted.st_uid, wanted.st_gid)


def _commit(step: _Step) -> None:
    if step.digest:
        _replace(Path(step.staged), Path(step.target))
    else:
        Path(step.target).unlink()


def _undo(journal: _Journal, file: Path) -> None:
    try:
        _roll_back(journal)
        file.unlink(missing_ok=True)
    except OSError as error:
        message = "The change failed and is only partly undone; opening the repository again undoes the rest."
        raise StorageError(message, details={"reason": error.strerror}) from error


def _roll_back(journal: _Journal) -> None:
    """Undo every step that can be undone; raises the first OSError afterwards."""
    failures: list[OSError] = []
    for step in reversed(journal.steps):
        try:
            _undo_step(step, renaming=journal.renaming)
        except OSError as error:
            failures.append(error)
    for folder in reversed(journal.folders):
        # Somebody else may have put a file into it.
        with suppress(OSError):
            Path(folder).rmdir()
    if failures:
        raise failures[0]
    if journal.renaming:
        _sync_folders(journal)


def _undo_step(step: _Step, *, renaming: bool) -> None:
    target, backup, staged = Path(step.target), Path(step.backup), Path(step.staged)
    if renaming and _is_ours(step):
        if step.existed:
            _replace(backup, target)
        else:
            target.unlink()
    staged.unlink(missing_ok=True)
    backup.unlink(missing_ok=True)


def _is_ours(step: _Step) -> bool:
    """Whether the target is as the transaction left it, so that undoing harms nobody's later work."""
    target = Path(step.target)
    if step.existed and not Path(step.backup).exists():
        return False
    if not target.exists():
        return not step.digest
    return bool(step.digest) and hashlib.sha256(target.read_bytes()).hexdigest() == step.digest


def _write_synced(file: Path, data: bytes) -> None:
    with file.open("xb" if file.suffix == ".new" else "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_file(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folders(journal: _Journal) -> None:
    for folder in {Path(step.target).parent for step in journal.steps}:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    # Windows has no such call; its file systems keep the order of renames in a log.
    if os.name != "nt" and folder.exists():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(source: Path, target: Path) -> None:
    """Rename over `target`. On Windows a virus scanner or indexer may hold it open for a moment."""
    for attempt in range(_WINDOWS_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if os.name != "nt" or attempt == _WINDOWS_ATTEMPTS - 1:
                raise
            time.sleep(_WINDOWS_PAUSE_SECONDS)
        else:
            return


def _storage_error(error: OSError, root: Path) -> StorageError:
    reason = _REASONS.get(error.errno or 0, error.strerror or "the file system refused")
    place = Path(os.fspath(cast("str", error.filename))) if error.filename else None
    where = f" in {place.parent.relative_to(root).as_posix()!r}" if place and place.is_relative_to(root) else ""
    return StorageError(f"Nothing was written{where}: {reason}.", details={"reason": reason})
