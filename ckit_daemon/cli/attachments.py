"""What a person points at on the command line: entities, files, and lines of files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ckit_daemon.cli.errors import CommandError
from ckit_daemon.wire.session import EntityAttachment, FileAttachment, SelectionAttachment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.cli.session import Session
    from ckit_daemon.wire.session import Attachment

_LINES: Final = re.compile(r"(?P<file>.+):(?P<first>\d+)(?:-(?P<last>\d+))?")


def read(opened: Session, named: Iterable[str]) -> list[Attachment]:
    """Return attachments by what a person calls them: an existing file, lines of one (`FILE:10-20`), or an id.

    Raises:
        CommandError: a file is outside of the repository or no text, or has no such lines.
    """
    return [_one(opened, each) for each in named]


def _one(opened: Session, name: str) -> Attachment:
    if (path := _found(opened, name)) is not None:
        return FileAttachment(kind="file", path=_inside(opened, path))
    lines = _LINES.fullmatch(name)
    if lines is not None and (path := _found(opened, lines["file"])) is not None:
        return _selection(opened, path, int(lines["first"]), int(lines["last"] or lines["first"]))
    if "/" in name or os.sep in name:
        raise CommandError(f"There is no file '{name}'.", code="not_found")
    return EntityAttachment(kind="entity", id=name)


def _found(opened: Session, name: str) -> Path | None:
    """The file of this name, seen from here or from the root of the repository; one of the repository first."""
    root = Path(opened.root)
    found = [path for path in (Path(name), root / name) if path.is_file()]
    inside = [path for path in found if path.resolve().is_relative_to(root.resolve())]
    return next(iter([*inside, *found]), None)


def _inside(opened: Session, path: Path) -> str:
    try:
        return path.resolve().relative_to(Path(opened.root).resolve()).as_posix()
    except ValueError as error:
        message = f"'{path}' is outside of the repository; only its own files can be attached."
        raise CommandError(message, code="path_not_allowed") from error


def _selection(opened: Session, path: Path, first: int, last: int) -> SelectionAttachment:
    inside = _inside(opened, path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise CommandError(f"{inside} is no text in UTF-8.", code="content_rejected") from error
    if not 1 <= first <= last <= len(lines):
        raise CommandError(f"{inside} has the lines 1 to {len(lines)}, not {first} to {last}.", code="usage")
    text = "".join(lines[first - 1 : last])
    return SelectionAttachment(kind="selection", path=inside, start_line=first - 1, end_line=last - 1, text=text)
