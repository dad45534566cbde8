"""Which names a client may use for a file of a repository."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import PathNotAllowedError

if TYPE_CHECKING:
    from pathlib import Path

MAX_PATH_LENGTH: Final = 4096
_MAX_SHOWN: Final = 200
_DRIVE = re.compile(r"[A-Za-z]:")
# Windows opens these as devices in whatever folder they stand, with any extension.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


def normalise(path: str) -> str:
    """Return a path relative to the repository with forward slashes and without empty or `.` steps.

    Raises:
        PathNotAllowedError: the path is absolute, climbs, names `.git` in any spelling, or no file could have it.
    """
    if len(path) > MAX_PATH_LENGTH:
        raise refuse(path, f"is longer than {MAX_PATH_LENGTH} characters")
    if "\0" in path:
        raise refuse(path, "holds a NUL character")
    if "\\" in path:
        raise refuse(path, "holds a backslash; folders are separated by '/'")
    if path.startswith("/") or _DRIVE.match(path):
        raise refuse(path, "is not relative to the repository")
    steps = [step for step in path.split("/") if step not in {"", "."}]
    if not steps:
        raise refuse(path, "names no file")
    for step in steps:
        if step == "..":
            raise refuse(path, "climbs with '..'")
        if is_git_folder(step):
            raise refuse(path, "lies in Git's own folder")
        if os.name == "nt" and (":" in step or step[-1] in ". " or _DEVICES.match(step)):
            raise refuse(path, "is no file name on Windows")
    normal = "/".join(steps)
    if not normal.isascii() and any(0xD800 <= ord(character) <= 0xDFFF for character in normal):
        raise refuse(path, "is not valid Unicode")
    return normal


def is_usable(path: str) -> bool:
    """Whether `normalise` takes a path."""
    try:
        normalise(path)
    except PathNotAllowedError:
        return False
    return True


def is_git_folder(name: str) -> bool:
    """Whether some file system takes `name` for `.git`.

    macOS ignores case and invisible characters, Windows case, trailing dots, blanks and streams, and it has a short
    name for the folder (CVE-2014-9390).
    """
    if len(name) < 4 or (name[0] not in ".gG" and name.isascii()):
        return False
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return visible.partition(":")[0].rstrip(". ").casefold() in {".git", "git~1"}


def contained(root: Path, path: str) -> Path:
    """Return where a normal path leads once symbolic links are followed; the file need not exist.

    Raises:
        PathNotAllowedError: it leads out of `root`, in circles, or into Git's own folder.
    """
    try:
        real = (root / path).resolve()
    except (OSError, RuntimeError) as error:
        raise refuse(path, "leads nowhere") from error
    if not real.is_relative_to(root):
        raise refuse(path, "leads out of the repository")
    steps = real.relative_to(root).parts
    if not steps or any(is_git_folder(step) for step in steps):
        raise refuse(path, "leads into Git's own folder" if steps else "names no file")
    return real


def refuse(path: str, reason: str) -> PathNotAllowedError:
    """Make the error for a path that is not allowed; what it shows of the path is short and printable."""
    shown = path if len(path) <= _MAX_SHOWN else f"{path[:_MAX_SHOWN]}…"
    shown = shown.encode("utf-8", "replace").decode().replace("\0", "␀")
    return PathNotAllowedError(f"The path {shown!r} {reason}.", details={"path": shown})
