"""Hash of the JSON Schemas; generated, because computing it would double the time to start."""

from __future__ import annotations

SCHEMA_HASH = "ea4abecd765e110bd7122ad32035ea0af8f0ba152afb6910dd4b2e9ef0c303d8"
