"""The texts beside the entities that may mention them: Markdown and templates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.errors import CkitError
from ckit_daemon.repo.files import decode
from ckit_daemon.repo.scan import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckit_daemon.repo.files import FileReader

_SUFFIXES: Final = (".md", ".markdown", ".mdx", ".hbs")
_SKIPPED: Final = frozenset({".git", "node_modules", "generated", ".venv"})


def read_prose(reader: FileReader, ignored: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield path and text of every Markdown file and template that Git does not ignore, in the order of folders.

    Files that can't be read as text are left out: they mention nobody.
    """
    for folder, names, files in os.walk(reader.root):
        inside = os.path.relpath(folder, reader.root).replace(os.sep, "/")
        prefix = "" if inside == "." else f"{inside}/"
        if inside.count("/") > MAX_DEPTH:
            names.clear()
        names[:] = sorted(name for name in names if name not in _SKIPPED and not ignored(f"{prefix}{name}/"))
        for name in sorted(files):
            path = f"{prefix}{name}"
            if not _is_prose(path) or ignored(path):
                continue
            try:
                text = decode(reader.read(path).data, path)
            except CkitError:
                continue
            yield path, text


def _is_prose(path: str) -> bool:
    in_builder = path.startswith(f"{layout.BUILDER_TEMPLATES}/") and layout.is_source(path)
    return in_builder or path.lower().endswith(_SUFFIXES)
