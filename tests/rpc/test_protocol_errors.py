"""Wrong messages are each answered with a clear error, and the daemon goes on."""

from __future__ import annotations

import asyncio
import json

import pytest

from ckit_daemon import lifecycle, redaction
from tests.support.client import TIMEOUT_SECONDS, RpcError, frame
from tests.support.daemon import daemon

pytestmark = pytest.mark.asyncio

HEALTH = {"jsonrpc": "2.0", "id": 77, "method": "ckit/capabilities"}


def body(data: bytes) -> bytes:
    """Return bytes with a right Content-Length."""
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


BROKEN_FRAMES = {
    "invalid JSON": (body(b"{nope"), -32700),
    "invalid UTF-8": (body(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}'), -32700),
    "empty body": (b"Content-Length: 0\r\n\r\n", -32700),
    "deep nesting": (body(b"[" * 100_000 + b"]" * 100_000), -32700),
    "batch": (frame([HEALTH]), -32600),
    "empty batch": (frame([]), -32600),
    "a number": (frame(7), -32600),
    "null": (frame(None), -32600),
    "length too small": (b"Content-Length: 10\r\n\r\n" + json.dumps(HEALTH).encode(), -32700),
    "length not a number": (b"Content-Length: ten\r\n\r\n" + json.dumps(HEALTH).encode(), -32700),
    "length negative": (b"Content-Length: -5\r\n\r\n" + json.dumps(HEALTH).encode(), -32700),
    "length missing": (b"Content-Type: application/json\r\n\r\n" + json.dumps(HEALTH).encode(), -32700),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", -32700),
    "foreign charset": (b"Content-Length: 2\r\nContent-Type: a/b; charset=latin-1\r\n\r\n{}", -32700),
    "no header": (json.dumps(HEALTH).encode(), -32700),
    "endless header": (b"X-Padding: " + b"x" * 20_000 + b"\r\n\r\n", -32700),
    "message over the limit": (b"Content-Length: 70000\r\n\r\n" + b" " * 70_000, -33011),
    "no jsonrpc": (frame({"method": "ckit/health"}), -32600),
    "jsonrpc 1.0": (frame({"jsonrpc": "1.0", "method": "ckit/health"}), -32600),
    "method is a number": (frame({"jsonrpc": "2.0", "method": 5}), -32600),
    "id is null": (frame({"jsonrpc": "2.0", "id": None, "method": "ckit/health"}), -32600),
    "id is a list": (frame({"jsonrpc": "2.0", "id": [], "method": "ckit/health"}), -32600),
}


@pytest.mark.parametrize("name", BROKEN_FRAMES)
async def test_R06_a_broken_frame_gets_one_error_and_the_next_request_its_answer(name: str) -> None:
    data, number = BROKEN_FRAMES[name]
    async with daemon(
        environment={"CKIT_LIMITS_MAX_MESSAGE_BYTES": "65536" if "limit" in name else "1000000"}
    ) as client:
        await client.send_large(data)
        answer = await client.stray()
        assert answer["id"] is None
        assert answer["error"]["code"] == number
        assert answer["error"]["message"]
        assert await client.request("ckit/capabilities")


@pytest.mark.parametrize(
    "header",
    [
        "content-length: {}\r\n\r\n",
        "CONTENT-LENGTH:{}\r\n\r\n",
        "Content-Length: {}\n\n",
        "\r\nContent-Length : {}\r\n\r\n",
    ],
)
async def test_headers_in_any_case_and_with_bare_line_feeds_are_understood(header: str) -> None:
    async with daemon() as client:
        data = json.dumps(HEALTH).encode()
        answer = client.expect(77)
        client.send_bytes(header.format(len(data)).encode() + data)
        assert (await asyncio.wait_for(answer, TIMEOUT_SECONDS))["result"]


async def test_a_length_that_swallows_the_next_header_loses_neither_message() -> None:
    async with daemon() as client:
        data = json.dumps(HEALTH).encode()
        first, second = client.expect(77), client.expect(78)
        client.send_bytes(b"Content-Length: %d\r\n\r\n" % (len(data) + 9) + data + frame({**HEALTH, "id": 78}))
        assert (await asyncio.wait_for(first, TIMEOUT_SECONDS))["result"]
        assert (await asyncio.wait_for(second, TIMEOUT_SECONDS))["result"]


async def test_a_client_s_own_limit_of_messages_holds_from_the_answer_to_initialize_on() -> None:
    async with daemon({"config": {"limits": {"maxMessageBytes": 64 * 1024}}}) as client:
        await client.send_large(BROKEN_FRAMES["message over the limit"][0])
        assert (await client.stray())["error"]["code"] == -33011
        assert await client.request("ckit/capabilities")


async def test_a_length_that_is_too_large_is_called_wrong_after_the_time_that_the_settings_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "POLL_SECONDS", 0.01)
    async with daemon({"config": {"limits": {"incompleteMessageSeconds": 3600}}}) as client:
        data = json.dumps(HEALTH).encode()
        answer = client.expect(77)
        client.send_bytes(b"Content-Length: %d\r\n\r\n" % (len(data) + 1) + data)
        await asyncio.sleep(0.1)
        client.send_bytes(b"\n")
        assert (await asyncio.wait_for(answer, TIMEOUT_SECONDS))["result"]


async def test_a_length_that_is_too_large_is_called_wrong_when_nothing_more_comes() -> None:
    async with daemon({"config": {"limits": {"incompleteMessageSeconds": 0.01}}}) as client:
        data = json.dumps(HEALTH).encode()
        client.send_bytes(b"Content-Length: %d\r\n\r\n" % (len(data) + 5) + data)
        assert (await client.stray())["error"]["code"] == -32700
        assert await client.request("ckit/capabilities")


INVALID_PARAMS = {
    "unknown field": ({"nope": 1}, "nope: unknown field"),
    "wrong type": ({"prefix": 5}, "prefix: Input should be a valid string"),
    "a list": ([1], "The parameters must be an object"),
    "a string": ("x", "The parameters must be an object"),
    "keys that mean something elsewhere": (
        {"jsonrpc": 1, "class": 2, "type_name": 3, "from-id": 4, "_x": 5},
        "; ".join(f"{key}: unknown field" for key in ("jsonrpc", "class", "type_name", "from-id", "_x")),
    ),
}


@pytest.mark.parametrize("name", INVALID_PARAMS)
async def test_R10_bad_parameters_are_refused_by_name(name: str) -> None:
    params, text = INVALID_PARAMS[name]
    async with daemon() as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/config/get", params)
        assert caught.value.number == -32602
        assert text in caught.value.message
        assert caught.value.data["requestId"]


async def test_R10_a_field_is_known_by_its_name_on_the_wire_only() -> None:
    async with daemon() as client:
        with pytest.raises(RpcError, match="new_id: unknown field"):
            await client.request("ckit/entity/rename", {"id": "US-001", "newId": "US-002", "new_id": "US-003"})
        with pytest.raises(RpcError, match="work_done_token: unknown field"):
            await client.request("ckit/repo/open", {"path": "/", "work_done_token": 1})


async def test_R06_no_error_repeats_a_value_or_grows_with_the_number_of_mistakes() -> None:
    secret = "not-for-logs-" + "x" * 100_000
    async with daemon() as client:
        for params in (
            {"sessionId": "s", "text": "t", "attachments": [{"kind": secret, "id": "FEAT-001"}]},
            {"sessionId": secret, "text": 5, "mode": secret, "model": secret},
        ):
            with pytest.raises(RpcError) as caught:
                await client.request("ckit/turn/start", params)
            assert caught.value.code == "invalid_params"
            assert "not-for-logs" not in json.dumps(caught.value.error)
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/capabilities", {f"field{number}-{'y' * 150}": 1 for number in range(1000)})
        assert caught.value.message.endswith("; and 980 more")
        assert len(caught.value.message) < 2000
        assert len(caught.value.data["details"]["fields"]) == 20


@pytest.mark.parametrize("params", [None, {}, [], [None]])
async def test_parameters_may_be_absent_where_none_is_required(params: object) -> None:
    async with daemon() as client:
        assert await client.request("ckit/config/get", params)


async def test_null_parameters_are_as_good_as_none() -> None:
    async with daemon() as client:
        answer = client.expect(5)
        client.send({"jsonrpc": "2.0", "id": 5, "method": "ckit/capabilities", "params": None, "extra": 1})
        assert (await asyncio.wait_for(answer, TIMEOUT_SECONDS))["result"]


async def test_unknown_methods_are_named_and_optional_notifications_ignored() -> None:
    async with daemon() as client:
        client.notify("$/whatever", {"a": 1})
        client.notify("ckit/nothing", {})
        client.notify("$/cancelRequest", {"id": 99})
        client.notify("$/cancelRequest")
        for method in ("ckit/nothing", "$/whatever", "_", ""):
            with pytest.raises(RpcError) as caught:
                await client.request(method, {})
            assert caught.value.number == -32601


async def test_requests_before_initialize_are_refused() -> None:
    async with daemon(initialize=False) as client:
        for method in ("ckit/health", "textDocument/hover", "nope"):
            with pytest.raises(RpcError) as caught:
                await client.request(method)
            assert caught.value.number == -32002
        await client.initialize()
        assert await client.request("ckit/capabilities")


async def test_a_second_initialize_is_refused() -> None:
    async with daemon() as client:
        with pytest.raises(RpcError) as caught:
            await client.initialize()
        assert caught.value.number == -32600


async def test_only_exit_is_left_after_shutdown() -> None:
    async with daemon() as client:
        assert await client.request("shutdown") is None
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/health")
        assert caught.value.number == -32600


async def test_an_answer_to_nothing_is_ignored() -> None:
    async with daemon() as client:
        client.send({"jsonrpc": "2.0", "id": "x", "result": None})
        client.send({"jsonrpc": "2.0", "id": "y", "error": {"code": 1, "message": "m"}})
        assert await client.request("ckit/capabilities")


async def test_malformed_lsp_params_are_refused_with_a_reason() -> None:
    async with daemon() as client:
        with pytest.raises(RpcError) as caught:
            await client.request("workspace/executeCommand", {"command": 5, "arguments": 6})
        assert caught.value.number == -32602
        with pytest.raises(RpcError) as caught:
            await client.request("workspace/executeCommand", {"command": "nope"})
        assert caught.value.number == -32602
        client.notify("textDocument/didOpen", {"textDocument": 5})
        assert await client.request("ckit/capabilities")


@pytest.mark.parametrize("key", ["sk-planted-0123456789", "learnt-of-an-error-5512"])
async def test_R07_an_error_repeats_no_key_that_was_sent_in_a_wrong_place(key: str) -> None:
    redaction.learn("learnt-of-an-error-5512")
    async with daemon() as client:
        for method, params in (
            ("ckit/provider/test", {"provider": key}),
            ("ckit/config/get", {key: 1}),
            (f"ckit/{key}", {}),
        ):
            with pytest.raises(RpcError) as caught:
                await client.request(method, params)
            assert key not in json.dumps(caught.value.error)
            assert redaction.MASK in json.dumps(caught.value.error)
        # What names a secret is none.
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/config/get", {"apiKey": key})
        assert "apiKey: unknown field" in caught.value.message
