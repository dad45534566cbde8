"""Masks secrets in JSON that is stored, shown or given to models, and leaves everything else of it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.redaction import MASK

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.redaction import Redactor


def masked(redactor: Redactor, value: JsonValue) -> JsonValue:
    """Return the value with every recognised secret masked, at any depth; only strings ever change.

    `Redactor.value` is for logs: it also cuts what is deeply nested.
    """
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, dict):
        return masked_object(redactor, value)
    if isinstance(value, list):
        return [masked(redactor, item) for item in value]
    return value


def masked_object(redactor: Redactor, value: JsonObject) -> JsonObject:
    """Return an object with every recognised secret masked, by its looks, and by its name as the redactor says."""
    return {
        redactor.text(key): MASK if isinstance(item, str) and redactor.hides(key) else masked(redactor, item)
        for key, item in value.items()
    }
