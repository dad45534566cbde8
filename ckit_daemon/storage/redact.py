"""Keeps keys out of the database: whatever is stored goes through here first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from ckit_daemon.redaction import MASK, names_secret

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.assistant.records import Record

R = TypeVar("R", bound="Record")


def redacted(record: R, redactor: Redactor) -> R:
    """Return the record with recognised secrets masked in all its texts; the same one where there are none."""
    plain = cast("JsonValue", msgspec.to_builtins(record))
    clean = _masked(plain, redactor)
    return record if clean == plain else msgspec.convert(clean, type(record))


def _masked(value: JsonValue, redactor: Redactor) -> JsonValue:
    # Not the redactor's own way through values: that one masks what lies deep, and a log may lose it.
    match value:
        case str():
            return redactor.text(value)
        case dict():
            return {
                redactor.text(name): MASK if isinstance(each, str) and names_secret(name) else _masked(each, redactor)
                for name, each in value.items()
            }
        case list():
            return [_masked(each, redactor) for each in value]
        case _:
            return value
