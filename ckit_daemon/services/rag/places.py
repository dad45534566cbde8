"""Where passages stand: exact ranges, found when they are asked for."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from ckit_daemon.core.edit.values import value_at
from ckit_daemon.core.text import Range, lines_with_ends, position_at

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import Path
    from ckit_daemon.services.rag.chunking.passages import Span


def range_in_text(text: str, span: Span) -> Range:
    """The range of a stretch of a file's text."""
    return Range(position_at(text, span[0]), position_at(text, span[1]))


def range_of_value(document: Document, field: Path, span: Span | None) -> Range:
    """The range of a value, or of a stretch of one; of all of it where it is written in another way than it reads."""
    whole = document.range_at(field)
    value = value_at(document.value, field)
    if not isinstance(value, str):
        return whole
    start, end = span or (0, len(value))
    before = len("".join(value[:start].split()))
    length = len("".join(value[start:end].split()))
    source, offset = _written(document, whole)
    # Folding and indentation change white space alone, so that the other characters tell where things are.
    seen = [index for index, character in enumerate(source) if not character.isspace()]
    if length == 0 or "".join(source.split()) != "".join(value.split()):
        return whole
    return range_in_text(document.text, (offset + seen[before], offset + seen[before + length - 1] + 1))


def range_of_card(document: Document, apart: Collection[str | int]) -> Range:
    """The range of the fields at the top of a file, up to the first one that has a passage of its own.

    Args:
        document: the file of an entity.
        apart: the fields that have passages of their own.
    """
    tree = document.tree
    root = tree.root()
    if root is None or not isinstance(document.value, dict):
        return document.range_at(())
    pairs = [tree.range_of(pair) for _, pair in takewhile(lambda pair: pair[0] not in apart, tree.pairs(root))]
    return Range(pairs[0].start, pairs[-1].end) if pairs else document.range_at(())


def _written(document: Document, where: Range) -> tuple[str, int]:
    """The text of a scalar as it is written, without quotes or the head of a block, and where it begins."""
    lines = lines_with_ends(document.text)
    start = sum(map(len, lines[: where.start.line])) + where.start.column
    end = sum(map(len, lines[: where.end.line])) + where.end.column
    text = document.text[start:end]
    if text[:1] in {"|", ">"}:
        head, _, rest = text.partition("\n")
        return rest, start + len(head) + 1
    if text[:1] in {"'", '"'} and text[-1:] == text[:1]:
        return text[1:-1], start + 1
    return text, start
