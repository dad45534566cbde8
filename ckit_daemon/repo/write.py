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
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from ckit_daemon.core.errors import ConflictError, ContentRejectedError, InvalidArgumentError, StorageError
from ckit_daemon.repo.files import BOM, FileReader, decode
from ckit_daemon.repo.journal import Journal, Step
from ckit_daemon.repo.paths import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.services.ports import FileChange

_PREFIX: Final = ".ckit-"
_JOURNAL_SUFFIX: Final = ".journal"
_DONE_SUFFIX: Final = ".done"
"""A journal that is renamed to this has nothing to undo, only backups to remove: the rename is the commit."""
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


class FileWriter:
    """Applies changes to the files that a reader reads."""

    def __init__(self, reader: FileReader) -> None:
        self._reader = reader

    def apply(self, changes: Sequence[FileChange]) -> None:
        """Write all files or none; permissions, byte order mark and CRLF line endings of existing files stay.

        Raises:
            ConflictError: a file does not hold what was expected, or vanished meanwhile.
            InvalidArgumentError: two changes are about one file.
            ContentRejectedError: a text is too large or is no Unicode.
            PathNotAllowedError: as for reading.
            StorageError: the disk refused; every file is as it was.
        """
        token = secrets.token_hex(6)
        planned = [self._plan(change, f"{token}-{number}") for number, change in enumerate(changes)]
        if len({step.target for step, _ in planned}) != len(planned):
            raise InvalidArgumentError("Two changes are about the same file.")
        import psutil  # noqa: PLC0415 - opening a repository need not wait for it.

        journal = Journal(os.getpid(), psutil.Process().create_time(), renaming=False, folders=[])
        journal.steps = [step for step, _ in planned if step.existed or step.digest]
        journal.folders = _missing_folders(step.target for step in journal.steps if step.digest)
        if not journal.steps:
            return
        file = self._reader.root / f"{_PREFIX}{token}{_JOURNAL_SUFFIX}"
        try:
            journal.write(file)
            try:
                for folder in journal.folders:
                    Path(folder).mkdir(exist_ok=True)
                for step, data in planned:
                    if step in journal.steps:
                        step.stage(data)
                journal.renaming = True
                journal.write(file)
                for step in journal.steps:
                    step.commit()
                journal.sync_folders()
            except BaseException:
                _undo(journal, file)
                raise
            done = file.replace(file.with_suffix(_DONE_SUFFIX))
        except FileNotFoundError as error:
            # Its file or folder was there when the change was planned, so that somebody else has removed it since.
            raise _vanished(error, self._reader.root) from error
        except OSError as error:
            raise _storage_error(error, self._reader.root) from error
        # The change is complete; a backup that can't go now goes when the repository is opened.
        with suppress(OSError):
            journal.clean()
            done.unlink()

    def recover(self) -> int:
        """Undo what killed runs left half done, and return how many there were.

        A file that somebody edited since then is left alone, and so is what another living process is doing.
        """
        recovered = 0
        root = self._reader.root
        for file in sorted(root.glob(f"{_PREFIX}*")):
            # What can't be read or undone stays for the next time; it must not keep anybody from reading.
            with suppress(OSError):
                if file.suffix == ".tmp" and time.time() - file.stat().st_mtime > _ABANDONED_SECONDS:
                    file.unlink()
                if file.suffix not in {_JOURNAL_SUFFIX, _DONE_SUFFIX}:
                    continue
                journal = Journal.read(file)
                if journal is not None:
                    if journal.is_alive() or not journal.is_inside(root):
                        continue
                    if file.suffix == _JOURNAL_SUFFIX:
                        journal.roll_back()
                        recovered += 1
                    else:
                        journal.clean()
                file.unlink()
        return recovered

    def _plan(self, change: FileChange, token: str) -> tuple[Step, bytes]:
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
        name = f"{target.parent}{os.sep}{_PREFIX}{token}"
        digest = "" if change.new_text is None else hashlib.sha256(data).hexdigest()
        return Step(os.fspath(target), f"{name}.new", f"{name}.old", existed, digest), data

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


def _missing_folders(targets: Iterable[str]) -> list[str]:
    missing: set[Path] = set()
    for target in targets:
        missing.update(parent for parent in Path(target).parents if not parent.exists())
    return [os.fspath(folder) for folder in sorted(missing)]


def _undo(journal: Journal, file: Path) -> None:
    try:
        journal.roll_back()
        file.unlink(missing_ok=True)
    except OSError as error:
        message = "The change failed and is only partly undone; the next start of the daemon undoes the rest."
        raise StorageError(message, details={"reason": error.strerror}) from error


def _vanished(error: FileNotFoundError, root: Path) -> ConflictError:
    return ConflictError(f"A file{_place(error, root)} was removed by somebody else; nothing was written.")


def _storage_error(error: OSError, root: Path) -> StorageError:
    reason = _REASONS.get(error.errno or 0, error.strerror or "the file system refused")
    return StorageError(f"Nothing was written{_place(error, root)}: {reason}.", details={"reason": reason})


def _place(error: OSError, root: Path) -> str:
    place = Path(os.fspath(cast("str", error.filename))) if error.filename else None
    return f" in {place.parent.relative_to(root).as_posix()!r}" if place and place.is_relative_to(root) else ""
