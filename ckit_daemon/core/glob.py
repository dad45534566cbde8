"""Globs over paths that are relative to a repository."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the steps of a path fit the steps of a glob; `**` stands for any number of steps, also for none."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(matches(path[start:], pattern[1:]) for start in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and matches(path[1:], pattern[1:])


def fits(path: str, pattern: str) -> bool:
    """Whether a path with forward slashes fits a glob."""
    return pattern == "**" or matches(path.split("/"), pattern.split("/"))
