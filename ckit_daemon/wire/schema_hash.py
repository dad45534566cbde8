"""Hash of the JSON Schemas; generated, because computing it would double the time to start."""

from __future__ import annotations

SCHEMA_HASH = "2d2c8866149bd0d3b4f9071cc975141e5875f985db82def08fe9797c29e27a43"
