"""One route per method that clients call: the method's name and the function that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.routes import server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.rpc.dispatch import Route

ROUTES: Mapping[str, Route] = {**server.ROUTES}
