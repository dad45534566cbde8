"""What a session may use, as initialize and `ckit/capabilities` tell it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ckit_daemon import __version__
from ckit_daemon.wire.contract import METHODS, SCHEMA_HASH

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.rpc.context import Session
    from ckit_daemon.settings import Settings


def describe_capabilities(settings: Settings, session: Session) -> JsonObject:
    """Return the methods, features and limits of a session; what is switched off or not asked for is absent.

    The object is what `wire.server.Capabilities` describes; it is made without that model, because initialize answers
    before the models are loaded. Equal settings give the same object, which nobody may change.
    """
    limits = settings.limits
    return _describe(
        tuple(sorted(settings.enabled_features())),
        (limits.max_message_bytes, limits.max_concurrent, limits.max_queued, limits.request_timeout_seconds),
        session.protocol_version,
        session.experimental,
    )


@functools.lru_cache(maxsize=4)
def _describe(
    features: tuple[str, ...],
    limits: tuple[int, int, int, float],
    protocol_version: str,
    experimental: bool,
) -> JsonObject:
    message_bytes, concurrent, queued, timeout_seconds = limits
    return {
        "protocolVersion": protocol_version,
        "schemaHash": SCHEMA_HASH,
        "daemonVersion": __version__,
        "methods": [
            {"name": m.name, "kind": m.kind, "direction": m.direction, "stability": m.stability}
            for m in METHODS
            if (m.feature is None or m.feature in features) and (m.stability == "stable" or experimental)
        ],
        "features": list(features),
        "limits": {
            "maxMessageBytes": message_bytes,
            "maxConcurrent": concurrent,
            "maxQueued": queued,
            "requestTimeoutSeconds": timeout_seconds,
        },
    }
