"""What a session may use, as initialize and `ckit/capabilities` tell it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ckit_daemon import __version__
from ckit_daemon.wire.methods import METHODS
from ckit_daemon.wire.schema_hash import SCHEMA_HASH
from ckit_daemon.wire.server import Capabilities, Limits, MethodDescription

if TYPE_CHECKING:
    from ckit_daemon.settings import Settings


def describe_capabilities(settings: Settings, protocol_version: str) -> Capabilities:
    """Return the methods, features and limits under these settings; what is switched off is absent."""
    limits = settings.limits
    return _describe(
        tuple(sorted(name for name in settings.features.__struct_fields__ if settings.enabled(name))),
        (limits.max_message_bytes, limits.max_concurrent, limits.max_queued, limits.request_timeout_seconds),
        protocol_version,
    )


@functools.lru_cache(maxsize=4)
def _describe(features: tuple[str, ...], limits: tuple[int, int, int, float], protocol_version: str) -> Capabilities:
    message_bytes, concurrent, queued, timeout_seconds = limits
    return Capabilities(
        protocol_version=protocol_version,
        schema_hash=SCHEMA_HASH,
        daemon_version=__version__,
        methods=[
            MethodDescription(name=m.name, kind=m.kind, direction=m.direction, stability=m.stability)
            for m in METHODS
            if m.feature is None or m.feature in features
        ],
        features=list(features),
        limits=Limits(
            max_message_bytes=message_bytes,
            max_concurrent=concurrent,
            max_queued=queued,
            request_timeout_seconds=timeout_seconds,
        ),
    )
