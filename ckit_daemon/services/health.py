"""Asks every component whether it works, each within its own deadline."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckit_daemon.services.ports import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.services.ports import Probe

MAX_PARALLEL_PROBES = 4


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """What the last probe of one component found and how long ago."""

    name: str
    status: Literal["ok", "degraded", "failed", "disabled"]
    detail: str
    works: tuple[str, ...]
    latency_ms: float
    essential: bool
    checked_at: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The daemon's health."""

    status: Literal["ok", "degraded", "failed"]
    ready: bool
    components: list[ComponentReport]
    uptime_seconds: float
    versions: dict[str, str]
