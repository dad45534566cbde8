"""Document links: files that YAML names by their paths, and entities that Markdown mentions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.core.mentions import is_telling, words_in
from ckit_daemon.core.text import Position, Range
from ckit_daemon.lsp.target import is_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckit_daemon.core.document import Document
    from ckit_daemon.lsp.context import View

_PATH: Final = re.compile(r"(?<![\w./@-])(?:[\w@.-]+/)*[\w@-][\w@.-]*\.\w+(?![\w/-])")
# A scheme has a bound, or a long line of letters would be read again from each of them.
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,63}://\S*")


def document_links(
    view: View,
    document: Document,
    params: types.DocumentLinkParams,  # noqa: ARG001 - every feature gets its params.
) -> list[types.DocumentLink]:
    """Answer `textDocument/documentLink`."""
    convert = view.convert
    if is_yaml(document.path):
        return [
            types.DocumentLink(convert.range(where, document), convert.uri(path), tooltip=path)
            for where, path in _files(view, document)
        ]
    links: list[types.DocumentLink] = []
    for word, where in words_in(document.lines):
        entity = view.snapshot.get(word) if is_telling(word) else None
        if entity is not None:
            tooltip = f"{entity.id} {entity.title or ''}".rstrip()
            links.append(types.DocumentLink(convert.range(where, document), convert.uri(entity.path), tooltip=tooltip))
    return links


def file_at(view: View, document: Document, position: Position) -> tuple[Range, str] | None:
    """The file that is named at a position, with where it is named."""
    for where, path in _files(view, document, position.line):
        if where.start <= position <= where.end:
            return where, path
    return None


def _files(view: View, document: Document, only: int | None = None) -> Iterator[tuple[Range, str]]:
    """Yield what names a file of the repository, by its path from the root."""
    root = view.repository.store.root
    known: dict[str, bool] = {}
    for number, line in enumerate(document.lines):
        if only not in {None, number}:
            continue
        for path, start in paths_in(line):
            if path not in known:
                known[path] = _is_file(root, path)
            if known[path]:
                yield Range(Position(number, start), Position(number, start + len(path))), path


def paths_in(line: str) -> list[tuple[str, int]]:
    """What looks like a path in a line and is no part of a URL, with where it begins."""
    without_urls = _URL.sub(lambda match: " " * len(match[0]), line)
    return [(match[0], match.start()) for match in _PATH.finditer(without_urls)]


def _is_file(root: Path, path: str) -> bool:
    try:
        file = (root / path).resolve()
        return file.is_relative_to(root) and file.is_file()
    except (OSError, ValueError):
        return False
