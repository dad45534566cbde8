"""Calls that go wrong, over real HTTP: retries, fallbacks, deadlines, the circuit."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.core.errors import (
    CkitError,
    ContextTooLongError,
    DeadlineExceededError,
    GenerationFailedError,
    OverloadedError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from ckit_daemon.services.assistant.gateway import ModelCall, attempt
from tests.support.gateways import ask, gateways
from tests.support.model_server import Reply, model_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.support.model_server_reply import Json

pytestmark = pytest.mark.asyncio

DOWN = Reply(status=503)
GENEROUS = 25.0
"""Seconds for what takes one or two: far less than the deadlines that the settings have by themselves."""


async def test_R33_a_transient_failure_is_tried_again(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(DOWN, Reply(break_after=-1), Reply(status=429), Reply(text="At last."))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway)
            assert heard.error is None
            assert heard.text == "At last."
            assert heard.info.attempts == 4
            assert built.metrics.answers.retries == 3
            assert built.gateway.circuits() == {"test": "closed"}


async def test_R33_a_failure_that_lasts_is_reported_after_so_many_tries(tmp_path: Path) -> None:
    with model_server() as server:
        server.respond = lambda _: DOWN
        async with gateways(tmp_path, {"test": server}, maxRetries=2) as built:
            heard = await ask(built.gateway)
        assert isinstance(heard.error, ProviderUnavailableError)
        assert len(server.calls) == 3


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_would_be_refused_again_is_not_tried_again(tmp_path: Path, status: int) -> None:
    with model_server() as server:
        server.enqueue(Reply(status=status))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway)
        assert isinstance(heard.error, ProviderError)
        assert len(server.calls) == 1


async def test_messages_that_the_provider_finds_too_long_are_left_to_the_caller(tmp_path: Path) -> None:
    with model_server() as server, model_server() as other:
        server.enqueue(Reply(status=400))
        async with gateways(tmp_path, {"test": server, "other": other}, fallbacks=["other/scripted"]) as built:
            heard = await ask(built.gateway)
        assert isinstance(heard.error, ContextTooLongError)
        assert (len(server.calls), len(other.calls)) == (1, 0)


async def test_R33_the_wait_that_a_provider_asks_for_is_kept(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(status=429, headers={"retry-after": "1"}), Reply(text="Now."))
        async with gateways(tmp_path, {"test": server}) as built:
            begun = time.monotonic()
            heard = await ask(built.gateway)
            assert heard.text == "Now."
            assert time.monotonic() - begun >= 1.0


async def test_R33_a_wait_beyond_what_the_settings_allow_is_the_callers_to_decide(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(status=429, headers={"retry-after": "600"}))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway)
        assert isinstance(heard.error, RateLimitedError)
        assert heard.error.retry_after_ms == 600_000
        assert len(server.calls) == 1


async def test_R33_a_wait_that_passes_the_deadline_is_not_begun(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(status=503, headers={"retry-after": "40"}))
        async with gateways(tmp_path, {"test": server}, totalTimeoutSeconds=20.0, maxRetryWaitSeconds=60.0) as built:
            heard = await ask(built.gateway)
        assert isinstance(heard.error, ProviderUnavailableError)
        assert len(server.calls) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text="One two three", break_after=1),
        Reply(text="One two three", malformed_after=1),
        Reply(text="One two three", error_after=1),
    ],
    ids=["break", "malformed", "error"],
)
async def test_an_answer_that_breaks_off_is_not_begun_again_and_what_was_said_stays(
    tmp_path: Path, reply: Reply
) -> None:
    with model_server() as server, model_server() as other:
        server.enqueue(reply)
        async with gateways(tmp_path, {"test": server, "other": other}, fallbacks=["other/scripted"]) as built:
            heard = await ask(built.gateway)
        assert heard.text == "One"
        assert isinstance(heard.error, ProviderUnavailableError)
        assert heard.info.finish == "interrupted"
        assert heard.info.usage.estimated
        assert heard.info.usage.output_tokens >= 1
        assert len(server.calls) == 1
        assert other.calls == []


async def test_a_provider_that_would_not_stop_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "MAX_CHARACTERS", 1000)
    with model_server() as server:
        server.enqueue(Reply(text="word " * 100_000, stall_after=90_000))
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway)
            assert isinstance(heard.error, GenerationFailedError)
            assert "did not stop" in heard.error.message
            assert 900 < len(heard.text) <= 1000
            assert heard.info.finish == "interrupted"
            await server.wait_idle()
        assert len(server.calls) == 1


async def test_R18_fallbacks_are_asked_in_their_order_and_the_answer_says_so(tmp_path: Path) -> None:
    with model_server() as first, model_server() as second, model_server() as third:
        first.respond = second.respond = lambda _: DOWN
        third.enqueue(Reply(text="From the third."))
        servers = {"first": first, "second": second, "third": third}
        chain = ["second/scripted-b", "first/scripted", "third/scripted"]
        async with gateways(tmp_path, servers, fallbacks=chain, maxRetries=1) as built:
            heard = await ask(built.gateway)
        assert heard.error is None
        assert heard.text == "From the third."
        assert (heard.info.provider, heard.info.model, heard.info.attempts) == ("third", "scripted", 5)
        assert heard.info.note is not None
        assert "first/scripted could not answer; third/scripted did instead" in heard.info.note
        assert "The provider first failed (HTTP " in heard.info.note
        assert [len(server.calls) for server in (first, second, third)] == [2, 2, 1]
        assert second.calls[0].body["model"] == "scripted-b"


async def test_R18_a_refused_key_or_a_missing_provider_of_a_fallback_does_not_end_the_chain(tmp_path: Path) -> None:
    with model_server() as first, model_server() as last:
        first.respond = lambda _: Reply(status=401)
        chain = ["gone/model", "last/scripted"]
        async with gateways(tmp_path, {"first": first, "last": last}, fallbacks=chain) as built:
            heard = await ask(built.gateway, "Echo")
        assert heard.text == "Echo"
        assert heard.info.provider == "last"


async def test_R18_when_all_fail_the_chosen_models_error_is_told_and_what_the_others_say(tmp_path: Path) -> None:
    with model_server() as first, model_server() as second:
        first.respond = lambda _: Reply(status=429)
        second.respond = lambda _: Reply(status=401)
        servers = {"first": first, "second": second}
        async with gateways(tmp_path, servers, fallbacks=["second/scripted"], maxRetries=0) as built:
            heard = await ask(built.gateway)
        assert isinstance(heard.error, RateLimitedError)
        assert "second/scripted: The provider second wants a key" in heard.error.message
        assert len(second.calls) == 1


async def test_R18_when_all_fail_an_old_answer_is_told_and_marked(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="From back then."))
        now = [1000.0]
        options: Json = {"maxRetries": 0, "cacheMaxAgeSeconds": 60.0}
        async with gateways(tmp_path, {"test": server}, clock=lambda: now[0], **options) as built:
            first = await ask(built.gateway)
            assert (first.text, first.error) == ("From back then.", None)
            now[0] += 61
            server.respond = lambda _: DOWN
            heard = await ask(built.gateway)
            assert heard.error is None
            assert heard.text == "From back then."
            assert heard.info.cached
            assert heard.info.note is not None
            assert "kept" in heard.info.note
            assert built.metrics.answers.stale_hits == 1
            bypassing = await ask(built.gateway, call=ModelCall(bypass_cache=True))
            assert isinstance(bypassing.error, ProviderUnavailableError)


async def test_R11_the_first_output_has_a_deadline_and_late_ones_are_tried_again(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="Too late", stall_after=0), Reply(text="In time"))
        async with gateways(tmp_path, {"test": server}, firstOutputTimeoutSeconds=4.0) as built:
            heard = await ask(built.gateway)
            assert heard.text == "In time"
            assert heard.info.attempts == 2
        server.enqueue(Reply(text="Too late", stall_after=0))
        async with gateways(tmp_path, {"test": server}, firstOutputTimeoutSeconds=0.2, maxRetries=0) as built:
            begun = time.monotonic()
            heard = await ask(built.gateway, "Again")
            assert time.monotonic() - begun < GENEROUS
            assert isinstance(heard.error, DeadlineExceededError)
            assert heard.error.details["deadline"] == "firstOutput"
        await server.wait_idle()


async def test_R11_a_provider_that_shows_signs_of_life_has_more_time_for_the_first_output(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(chunks=["", "", "", "", "", "Read."], gap=1.0))
        async with gateways(tmp_path, {"test": server}, firstOutputTimeoutSeconds=4.0, maxRetries=0) as built:
            heard = await ask(built.gateway)
    assert heard.error is None
    assert heard.text == "Read."


async def test_R11_a_pause_within_an_answer_has_a_deadline(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="One two three", stall_after=2))
        async with gateways(tmp_path, {"test": server}, outputGapTimeoutSeconds=4.0) as built:
            begun = time.monotonic()
            heard = await ask(built.gateway)
            assert time.monotonic() - begun < GENEROUS
            assert heard.text == "One two"
            assert isinstance(heard.error, DeadlineExceededError)
            assert heard.error.details["deadline"] == "outputGap"
            assert heard.info.finish == "interrupted"
        await server.wait_idle()


async def test_R11_a_whole_answer_has_a_deadline_however_steadily_it_comes(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="word " * 2000, gap=0.05))
        async with gateways(tmp_path, {"test": server}, provider={"totalTimeoutSeconds": 6.0}) as built:
            heard = await ask(built.gateway)
            assert heard.text.startswith("word word")
            assert isinstance(heard.error, DeadlineExceededError)
            assert heard.error.details["deadline"] == "total"
        await server.wait_idle()


@contextlib.contextmanager
def silence() -> Generator[str]:
    """An address that takes no more connections and refuses none: its backlog is full."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


async def test_R11_the_connection_has_a_deadline(tmp_path: Path) -> None:
    with model_server() as server, silence() as address:
        options = {"baseUrl": address, "connectTimeoutSeconds": 0.3, "firstOutputTimeoutSeconds": 3.0}
        async with gateways(tmp_path, {"test": server}, provider=options, maxRetries=0) as built:
            begun = time.monotonic()
            heard = await ask(built.gateway)
    assert isinstance(heard.error, ProviderUnavailableError | DeadlineExceededError)
    assert heard.error.retryable
    assert time.monotonic() - begun < GENEROUS


async def test_R27_a_provider_that_keeps_failing_is_left_alone_and_tried_again_later(tmp_path: Path) -> None:
    with model_server() as server:
        server.respond = lambda _: DOWN
        options: Json = {"maxRetries": 5, "circuitFailures": 3, "circuitResetSeconds": 60.0}
        async with gateways(tmp_path, {"test": server}, **options) as built:
            heard = await ask(built.gateway)
            assert isinstance(heard.error, ProviderUnavailableError)
            assert len(server.calls) == 3
            assert built.gateway.circuits() == {"test": "open"}
            refused = await ask(built.gateway)
            assert isinstance(refused.error, CkitError)
            assert refused.error.retry_after_ms
            assert len(server.calls) == 3
            server.respond = lambda _: Reply(text="Back again.")
            built.gateway._targets._circuits["test"]._clock = lambda: time.monotonic() + 60
            assert built.gateway.circuits() == {"test": "halfOpen"}
            assert (await ask(built.gateway)).text == "Back again."
            assert built.gateway.circuits() == {"test": "closed"}


async def test_R27_a_call_to_a_provider_that_is_left_alone_does_not_wait_for_a_place_first(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="Slow", stall_after=0))
        async with gateways(tmp_path, {"test": server}, provider={"maxConcurrent": 1}) as built:
            slow = asyncio.create_task(ask(built.gateway, "1"))
            await server.wait_stalled()
            built.gateway._targets._circuits["test"]._opened_at = time.monotonic()
            heard = await ask(built.gateway, "2")
            assert isinstance(heard.error, ProviderUnavailableError)
            assert heard.error.details["circuit"] == "open"
            slow.cancel()
            await asyncio.wait([slow])


async def test_an_answer_that_ends_without_a_word_about_why_has_broken_off(tmp_path: Path) -> None:
    event = (
        b'data: {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [%s]}\n\n'
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        writer.write(event % b'{"index": 0, "delta": {"role": "assistant", "content": "Half"}, "finish_reason": null}')
        await writer.drain()
        writer.close()

    with model_server() as server:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
            url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
            async with gateways(tmp_path, {"test": server}, provider={"baseUrl": url}) as built:
                heard = await ask(built.gateway)
    assert heard.text == "Half"
    assert isinstance(heard.error, ProviderUnavailableError)
    assert heard.info.finish == "interrupted"


async def test_R05_more_calls_than_may_wait_are_refused_and_the_queue_shows_in_the_metrics(tmp_path: Path) -> None:
    with model_server() as server:
        server.respond = lambda _: Reply(text="Slow", stall_after=0)
        async with gateways(tmp_path, {"test": server}, provider={"maxConcurrent": 1}, maxQueued=1) as built:
            first = asyncio.create_task(ask(built.gateway, "1"))
            await server.wait_stalled()
            queued = asyncio.Event()
            note = built.gateway._places._on_queue
            built.gateway._places._on_queue = lambda waiting: (note(waiting), queued.set() if waiting else None)[0]
            second = asyncio.create_task(ask(built.gateway, "2"))
            await queued.wait()
            assert built.gateway.queue_depth() == 1
            assert built.metrics.models_queued == 1
            heard = await ask(built.gateway, "3")
            assert isinstance(heard.error, OverloadedError)
            assert heard.error.retry_after_ms
            for task in (first, second):
                task.cancel()
            await asyncio.wait([first, second])
            assert built.metrics.models_queued == 0


async def test_R05_a_provider_takes_so_many_requests_a_minute_and_the_rest_is_told_to_wait(tmp_path: Path) -> None:
    with model_server() as server:
        options = {"requestsPerMinute": 2}
        async with gateways(tmp_path, {"test": server}, provider=options, totalTimeoutSeconds=5.0) as built:
            for number in range(2):
                assert (await ask(built.gateway, f"{number}")).error is None
            heard = await ask(built.gateway, "2")
            assert isinstance(heard.error, RateLimitedError)
            assert heard.error.retry_after_ms
            assert heard.error.retry_after_ms > 5000
        assert len(server.calls) == 2


async def test_R28_messages_that_do_not_fit_are_refused_before_the_call(tmp_path: Path) -> None:
    options = {"models": {"scripted": {"contextTokens": 3000, "maxOutputTokens": 500}}}
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}, provider=options) as built:
            assert (await ask(built.gateway, "word " * 1000)).error is None
            heard = await ask(built.gateway, "word " * 4000)
            assert isinstance(heard.error, ContextTooLongError)
            assert heard.error.details["limit"] == 2500
            assert heard.error.details["estimated"] is True
        assert len(server.calls) == 1


async def test_R28_an_answer_is_no_longer_than_the_context_has_room_for(tmp_path: Path) -> None:
    options = {"models": {"scripted": {"contextTokens": 6000}}}
    with model_server() as server:
        server.respond = lambda _: Reply(text="Well.")
        async with gateways(tmp_path, {"test": server}, provider=options, maxOutputTokens=4096) as built:
            assert await built.gateway.room() == 4500
            for words in (100, 1500, 3000):
                assert (await ask(built.gateway, "word " * words)).error is None
        longest = [call.body.get("max_tokens") or call.body["max_completion_tokens"] for call in server.calls]
    # A word takes 10 tokens in 7 by the estimate, which may be too low by a tenth.
    assert longest == [4096, 6000 - 2357, 6000 - 4714]


async def test_R28_a_server_that_would_cut_what_is_too_long_is_asked_for_the_size_of_its_context(
    tmp_path: Path,
) -> None:
    with model_server("ollama") as server:
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway, "word " * 6000)
            assert isinstance(heard.error, ContextTooLongError)
            assert await built.gateway.context_tokens() == 8192
        assert server.calls == []
