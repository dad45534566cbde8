"""Types of values that JSON and YAML documents hold once they are read."""

from __future__ import annotations

from typing import TypeAlias

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"
JsonObject: TypeAlias = dict[str, JsonValue]
Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands inside a document: map keys and list indexes from the root."""
