"""Paths and file URIs, as clients give them."""

from __future__ import annotations

from pathlib import Path

from pygls import uris

from ckit_daemon.core.errors import InvalidArgumentError


def to_path(path_or_uri: str) -> Path:
    """Read an absolute path or a file URI.

    Raises:
        InvalidArgumentError: it is neither.
    """
    text = path_or_uri
    if text.startswith("file:"):
        text = uris.to_fs_path(text) or ""
    path = Path(text)
    if "\0" in text or not path.is_absolute():
        raise InvalidArgumentError(
            "This is neither an absolute path nor a file URI.", details={"value": path_or_uri[:200]}
        )
    return path
