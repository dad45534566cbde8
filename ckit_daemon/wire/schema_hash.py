"""Hash of the JSON Schemas; generated, because computing it would double the time to start."""

from __future__ import annotations

SCHEMA_HASH = "0"
