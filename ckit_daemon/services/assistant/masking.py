"""Masks secrets in JSON that is stored, shown or given to models, and leaves everything else of it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.errors import InvalidArgumentError
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


def is_masked(value: JsonValue) -> bool:
    """Return whether something in the value was masked."""
    if isinstance(value, str):
        return MASK in value
    if isinstance(value, dict):
        return any(is_masked(key) or is_masked(item) for key, item in value.items())
    return isinstance(value, list) and any(map(is_masked, value))


def unmasked(edited: JsonValue, shown: JsonValue, original: JsonValue) -> JsonValue:
    """Return what a person has made of a masked value, with the original wherever they have left it as it was shown.

    Args:
        edited: what they have made of it.
        shown: the original, masked.
        original: the value itself.

    Raises:
        InvalidArgumentError: they have changed a text and left a mask in it, so that nobody knows what it stands for.
    """
    if edited == shown:
        return original
    if isinstance(edited, dict) and isinstance(shown, dict) and isinstance(original, dict):
        if any(MASK in key for key in edited.keys() - original.keys()):
            raise _not_kept()
        return {key: unmasked(item, shown.get(key), original.get(key)) for key, item in edited.items()}
    if isinstance(edited, list) and isinstance(shown, list) and isinstance(original, list):
        known = [*zip(shown, original, strict=True), *[(None, None)] * len(edited)]
        return [unmasked(item, *pair) for item, pair in zip(edited, known, strict=False)]
    if is_masked(edited):
        raise _not_kept()
    return edited


def _not_kept() -> InvalidArgumentError:
    return InvalidArgumentError(
        "The person's own arguments hold what looks like a secret, and such a text is not kept; nothing is done. They "
        "can change the file themselves."
    )
