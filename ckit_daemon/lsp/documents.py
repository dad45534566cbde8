"""What the URIs of an editor mean on this machine."""

from __future__ import annotations

from pathlib import Path

from pygls import uris


def local_path(uri: str) -> Path | None:
    """The file or folder of a URI, its folder's symbolic links resolved; None for what no file system here holds."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    if path is None or "\0" in path:
        return None
    # Repositories know their root with links resolved; an editor may have come by a link.
    return Path(path).parent.resolve() / Path(path).name
