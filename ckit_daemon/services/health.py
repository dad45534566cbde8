"""Asks every component whether it works, each within its own deadline."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckit_daemon.services.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.services.probe import Probe
    from ckit_daemon.settings import LimitSettings

logger = logging.getLogger(__name__)

MAX_PARALLEL_PROBES = 4


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """What the last probe of one component found and how long ago."""

    name: str
    status: Literal["ok", "degraded", "failed", "disabled", "pending"]
    detail: str
    works: tuple[str, ...] = ()
    latency_ms: float | None = None
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The daemon's health; `ready` is False while an essential component has failed."""

    status: Literal["ok", "degraded", "failed"]
    ready: bool
    components: list[ComponentReport]
    uptime_seconds: float
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Found:
    result: ProbeResult
    seconds: float
    at: float


class HealthService:
    """Runs the probes and remembers what they found.

    A report answers from memory, so that it stays quick whatever the daemon is doing. Findings older than the
    configured age are renewed in the background; a component that no probe has looked at yet is `pending`.
    """

    def __init__(self, limits: Callable[[], LimitSettings], versions: Callable[[], dict[str, str]]) -> None:
        self._limits = limits
        self._read_versions = versions
        self._versions: dict[str, str] | None = None
        self._started = time.monotonic()
        self._probes: dict[str, Probe] = {}
        self._found: dict[str, _Found] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        # Probes have threads of their own: a probe that hangs must not take a worker from the requests.
        self._threads = ThreadPoolExecutor(MAX_PARALLEL_PROBES, "ckit-probe")

    def add(self, probe: Probe) -> None:
        """Register a probe; one of the same name is replaced. May be called from any thread."""
        self._probes[probe.name] = probe
        self._found.pop(probe.name, None)

    def remove(self, name: str) -> None:
        """Forget a component that is gone."""
        self._probes.pop(name, None)
        self._found.pop(name, None)

    def renew(self, max_age_seconds: float) -> None:
        """Probe, in the background, each component that has not been probed for this long."""
        now = time.monotonic()
        # A copy: components register themselves from worker threads.
        for name in [*self._probes]:
            found = self._found.get(name)
            if (found is None or now - found.at > max_age_seconds) and name not in self._running:
                self._start(name, self._limits().probe_timeout_seconds)

    async def report(self, *, fresh: bool = False) -> HealthReport:
        """Return the health as it is known; `fresh` probes everything first, each until its deadline at most."""
        if self._versions is None:
            # They are read from the files of installed packages, and before the probes, whose imports take their time.
            self._versions = await asyncio.to_thread(self._read_versions)
        self.renew(0 if fresh else self._limits().probe_cache_seconds)
        if fresh and self._running:
            await asyncio.wait([*self._running.values()])
        return self._summary(self._versions)

    def close(self) -> None:
        """End all probes, and let go of their threads without waiting for them."""
        for task in self._running.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self, name: str, seconds: float) -> None:
        task = asyncio.create_task(self._run(self._probes[name], seconds))
        self._running[name] = task
        task.add_done_callback(lambda _: self._running.pop(name, None))

    async def _run(self, probe: Probe, seconds: float) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                result = await asyncio.wrap_future(self._threads.submit(probe.check))
        except TimeoutError:
            result = ProbeResult("failed", f"The probe did not end within {seconds:g} s.")
        except Exception:
            logger.exception("health probe failed", extra={"component": probe.name})
            result = ProbeResult("failed", "The probe itself failed; the daemon's log says why.")
        now = time.monotonic()
        if probe.name in self._probes:
            self._found[probe.name] = _Found(result, now - started, now)

    def _summary(self, versions: dict[str, str]) -> HealthReport:
        now = time.monotonic()
        found = [(probe, self._found.get(name)) for name, probe in [*self._probes.items()]]
        broken = [probe for probe, item in found if item and item.result.status == "failed" and probe.essential]
        weak = [probe for probe, item in found if item and item.result.status in {"failed", "degraded"}]
        return HealthReport(
            status="failed" if broken else "degraded" if weak else "ok",
            ready=not broken,
            components=[_component(probe.name, item, now) for probe, item in found],
            uptime_seconds=round(now - self._started, 3),
            versions=versions,
        )


def _component(name: str, found: _Found | None, now: float) -> ComponentReport:
    if found is None:
        return ComponentReport(name, "pending", "No probe has looked at it yet; one is on its way.")
    return ComponentReport(
        name=name,
        status=found.result.status,
        detail=found.result.detail,
        works=found.result.works,
        latency_ms=round(found.seconds * 1000, 3),
        age_seconds=round(now - found.at, 3),
    )
