"""What a session may use, as initialize and `ckit/capabilities` tell it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ckit_daemon import __version__
from ckit_daemon.wire.methods import METHODS
from ckit_daemon.wire.schema_hash import SCHEMA_HASH
from ckit_daemon.wire.server import Capabilities, Limits, MethodDescription

if TYPE_CHECKING:
    from ckit_daemon.settings import FeatureSettings, Settings


def describe_capabilities(settings: Settings, protocol_version: str) -> Capabilities:
    """Return the methods, features and limits under these settings; what is switched off is absent."""
    limits = Limits(
        max_message_bytes=settings.limits.max_message_bytes,
        max_concurrent=settings.limits.max_concurrent,
        max_queued=settings.limits.max_queued,
        request_timeout_seconds=settings.limits.request_timeout_seconds,
    )
    return _describe(settings.features, limits, protocol_version)


@functools.lru_cache(maxsize=4)
def _describe(switches: FeatureSettings, limits: Limits, protocol_version: str) -> Capabilities:
    features = [name for name in type(switches).model_fields if getattr(switches, name)]
    return Capabilities(
        protocol_version=protocol_version,
        schema_hash=SCHEMA_HASH,
        daemon_version=__version__,
        methods=[
            MethodDescription(name=m.name, kind=m.kind, direction=m.direction, stability=m.stability)
            for m in METHODS
            if m.feature is None or m.feature in features
        ],
        features=sorted(features),
        limits=limits,
    )
