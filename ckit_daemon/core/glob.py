"""Globs over paths that are relative to a repository."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the steps of a path fit the steps of a glob; `**` stands for any number of steps, also for none."""
    # How many steps of the path the glob may have taken by now. To try each of them anew for each `**` would take more
    # time than there is, and globs come from a repository's own settings, too.
    taken = {0}
    for part in pattern:
        if part == "**":
            taken = set(range(min(taken, default=len(path) + 1), len(path) + 1))
        else:
            taken = {count + 1 for count in taken if count < len(path) and fnmatchcase(path[count], part)}
    return len(path) in taken


def fits(path: str, pattern: str) -> bool:
    """Whether a path with forward slashes fits a glob."""
    return pattern == "**" or matches(path.split("/"), pattern.split("/"))
