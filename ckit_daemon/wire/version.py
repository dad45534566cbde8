"""Versions of the wire protocol that this daemon speaks, newest first."""

from __future__ import annotations

PROTOCOL_VERSION = "1.0"
SUPPORTED_VERSIONS: tuple[str, ...] = (PROTOCOL_VERSION,)
