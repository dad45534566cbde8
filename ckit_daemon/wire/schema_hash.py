"""Hash of the JSON Schemas; generated, because computing it would double the time to start."""

from __future__ import annotations

SCHEMA_HASH = "7782a575b1cf8657421e243d51d0e6c931a8394ccb19241ee7ddd5eb2d5a83f5"
