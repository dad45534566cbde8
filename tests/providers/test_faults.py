"""What goes wrong at each kind of provider, through a daemon and real HTTP: told, tried again where that helps."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from tests.providers.test_turns import FAILS_FAST, KINDS, deltas, talking_with
from tests.support.client import RpcError
from tests.support.model_server import Reply, ToolCallReply
from tests.support.model_server_wire import WIRES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.model_server_wire import Kind

pytestmark = pytest.mark.asyncio

PATIENT = {"circuitFailures": 1000, "retryBackoffSeconds": 0.001, "cache": False}
PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
STREAMED = {"stream": True, "stream_options": {"include_usage": True}, "messages": []}
LOOK = ToolCallReply("entity_details", {"id": "FEAT-001"})


@KINDS
async def test_an_answer_arrives_whole_however_its_bytes_are_cut(kind: Kind, tmp_path: Path) -> None:
    said = "Zürich 🎉 データ, and “quotes”\n\n```yaml\nid: FEAT-001\n```\n"
    look = Reply(text=said, tool_calls=[ToolCallReply("context_search", {"query": "Zürich 🎉"})], cut=1)
    async with talking_with(kind, tmp_path, look, Reply(text=said, cut=3), **PATIENT) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "endTurn"
        assert [item["text"] for item in await talk.items("message")] == [said, said]
        assert deltas(talk) == said + said
        [call] = await talk.items("toolCall")
        assert (call["arguments"], call["result"]) == ({"query": "Zürich 🎉"}, "ok")


@KINDS
async def test_several_tool_calls_of_one_answer_each_get_their_own_result(kind: Kind, tmp_path: Path) -> None:
    wanted = [ToolCallReply("entity_details", {"id": identifier}) for identifier in ("T-001", "US-002", "T-001")]
    async with talking_with(kind, tmp_path, Reply(tool_calls=wanted), Reply(text="Done."), **PATIENT) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        calls = await talk.items("toolCall")
        assert [(call["arguments"]["id"], call["result"]) for call in calls] == [
            ("T-001", "ok"), ("US-002", "ok"), ("T-001", "ok"),
        ]  # fmt: skip
        results = [message for message in talk.heard() if message["role"] == "tool"]
        assert [call["arguments"]["id"] in result["content"] for call, result in zip(calls, results, strict=True)] == (
            [True] * 3
        )
        if kind != "ollama":
            asked = next(message["tool_calls"] for message in talk.heard() if message.get("tool_calls"))
            assert [result["tool_call_id"] for result in results] == [call["id"] for call in asked]
            assert len({call["id"] for call in asked}) == 3


@KINDS
async def test_a_tool_that_is_not_there_or_not_called_so_is_told_to_the_model(kind: Kind, tmp_path: Path) -> None:
    wanted = [ToolCallReply("no_such_tool", {}), ToolCallReply("entity_details", {"id": 7, "more": True})]
    if kind != "ollama":
        # Ollama sends arguments as an object, which can't be broken.
        wanted.append(ToolCallReply("entity_details", '{"id": "FEAT-0'))
    async with talking_with(kind, tmp_path, Reply(tool_calls=wanted), Reply(text="Sorry."), **PATIENT) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        calls = await talk.items("toolCall")
        assert [call["result"] for call in calls] == ["error"] * len(wanted)
        results = [message["content"] for message in talk.heard() if message["role"] == "tool"]
        assert "no_such_tool" in results[0]
        assert "more: unknown field" in results[1]


UNREADABLE = [
    '{"id": 1180591620717411303424}',
    '{"id": NaN}',
    '{"id": -Infinity}',
    '{"id": 1e999}',
    '{"id": "\\ud83c"}',
    '{"id": ' * 600 + "1" + "}" * 600,
    '["FEAT-001"]',
    "null",
]
"""Python reads some of these, and others don't; what one of them wrote the next could not read."""


@pytest.mark.parametrize("kind", ["openai", "azure"])
async def test_arguments_that_not_everybody_can_read_are_told_to_the_model_and_the_session_goes_on(
    kind: Kind, tmp_path: Path
) -> None:
    wanted = Reply(tool_calls=[ToolCallReply("entity_details", text) for text in UNREADABLE])
    async with talking_with(kind, tmp_path, wanted, Reply(text="Sorry."), **PATIENT) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        assert [call["result"] for call in await talk.items("toolCall")] == ["error"] * len(UNREADABLE)
        results = [message["content"] for message in talk.heard() if message["role"] == "tool"]
        assert all("no JSON object" in result for result in results)
        assert len(results) == len(UNREADABLE)
        assert (await talk.turn("Go on."))["stopReason"] == "endTurn"


@KINDS
async def test_a_number_beyond_all_measure_does_not_end_the_session(kind: Kind, tmp_path: Path) -> None:
    wanted = Reply(tool_calls=[ToolCallReply("entity_details", {"id": 2**70})])
    async with talking_with(kind, tmp_path, wanted, Reply(text="Sorry."), **PATIENT) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        assert [call["result"] for call in await talk.items("toolCall")] == ["error"]
        assert (await talk.turn("Go on."))["stopReason"] == "endTurn"


@KINDS
async def test_halves_of_characters_that_come_one_by_one_are_put_together(kind: Kind, tmp_path: Path) -> None:
    frames = [frame.data for frame in WIRES[kind].frames(STREAMED, "scripted", Reply(chunks=["<1>", "<2>", "<3>"]))]
    body = b"".join(frames).replace(b"<1>", rb"A \ud83c").replace(b"<2>", rb"\udf89 B").replace(b"<3>", rb" \udf89!")
    whole = Reply(raw=body, headers={"content-type": WIRES[kind].content_type})
    async with talking_with(kind, tmp_path, whole, **PATIENT) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        assert [item["text"] for item in await talk.items("message")] == ["A 🎉 B \ufffd!"]
        assert deltas(talk) == "A 🎉 B \ufffd!"
        assert (await talk.turn("Go on."))["stopReason"] == "endTurn"


@pytest.mark.parametrize(("kind", "pieces"), [("openai", 2), ("openai", 4), ("azure", 2), ("azure", 4), ("ollama", 2)])
async def test_a_tool_call_whose_answer_breaks_off_is_not_run(kind: Kind, pieces: int, tmp_path: Path) -> None:
    # After two pieces the name of the call is there, after four all of it, and Ollama sends calls in one piece; the
    # word that the answer is complete is missing in each case.
    broken = Reply(text="Wait.", tool_calls=[LOOK], break_after=pieces)
    async with talking_with(kind, tmp_path, broken, **FAILS_FAST, **PATIENT) as talk:
        turn = await talk.turn()
        assert (turn["stopReason"], turn["failure"]["code"]) == ("error", "provider_unavailable")
        assert await talk.items("toolCall") == []
        assert [item["text"] for item in await talk.items("message")] == ["Wait."]
        assert len(talk.server.calls) == 1


# Long enough for a busy machine to send the request, and to read the first token, before they have passed.
SILENCES = {
    "before the first byte": (Reply(text="a b c", first_delay=60.0), {"firstOutputTimeoutSeconds": 2.5}),
    "before the first token": (Reply(text="a b c", stall_after=0), {"firstOutputTimeoutSeconds": 2.5}),
    "between two tokens": (Reply(text="a b c", stall_after=2), {"outputGapTimeoutSeconds": 0.5}),
    "before the end": (Reply(text="a b c", stall_after=3), {"outputGapTimeoutSeconds": 0.5}),
    "never, but slow": (Reply(text="a " * 500, gap=0.05), {"totalTimeoutSeconds": 4.0}),
}


@KINDS
@pytest.mark.parametrize("when", SILENCES)
async def test_R11_a_provider_that_says_nothing_is_hung_up_on(kind: Kind, when: str, tmp_path: Path) -> None:
    reply, deadline = SILENCES[when]
    async with talking_with(kind, tmp_path, reply, **FAILS_FAST, **PATIENT, **deadline) as talk:
        turn = await talk.turn()
        assert turn["stopReason"] == "error"
        assert turn["failure"]["code"] == "deadline_exceeded", turn["failure"]
        assert turn["failure"]["retryable"] is True
        await talk.server.wait_idle()
        assert len(talk.server.closed_at) == 1
        said = "".join(item["text"] for item in await talk.items("message"))
        assert said == deltas(talk)
        assert said.startswith("a") is ("first" not in when)


TRANSIENT = {
    "408": Reply(status=408),
    "429": Reply(status=429, headers={"Retry-After": "0"}),
    "500": Reply(status=500),
    "502 of a proxy": Reply(status=502, raw=PAGE),
    "503": Reply(status=503),
    "a closed connection": Reply(text="a", break_after=-1),
    "silence": Reply(text="a", stall_after=0),
}


@KINDS
async def test_R33_what_passes_is_tried_again_and_the_turn_does_not_notice(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, maxRetries=1, firstOutputTimeoutSeconds=5.0, **PATIENT) as talk:
        for number, (what, reply) in enumerate(TRANSIENT.items(), start=1):
            talk.server.enqueue(reply, Reply(text=f"After {what}."))
            turn = await talk.turn(f"Provoke {what}.")
            assert turn["stopReason"] == "endTurn", (what, turn)
            assert (await talk.items("message"))[-1]["text"] == f"After {what}."
            assert len(talk.server.calls) == 2 * number, what
        assert await talk.items("error") == []


@KINDS
async def test_R33_what_would_be_refused_again_is_asked_once(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, maxRetries=3, **PATIENT) as talk:
        for number, status in enumerate((400, 401, 403, 404, 422), start=1):
            talk.server.enqueue(Reply(status=status))
            turn = await talk.turn(f"Provoke {status}.")
            assert turn["stopReason"] == "error", status
            assert turn["failure"].get("retryable", False) is False
            assert len(talk.server.calls) == number, status


WAITS = {"seconds": lambda: "120", "a date": lambda: formatdate(time.time() + 120, usegmt=True)}


@KINDS
@pytest.mark.parametrize("form", WAITS)
async def test_R33_a_wait_that_is_too_long_is_left_to_the_person_who_learns_how_long(
    kind: Kind, form: str, tmp_path: Path
) -> None:
    busy = Reply(status=429, headers={"Retry-After": WAITS[form]()})
    async with talking_with(kind, tmp_path, busy, maxRetryWaitSeconds=5.0, **PATIENT) as talk:
        turn = await talk.turn()
        assert (turn["stopReason"], turn["failure"]["code"]) == ("error", "rate_limited")
        assert 100_000 < turn["failure"]["retryAfterMs"] <= 120_000
        assert len(talk.server.calls) == 1
        [item] = await talk.items("error")
        assert item["failure"] == turn["failure"]


@KINDS
async def test_a_model_that_the_provider_does_not_have_is_told_in_its_own_words(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **PATIENT) as talk:
        turn = await talk.turn(model="test/no-such-model")
        assert (turn["stopReason"], turn["failure"]["code"]) == ("error", "provider_error")
        assert "does not know the model" in turn["failure"]["message"]
        assert "It says:" in turn["failure"]["message"]
        assert (await talk.turn("Again.", model="test/scripted"))["stopReason"] == "endTurn"


NO_ANSWERS = {
    "a page of a proxy": (Reply(raw=PAGE), "provider_unavailable"),
    "nothing": (Reply(raw=b""), "provider_unavailable"),
    "JSON that is no answer": (Reply(raw=b'{"hello": "world"}'), "provider_unavailable"),
    "a list": (Reply(raw=b"[1, 2, 3]"), "provider_unavailable"),
    "null": (Reply(raw=b"null"), "provider_unavailable"),
    "bytes": (Reply(raw=bytes(range(256))), "provider_unavailable"),
    "an error without a body": (Reply(status=500, raw=b""), "provider_unavailable"),
    "an error with a page": (Reply(status=503, raw=PAGE), "provider_unavailable"),
    "a refusal with a page": (Reply(status=401, raw=PAGE), "provider_error"),
    "a redirection": (Reply(status=302, raw=b"", headers={"Location": "http://127.0.0.1:9/"}), "provider_error"),
    "an end without a word": (Reply(text="a b c", ends_after=2), "provider_unavailable"),
}


@KINDS
async def test_R06_what_is_no_answer_ends_the_turn_with_an_error_of_ours(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **FAILS_FAST, **PATIENT) as talk:
        for what, (reply, code) in NO_ANSWERS.items():
            talk.server.enqueue(reply)
            turn = await talk.turn(f"Provoke {what}.")
            assert turn["stopReason"] == "error", (what, turn)
            assert turn["failure"]["code"] == code, (what, turn["failure"])
            assert len(turn["failure"]["message"]) < 1000
            said = [item["text"] for item in await talk.items("message") if item["turnId"] == turn["id"]]
            assert said == (["a b"] if reply.ends_after else []), what
        assert (await talk.turn("And now?"))["stopReason"] == "endTurn"


@KINDS
async def test_a_connection_that_was_closed_between_two_turns_is_made_anew(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **FAILS_FAST, **PATIENT) as talk:
        for number in range(3):
            assert (await talk.turn(f"Question {number}"))["stopReason"] == "endTurn"
            await talk.server.hang_up()
        assert len(talk.server.calls) == 3


@KINDS
async def test_a_provider_that_is_not_there_is_told_and_found_again_when_it_is(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **FAILS_FAST, **PATIENT) as talk:
        assert (await talk.turn())["stopReason"] == "endTurn"
        talk.server.stop()
        turn = await talk.turn("And now?")
        assert (turn["stopReason"], turn["failure"]["code"]) == ("error", "provider_unavailable")
        assert turn["failure"]["retryable"] is True
        assert "can't be reached" in turn["failure"]["message"]
        assert (await talk.turn("Without it?", model="offline/offline"))["stopReason"] == "endTurn"
        found = await talk.client.request("ckit/provider/test", {"provider": "test", "model": "scripted"})
        assert (found["ok"], found["error"]["code"]) == (False, "provider_unavailable")
        if kind != "azure":
            with pytest.raises(RpcError) as caught:
                await talk.client.request("ckit/provider/models", {"provider": "test"})
            assert caught.value.code == "provider_unavailable"


@KINDS
async def test_a_specification_that_breaks_off_is_an_error_and_leaves_nothing(kind: Kind, tmp_path: Path) -> None:
    async with talking_with(kind, tmp_path, **FAILS_FAST, **PATIENT) as talk:
        before = {path: path.read_bytes() for path in talk.root.rglob("*.yaml")}
        for reply, code in (
            (Reply(status=401), "provider_error"),
            (Reply(status=429), "rate_limited"),
            (Reply(status=503), "provider_unavailable"),
            (Reply(text="# Half a", break_after=2), "provider_unavailable"),
            (Reply(text="# Half a", malformed_after=2), "provider_unavailable"),
            (Reply(text="# Half a", error_after=2), "provider_unavailable"),
        ):
            talk.server.enqueue(reply)
            with pytest.raises(RpcError) as caught:
                await talk.client.request(
                    "ckit/spec/generate", {"requirement": "X", "apply": True, "bypassCache": True}
                )
            assert caught.value.code == code, (reply, caught.value)
            assert caught.value.data["details"]["generationId"]
        assert {path: path.read_bytes() for path in talk.root.rglob("*.yaml")} == before
        assert json.dumps(await talk.items()) == "[]"


@KINDS
async def test_a_key_that_is_refused_is_told_by_its_reference_wherever_the_provider_is_asked(
    kind: Kind, tmp_path: Path
) -> None:
    async with talking_with(kind, tmp_path, maxRetries=3, **PATIENT) as talk:
        talk.server.key = "another-key-0123456789"
        named = "env:CKIT_TEST_AZURE_KEY" if kind == "azure" else "apiKey"
        turn = await talk.turn()
        tried = await talk.client.request("ckit/provider/test", {"provider": "test", "model": "scripted"})
        for failure in (turn["failure"], tried["error"] | {"message": tried["detail"]}):
            assert (failure["code"], failure.get("retryable", False)) == ("provider_error", False)
            assert named in failure["message"]
        if kind != "azure":
            # Azure has no list of deployments, so that it is not asked.
            with pytest.raises(RpcError, match=named) as caught:
                await talk.client.request("ckit/provider/models", {"provider": "test"})
            assert caught.value.code == "provider_error"
        assert len(talk.server.calls) == 2
        talk.server.key = None
        assert (await talk.turn("And now?"))["stopReason"] == "endTurn"
