"""Reads JSON of which nothing is certain: what is missing or of another type is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.json import JsonObject, JsonValue


def block(value: JsonValue) -> JsonObject:
    """Return an object."""
    return value if isinstance(value, dict) else {}


def text(value: JsonObject, key: str) -> str:
    """Return a field as one line."""
    found = value.get(key)
    return " ".join(str(found).split()) if isinstance(found, str | int | float) else ""


def objects(value: JsonObject, key: str) -> list[JsonObject]:
    """Return the objects of a list."""
    found = value.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def texts(value: JsonObject, key: str) -> list[str]:
    """Return the texts of a list."""
    found = value.get(key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def scalars(value: JsonValue, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every text in a value, with the names of the keys on the way to it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from scalars(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from scalars(each, path)
    elif isinstance(value, str) and value.strip():
        yield ".".join(path), value
