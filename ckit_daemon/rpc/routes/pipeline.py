"""Routes about pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.dispatch import Route

ROUTES: Mapping[str, Route] = {}
