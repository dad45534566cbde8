"""Versions of what the daemon is made of."""

from __future__ import annotations

import sys

from ckit_daemon import __version__
from ckit_daemon.wire.version import PROTOCOL_VERSION

LIBRARIES = ("pygls", "lsprotocol", "pydantic")


def versions() -> dict[str, str]:
    """Return the versions of the daemon, the protocol, Python and the main libraries; reads files of theirs."""
    from importlib.metadata import version  # noqa: PLC0415 - takes 20 ms, and health alone needs it.

    return {
        "daemon": __version__,
        "protocol": PROTOCOL_VERSION,
        "python": sys.version.split()[0],
        **{name: version(name) for name in LIBRARIES},
    }
