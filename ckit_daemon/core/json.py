"""Types of values that JSON and YAML documents hold once they are read."""

from __future__ import annotations

from typing import Final, TypeAlias

import orjson

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"
JsonObject: TypeAlias = dict[str, JsonValue]
Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands inside a document: map keys and list indexes from the root."""

MAX_SHOWN: Final = 60
"""Characters of a value that a message for people may hold."""


def shown(value: JsonValue) -> str:
    """`value` as JSON, cut so that it fits into a message."""
    return shorten(_dump(value))


def is_plain(value: object) -> bool:
    """Whether a value that others have parsed can be written as JSON and is the same when it is read again.

    Python's own parser takes integers of any size, infinity, and halves of surrogate pairs.
    """
    try:
        return bool(orjson.loads(orjson.dumps(value)) == value)
    except TypeError:
        return False


def shorten(text: str, limit: int = MAX_SHOWN) -> str:
    """`text`, with an ellipsis in place of what is beyond `limit` characters."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def _dump(value: JsonValue) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # Integers beyond 64 bits are fine in YAML and too large for this encoder.
        return str(value)
