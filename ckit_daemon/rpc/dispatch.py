"""Runs requests: admission, order, deadlines, cancellation, and exactly one answer for each.

A `long` request takes a place in a bounded queue, waits for its scope and for one of the concurrent places, runs, and
is answered. An `instant` one runs at once. The answer to a cancelled or overdue request is sent immediately, but its
scope and place stay taken until its worker threads have noticed: otherwise two writes could overlap.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Never, ParamSpec, TypeVar, cast

import orjson

from ckit_daemon.core.errors import (
    CapabilityDisabledError,
    CkitError,
    DeadlineExceededError,
    OverloadedError,
)
from ckit_daemon.logs import bind_request
from ckit_daemon.rpc.context import RequestContext, Session
from ckit_daemon.rpc.errors import ProtocolError, cancelled, to_error
from ckit_daemon.rpc.progress import RequestProgress
from ckit_daemon.wire.base import PartialResult, Result, WorkDone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.rpc.outbox import Outbox
    from ckit_daemon.services.container import Services
    from ckit_daemon.wire.base import Params, WireModel
    from ckit_daemon.wire.methods import Method

P = ParamSpec("P")
T = TypeVar("T")

Route = Callable[[RequestContext, Never], Awaitable[Result | None]]
"""Answers one method; its second parameter is the Params model of the method's row."""

logger = logging.getLogger(__name__)

OVERLOAD_RETRY_MS = 250
