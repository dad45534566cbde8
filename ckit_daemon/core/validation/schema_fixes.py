"""What would mend a value that breaks its schema, where that is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.document import Fix
from ckit_daemon.core.edit.values import same, value_at
from ckit_daemon.core.json import shorten, shown
from ckit_daemon.core.shapes import at, facts, items, properties
from ckit_daemon.core.yaml import parse

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.schema import SchemaError
    from ckit_daemon.core.shapes import Shape

_MAX_CHOICES: Final = 10
"""Allowed values that are offered."""
_SIMILAR: Final = 0.79
"""How like a field's name another key must be to be taken for it: of five letters one may be wrong."""
_TYPES: Final = {"bool": {"boolean"}, "int": {"integer", "number"}, "float": {"number"}, "str": {"string"}}


def schema_fixes(document: Document, error: SchemaError, shape: Shape) -> list[Fix]:
    """Fixes of an error in a document, the most likely first.

    Args:
        document: what was checked.
        error: what is wrong in it.
        shape: what the schema says about the whole document.
    """
    if error.allowed:
        allowed = _nearest_first(value_at(document.value, error.path), error.allowed)[:_MAX_CHOICES]
        return [Fix(f"Change it to {shown(value)}", error.path, value) for value in allowed]
    if error.on_key:
        return _other_key(document, error.path, shape)
    if error.types:
        return _other_type(document, error, shape)
    return []


def _nearest_first(value: JsonValue, allowed: tuple[JsonValue, ...]) -> list[JsonValue]:
    # Takes time to load, and a repository without findings needs no suggestions.
    from rapidfuzz import process  # noqa: PLC0415

    ranked = process.extract(str(value), [str(each) for each in allowed], limit=None)
    return [allowed[index] for _, _, index in ranked]


def _other_key(document: Document, path: Path, shape: Shape) -> list[Fix]:
    """The field that a mistyped key means; what is like none may go."""
    from rapidfuzz import process  # noqa: PLC0415 - see above.
    from rapidfuzz.distance import OSA  # noqa: PLC0415

    key, holder = str(path[-1]), value_at(document.value, path[:-1])
    present = holder if isinstance(holder, dict) else {}
    missing = {name: name.casefold() for name in properties(at(shape, path[:-1])) if name not in present}
    near = process.extractOne(key.casefold(), missing, scorer=OSA.normalized_similarity, score_cutoff=_SIMILAR)
    if near is None:
        return [Fix(f"Remove '{shorten(key)}'", path, removes=True)]
    return [Fix(f"Rename '{shorten(key)}' to '{near[2]}'", path, renames_to=near[2])]


def _other_type(document: Document, error: SchemaError, shape: Shape) -> list[Fix]:
    """A number or truth value as a text, and a single value as a list of it."""
    value = value_at(document.value, error.path)
    if not error.path or not isinstance(value, (bool, int, float, str)):
        return []
    wanted = error.types
    if "string" not in wanted:
        if "array" not in wanted or value == "":
            return []
        wanted = facts(items(at(shape, error.path))).types
    one: JsonValue = value
    if wanted and _TYPES[type(value).__name__].isdisjoint(wanted):
        one = _as_written(document, error.path, value) if "string" in wanted else None
    if one is None:
        return []
    new: JsonValue = one if "string" in error.types else [one]
    return [Fix(f"Change it to {shown(new)}", error.path, new)]


def _as_written(document: Document, path: Path, value: JsonValue) -> str | None:
    """The text of a number or a truth value, as `1.10`; None where another place says what it is."""
    start, end = document.range_at(path)
    text = document.lines[start.line][start.column : end.column] if start.line == end.line else ""
    return text if same(parse(text).value, value) else None
