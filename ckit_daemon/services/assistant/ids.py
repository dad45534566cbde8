"""Ids of what conversations are made of; each is new."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import Final

_ALPHABET: Final = string.ascii_letters + string.digits
_CALL_LENGTH: Final = 9
"""Mistral's servers take ids of tool calls of just this length; others take any."""


def new_id() -> str:
    """Return an id that was never used."""
    return uuid.uuid4().hex


def new_call_id() -> str:
    """Return the same for a tool call, in a form that all providers take."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CALL_LENGTH))
