"""The carrier of requests to a model in this process, as far as it needs no model."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING

import httpx2
import pytest

from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.services.assistant.providers.local_transport import InProcessTransport
from tests.support.client import TIMEOUT_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.core.json import JsonObject

pytestmark = pytest.mark.asyncio


async def test_a_failure_that_nobody_waits_for_any_more_is_no_fault_in_the_log() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def locate(model: str) -> tuple[Path, int]:
        begun.set()
        assert go_on.wait(TIMEOUT_SECONDS)
        raise NotFoundError(f"There is no {model}.")

    faults: list[JsonObject] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    transport = InProcessTransport(locate)
    request = httpx2.Request("POST", "http://in-process/chat/completions", json={"model": "m"})
    asked = asyncio.create_task(transport.handle_async_request(request))
    assert await asyncio.to_thread(begun.wait, TIMEOUT_SECONDS)
    asked.cancel()
    await asyncio.wait([asked])
    go_on.set()
    # What is closed follows what runs.
    await transport.aclose()
    await asyncio.sleep(0)
    del asked
    gc.collect()
    assert faults == []
