"""`$/logTrace`: what a client hears about requests, as far as it asked to (LSP 3.17)."""

from __future__ import annotations

import pytest

from tests.support.client import Client, Json, RpcError
from tests.support.daemon import daemon

pytestmark = pytest.mark.asyncio


async def traces(client: Client) -> list[Json]:
    """Return what has been told by now: an answer comes after everything that was sent before it."""
    await client.request("ckit/capabilities", request_id="last")
    found = [n["params"] for n in client.notifications if n["method"] == "$/logTrace"]
    client.notifications.clear()
    return [each for each in found if "(last)" not in each["message"]]


async def test_a_trace_of_messages_names_method_outcome_and_duration_and_no_parameters() -> None:
    async with daemon() as client:
        client.notify("$/setTrace", {"value": "messages"})
        await client.request("ckit/config/get", {"prefix": "log."}, request_id=7)
        with pytest.raises(RpcError):
            await client.request("ckit/config/get", {"planted": 1}, request_id="bad")
        first, second = await traces(client)
        assert first["message"].startswith("ckit/config/get (7): ok in ")
        assert first["message"].endswith(" ms")
        assert second["message"].startswith("ckit/config/get (bad): invalid_params in ")
        assert "verbose" not in first
        assert "planted" not in str(second)


async def test_R08_a_verbose_trace_shows_parameters_without_secrets_and_long_texts_by_their_length() -> None:
    async with daemon() as client:
        client.notify("$/setTrace", {"value": "verbose"})
        await client.request("ckit/config/get", {"prefix": "log."})
        secret = "sk-planted-0123456789"
        long = "x" * 150 + secret + "y" * 100
        bad = {"apiKey": "planted", "list": ["a", secret, long], "many": ["planted"] * 1000, "n": {"x": None}}
        with pytest.raises(RpcError):
            await client.request("ckit/config/get", bad)
        first, second = await traces(client)
        assert first["verbose"] == 'Params: {"prefix":"log."}'
        assert "planted" not in str(second)
        assert '"apiKey":"[redacted]"' in second["verbose"]
        assert f'"<{len(long)} characters>"' in second["verbose"]
        assert '"many":"<1000 items>"' in second["verbose"]
        assert '"n":{"x":null}' in second["verbose"]


async def test_no_trace_is_sent_before_it_is_asked_for_and_after_it_is_switched_off() -> None:
    async with daemon() as client:
        assert not await traces(client)
        await client.request("ckit/metrics")
        assert not await traces(client)
        client.notify("$/setTrace", {"value": "messages"})
        await client.request("ckit/metrics")
        assert len(await traces(client)) == 1
        client.notify("$/setTrace", {"value": "off"})
        await client.request("ckit/metrics")
        assert not await traces(client)


async def test_initialize_may_ask_for_the_trace_from_the_start() -> None:
    async with daemon(initialize=False) as client:
        await client.initialize(trace="messages")
        await client.request("ckit/metrics")
        assert len(await traces(client)) == 1
