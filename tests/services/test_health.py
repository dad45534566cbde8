"""What health remembers, and that asking for it never waits for a probe unless the client wants it to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ckit_daemon import app
from ckit_daemon.services.health import HealthService
from ckit_daemon.services.probe import ProbeResult
from ckit_daemon.settings import LimitSettings
from tests.support.daemon import daemon

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.asyncio


@dataclass
class SlowProbe:
    """Takes as long as the test wants."""

    name: str = "tool"
    essential: bool = False
    result: ProbeResult = field(default_factory=lambda: ProbeResult("ok", "found"))
    go_on: threading.Event = field(default_factory=threading.Event)
    times: int = 0

    def check(self) -> ProbeResult:
        self.times += 1
        self.go_on.wait(60)
        return self.result


@contextlib.contextmanager
def health(probe: SlowProbe, **limits: float) -> Generator[HealthService]:
    service = HealthService(lambda: LimitSettings(**limits), dict)  # type: ignore[arg-type]  # floats are all we set.
    service.add(probe)
    yield service
    probe.go_on.set()
    service.close()


async def test_R09_a_component_is_pending_until_its_first_probe_ends_and_nobody_waits_for_it() -> None:
    probe = SlowProbe()
    with health(probe) as service:
        (component,) = (await service.report()).components
        assert (component.status, component.age_seconds) == ("pending", None)
        assert (await service.report()).status == "ok"
        probe.go_on.set()
        (component,) = (await service.report(fresh=True)).components
        assert component.status == "ok"
        assert component.age_seconds is not None
        assert probe.times == 1


async def test_R09_what_was_found_is_renewed_in_the_background_once_it_is_old() -> None:
    probe = SlowProbe()
    probe.go_on.set()
    with health(probe, probe_cache_seconds=1e-9) as service:
        await service.report(fresh=True)
        probe.go_on.clear()
        probe.result = ProbeResult("failed", "gone")
        report = await service.report()
        assert report.components[0].status == "ok"
        probe.go_on.set()
        assert (await service.report(fresh=True)).components[0].status == "failed"


async def test_R09_a_probe_that_hangs_is_given_up_and_an_essential_failure_is_not_ready() -> None:
    with health(SlowProbe(essential=True), probe_timeout_seconds=0.01) as service:
        report = await service.report(fresh=True)
        assert (report.status, report.ready) == ("failed", False)
        assert "did not end" in report.components[0].detail


async def test_a_probe_that_begins_as_the_daemon_ends_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    probe = SlowProbe()
    with health(probe) as service:
        service.renew(0)
        service.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert (probe.times, caplog.records) == (0, [])


async def test_R09_probes_begin_by_themselves_so_that_the_first_answer_knows_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "PROBE_AFTER_SECONDS", 0)
    asked: list[bool] = []
    begun = asyncio.Event()
    renew = HealthService.renew

    def seen(self: HealthService, max_age_seconds: float) -> None:
        asked.append(max_age_seconds == 0)
        renew(self, max_age_seconds)
        begun.set()

    monkeypatch.setattr(HealthService, "renew", seen)
    async with daemon():
        await asyncio.wait_for(begun.wait(), 60)
    assert asked == [True]
