"""A transaction on files: what it is about to do is on disk before it does it, so that it can always be undone."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from ckit_daemon.repo.disk import replace, sync_file, sync_folder, write_synced


@dataclass(slots=True)
class Step:
    """One file of a transaction; the paths are absolute and real."""

    target: str
    staged: str
    backup: str
    existed: bool
    digest: str
    """SHA-256 of the new content, empty for a removal: tells our own content from somebody's later edit."""

    def stage(self, data: bytes) -> None:
        """Make the backup and write the new content beside the target."""
        target, backup, staged = Path(self.target), Path(self.backup), Path(self.staged)
        if self.existed:
            try:
                backup.hardlink_to(target)
            except OSError:
                # Not every file system knows hard links.
                shutil.copy2(target, backup)
                sync_file(backup)
        if self.digest:
            write_synced(staged, data, new=True)
            if self.existed:
                shutil.copymode(target, staged)
                _copy_owner(target, staged)

    def commit(self) -> None:
        """Put the new content in place of the old."""
        if self.digest:
            replace(Path(self.staged), Path(self.target))
        else:
            Path(self.target).unlink()

    def undo(self, *, renaming: bool) -> None:
        """Restore the target if the transaction changed it and nobody else has since."""
        target, backup = Path(self.target), Path(self.backup)
        if renaming and self._is_done():
            if self.existed:
                replace(backup, target)
            else:
                target.unlink()

    def _is_done(self) -> bool:
        target = Path(self.target)
        if self.existed and not Path(self.backup).exists():
            return False
        try:
            content = target.read_bytes()
        except FileNotFoundError:
            return not self.digest
        return bool(self.digest) and hashlib.sha256(content).hexdigest() == self.digest


@dataclass(slots=True)
class Journal:
    """What a transaction is about to do."""

    pid: Annotated[int, Field(ge=0)]
    started: float
    """When the process was created, since process ids come back."""
    renaming: bool
    """Whether targets may have been touched."""
    folders: list[str]
    """Folders made for new files, the outer ones first."""
    steps: list[Step] = field(default_factory=list[Step])

    @classmethod
    def read(cls, file: Path) -> Journal | None:
        """Read a journal; None for what no transaction wrote."""
        try:
            return TypeAdapter(cls).validate_json(file.read_bytes())
        except ValidationError:
            return None

    def write(self, file: Path) -> None:
        """Write the journal, whole or not at all."""
        temporary = file.with_suffix(".tmp")
        try:
            write_synced(temporary, orjson.dumps(asdict(self)))
            replace(temporary, file)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(file.parent)

    def is_alive(self) -> bool:
        """Whether the process that wrote the journal still runs."""
        import psutil  # noqa: PLC0415 - only what a killed daemon left behind asks for it.

        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.Error:
            return False

    def is_inside(self, root: Path) -> bool:
        """Whether all is about files below `root`; a planted journal must not touch others."""
        paths = [path for step in self.steps for path in (step.target, step.staged, step.backup)]
        return all(Path(path).parent.resolve().is_relative_to(root) for path in (*paths, *self.folders))

    def sync_folders(self) -> None:
        """Have the names of all targets on the disk."""
        for folder in {Path(step.target).parent for step in self.steps}:
            sync_folder(folder)

    def clean(self) -> None:
        """Remove what lies beside the targets."""
        for step in self.steps:
            Path(step.staged).unlink(missing_ok=True)
            Path(step.backup).unlink(missing_ok=True)

    def roll_back(self) -> None:
        """Undo every step that can be undone; raises the first OSError afterwards."""
        failures: list[OSError] = []
        for step in reversed(self.steps):
            try:
                step.undo(renaming=self.renaming)
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        self.clean()
        for folder in reversed(self.folders):
            # Somebody else may have put a file into it.
            with suppress(OSError):
                Path(folder).rmdir()
        if self.renaming:
            self.sync_folders()


def _copy_owner(source: Path, target: Path) -> None:
    if os.name != "nt":
        wanted, given = source.stat(), target.stat()
        if (wanted.st_uid, wanted.st_gid) != (given.st_uid, given.st_gid):
            with suppress(PermissionError):
                os.chown(target, wanted.st_uid, wanted.st_gid)
