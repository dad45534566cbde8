"""Notes in JSON Lines: one mapping a line, with a text and the ids of the entities that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import orjson

from ckit_daemon.core.entity import text_of
from ckit_daemon.core.text import lines_with_ends
from ckit_daemon.services.rag.chunking.entities import FieldReader
from ckit_daemon.services.rag.chunking.passages import Passages, part_of_heading

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.rag.chunking.passages import Masker, Passage

MENTIONS: Final = ("entityIds", "entityId", "ids", "relatedEntities")
"""Fields that name the entities that a note is about."""
_TEXTS: Final = ("text", "note", "content", "body")


def note_passages(document: Document, limit: int, masker: Masker | None) -> tuple[list[Passage], int]:
    """Take notes apart, one passage a line.

    Returns:
        The passages, and the number of lines that are no JSON mapping and were left out.
    """
    passages = Passages("note", document.path, limit, masker)
    broken = 0
    offset = 0
    for number, line in enumerate(lines_with_ends(document.text), start=1):
        content = line.strip()
        if content:
            note = _read(content)
            if note is None:
                broken += 1
            else:
                _add(passages, note, number, offset + len(line) - len(line.lstrip()), len(content))
        offset += len(line)
    return passages.found, broken


def _read(line: str) -> JsonObject | None:
    try:
        value = cast("JsonValue", orjson.loads(line))
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) else None


def _add(passages: Passages, note: JsonObject, number: int, start: int, length: int) -> None:
    identifier = text_of(note.get("id"))
    mentions = mentioned(note)
    key = next((key for key in _TEXTS if text_of(note.get(key))), None)
    text = str(note[key]).strip() if key else ""
    rest = {name: value for name, value in note.items() if name not in (key, "id", "title", *MENTIONS)}
    lines = FieldReader(passages).lines_of(rest)
    title = text_of(note.get("title"))
    name = part_of_heading(" ".join(part for part in (identifier or "Note", title) if part))
    heading = f"{name} on {', '.join(mentions)}" if mentions else name
    passages.add(
        identifier or f"{number}",
        (identifier or number - 1,),
        heading,
        "\n".join([text, *lines] if text else lines),
        span=(start, start + length),
        mentions=mentions,
    )


def mentioned(note: JsonObject) -> tuple[str, ...]:
    """The ids that a note names in the fields for them, each once."""
    found: dict[str, None] = {}
    for name in MENTIONS:
        value = note.get(name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item.strip():
                found[item.strip()] = None
    return tuple(found)
