"""Folding: what is indented below a line, and comments of several lines. Goes by columns, so that any text folds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from ckit_daemon.lsp.target import is_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.lsp.context import View

_BLOCK_SCALAR: Final = re.compile(r"(?:^|[\s:-])[|>][-+0-9]*[ \t]*(?:#.*)?$")
_MAX_RANGES: Final = 5000


def folding_ranges(
    view: View,  # noqa: ARG001 - every feature gets a view and its params.
    document: Document,
    params: types.FoldingRangeParams,  # noqa: ARG001
) -> list[types.FoldingRange]:
    """Answer `textDocument/foldingRange`."""
    if not is_yaml(document.path):
        return []
    found = sorted({*_comments(document.lines), *_blocks(document.lines)})
    return [
        types.FoldingRange(start, end, kind=types.FoldingRangeKind.Comment if is_comment else None)
        for start, end, is_comment in found[:_MAX_RANGES]
    ]


def _comments(lines: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
    start: int | None = None
    for number, line in enumerate([*lines, ""]):
        if line.lstrip(" \t").startswith("#"):
            start = number if start is None else start
        elif start is not None:
            if number - start > 1:
                yield start, number - 1, True
            start = None


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
    """Yield each line with the last one of those that belong to it."""
    opened: list[tuple[int, int]] = []
    last = 0
    text_column: int | None = None
    for number, line in enumerate(lines):
        stripped = line.lstrip(" \t")
        column = len(line) - len(stripped)
        if not stripped or (text_column is None and stripped[0] == "#"):
            continue
        if text_column is not None and column > text_column:
            last = number
            continue
        text_column = None
        # Dashes may stand below the first letter of their key, and a bracket closes what its line has opened.
        is_item = stripped.startswith("- ") or stripped == "-"
        while opened and (
            opened[-1][0] > column or (opened[-1][0] == column and not (is_item and _is_key(lines[opened[-1][1]])))
        ):
            start = opened.pop()[1]
            if last > start:
                yield start, last, False
        opened.append((column, number))
        last = number
        if _BLOCK_SCALAR.search(line):
            text_column = column
    for _, start in reversed(opened):
        if last > start:
            yield start, last, False


def _is_key(line: str) -> bool:
    stripped = line.strip()
    return not stripped.startswith("-") and stripped.endswith(":")
