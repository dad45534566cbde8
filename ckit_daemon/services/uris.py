"""File URIs, as editors write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygls import uris

if TYPE_CHECKING:
    from pathlib import Path


def to_uri(path: Path) -> str:
    """Write a path as a file URI."""
    return uris.from_fs_path(str(path)) or path.as_uri()
