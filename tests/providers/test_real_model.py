"""Against llama.cpp with a real model: over HTTP, through a proxy that speaks Ollama's API, and in this process.

135 million parameters talk fluent nonsense, so that these tests look at how it comes and not at what it says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema
import psutil
import pytest

from ckit_daemon.core.errors import ContextTooLongError, ProviderError
from ckit_daemon.services.assistant.providers.base import ModelParameters
from ckit_daemon.services.assistant.providers.local_engine import BATCH_TOKENS, Engine
from ckit_daemon.services.assistant.providers.registry import ProviderRegistry
from ckit_daemon.services.assistant.secrets import SecretStore
from ckit_daemon.settings import ModelsSettings, ProviderSettings, Settings
from tests.providers.test_secrets import Person
from tests.support import client as support_client
from tests.support.chroma_server import free_port
from tests.support.daemon import daemon
from tests.support.llama import ANSWER_SECONDS, CONTEXT_TOKENS, MODEL, llama_server, needs_llama
from tests.support.repositories import copy_example
from tests.support.talk import Talk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.providers.base import Provider
    from tests.support.client import Json
    from tests.support.llama import LlamaServer

pytestmark = [pytest.mark.asyncio, needs_llama]

NAME = MODEL.stem if MODEL else ""
PERSON: Json = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PATIENT: Json = {"firstOutputTimeoutSeconds": ANSWER_SECONDS, "outputGapTimeoutSeconds": 60.0}
ONE_TOOL_GROUP: Json = dict.fromkeys(("generation", "edits", "impact", "graph", "pipelines", "prompts"), False)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers as long as one thread of a busy machine needs."""
    monkeypatch.setattr(support_client, "TIMEOUT_SECONDS", ANSWER_SECONDS)
    monkeypatch.setattr("tests.support.talk.TIMEOUT_SECONDS", ANSWER_SECONDS)


@pytest.fixture(scope="module")
def llama() -> Generator[LlamaServer]:
    with llama_server() as server:
        yield server


@contextlib.asynccontextmanager
async def talking_with(provider: Json, folder: Path, **config: Any) -> AsyncGenerator[Talk]:
    """A session with the real model."""
    root = copy_example(folder / "example", git=False)
    environment = {"CKIT_PATHS_CACHE_DIR": str(folder / "cache"), "CKIT_PATHS_STATE_DIR": str(folder / "state")}
    models: Json = {"providers": {"real": provider}, "chat": f"real/{NAME}", "temperature": 0.0, **PATIENT}
    async with daemon({"config": {"models": models, **config}}, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(root)})
        created = await client.request("ckit/session/create", {})
        yield Talk(client, None, root, created["session"]["id"])  # type: ignore[arg-type] - no scripted server here.


def over_http(llama: LlamaServer, **more: Any) -> Json:
    return {"kind": "openai", "baseUrl": f"{llama.base_url}/v1", "toolMode": "none", **more}


def parameters(tokens: int = 48) -> ModelParameters:
    return ModelParameters(0.0, tokens, 10.0, ANSWER_SECONDS, "test")


@contextlib.asynccontextmanager
async def provider_of(settings: ProviderSettings) -> AsyncGenerator[Provider]:
    """The provider itself, without a daemon around it."""
    all_settings = Settings(models=ModelsSettings(providers={"real": settings}))
    registry = ProviderRegistry(lambda: all_settings, SecretStore(Person(), lambda: all_settings))
    yield await registry.get("real")
    await registry.aclose()


async def check_streaming(talk: Talk) -> None:
    turn = await talk.turn("Tell me about a cat.", maxOutputTokens=16)
    [message] = await talk.items("message")
    pieces = [event["text"] for event in talk.events if event["type"] == "itemDelta"]
    assert turn["stopReason"] in {"endTurn", "maxTokens"}
    assert message["text"] == "".join(pieces)
    assert message["text"].strip()
    assert 0 < message["usage"]["outputTokens"] <= 16
    assert message["usage"]["inputTokens"] > 100
    assert "estimated" not in message["usage"]


async def check_cancelling(talk: Talk) -> None:
    turn = talk.start("Tell me a long story about a cat, a dog and a bird.", maxOutputTokens=4000)
    first = await talk.until(lambda event: event["type"] == "itemDelta")
    await talk.cancel()
    ended = (await turn)["turn"]
    assert ended["stopReason"] == "cancelled"
    [message] = await talk.items("message")
    assert message["text"].startswith(first["text"])


async def check_constrained(provider: Provider) -> None:
    model = await provider.chat_model(NAME, parameters())
    said = ""
    async for chunk in model.bind(**provider.constrained(PERSON, "person")).astream("Invent a person."):
        said += chunk.text
    jsonschema.validate(json.loads(said), PERSON)


async def test_a_real_server_streams_through_a_session(llama: LlamaServer, tmp_path: Path) -> None:
    async with talking_with(over_http(llama), tmp_path) as talk:
        await check_streaming(talk)


async def test_R31_a_real_server_stops_computing_when_the_turn_is_cancelled(llama: LlamaServer, tmp_path: Path) -> None:
    async with talking_with(over_http(llama), tmp_path) as talk:
        await check_cancelling(talk)
        async with asyncio.timeout(ANSWER_SECONDS):
            while not await llama.is_idle():
                pass


async def test_a_real_server_keeps_to_a_json_schema(llama: LlamaServer) -> None:
    async with provider_of(ProviderSettings(kind="openai", base_url=f"{llama.base_url}/v1")) as provider:
        await check_constrained(provider)


async def test_a_model_without_tool_calls_chooses_an_action_by_schema(llama: LlamaServer, tmp_path: Path) -> None:
    provider = over_http(llama, toolMode="schema")
    limits = {"maxToolCalls": 1}
    async with talking_with(provider, tmp_path, features=ONE_TOOL_GROUP, assistant=limits) as talk:
        turn = await talk.turn("What is FEAT-001?", maxOutputTokens=220)
        items = await talk.items()
    assert turn["stopReason"] in {"endTurn", "maxTokens", "maxToolCalls"}, turn
    calls = [item for item in items if item["kind"] == "toolCall"]
    texts = [item["text"] for item in items if item["kind"] == "message" and item["text"]]
    assert calls or texts
    for text in texts:
        assert '"action"' not in text, "the action is machinery, and not for people"


async def test_R32_a_real_server_lists_its_model_with_its_context(llama: LlamaServer, tmp_path: Path) -> None:
    async with talking_with(over_http(llama), tmp_path) as talk:
        found = await talk.client.request("ckit/provider/models", {"provider": "real"})
    assert [(model["name"], model["contextTokens"]) for model in found["models"]] == [(NAME, CONTEXT_TOKENS)]


async def test_a_real_server_refuses_what_does_not_fit_into_its_context(llama: LlamaServer) -> None:
    async with provider_of(ProviderSettings(kind="openai", base_url=f"{llama.base_url}/v1")) as provider:
        model = await provider.chat_model(NAME, parameters())
        with pytest.raises(Exception, match="context") as caught:
            await model.ainvoke("word " * (2 * CONTEXT_TOKENS))
        assert isinstance(provider.translate(caught.value), ContextTooLongError)


@contextlib.asynccontextmanager
async def ollama_proxy(llama: LlamaServer) -> AsyncGenerator[str]:
    """A server with Ollama's API in front of llama.cpp."""
    port = free_port()
    program = Path(sys.executable).with_name("ollama-proxy")
    process = await asyncio.create_subprocess_exec(
        program,
        *("serve", "--host", "127.0.0.1", "--port", str(port)),
        env={
            "PATH": "",
            "PROVIDERS_LLAMA_API_KEY": "EMPTY",
            "PROVIDERS_LLAMA_BASE_URL": f"{llama.base_url}/v1",
            "EXTRA_MODELS": f"llama/{NAME}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            while b"running on" not in (line := await process.stdout.readline()):
                assert line, "the proxy ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.skipif(
    not Path(sys.executable).with_name("ollama-proxy").exists(), reason="ollama-proxy-plus is not installed"
)
async def test_the_ollama_provider_works_on_a_server_that_we_did_not_write(llama: LlamaServer) -> None:
    async with ollama_proxy(llama) as base_url, provider_of(ProviderSettings(kind="ollama", base_url=base_url)) as it:
        listed = await it.models()
        assert listed is not None
        [name] = [model.name for model in listed if NAME in model.name]
        model = await it.chat_model(name, parameters(12))
        pieces = [chunk.text async for chunk in model.astream("Tell me about a cat.")]
        assert len([piece for piece in pieces if piece]) > 3
        with pytest.raises(Exception, match=r".") as caught:
            await (await it.chat_model("nobody/nothing", parameters(12))).ainvoke("Hello")
        assert it.translate(caught.value).code in {"provider_error", "provider_unavailable"}


async def test_a_model_in_this_process_streams_through_a_session_and_listens_nowhere(tmp_path: Path) -> None:
    before = listening()
    async with talking_with({"kind": "local", "toolMode": "none"}, tmp_path) as talk:
        await check_streaming(talk)
        assert listening() == before
        await check_cancelling_in_process(talk)


async def check_cancelling_in_process(talk: Talk) -> None:
    turn = talk.start("Tell me a long story.", maxOutputTokens=4000)
    seen = len(talk.events)
    await talk.until(lambda event: event["type"] == "itemDelta" and event in talk.events[seen:])
    await talk.cancel()
    assert (await turn)["turn"]["stopReason"] == "cancelled"
    # The one place is free again.
    after = await talk.turn("Say hello.", maxOutputTokens=4)
    assert after["stopReason"] in {"endTurn", "maxTokens"}


def listening() -> set[tuple[Any, ...]]:
    """What this process listens on, Unix sockets included."""
    found = psutil.Process().net_connections("all")
    return {
        (c.family, c.laddr) for c in found if c.status == psutil.CONN_LISTEN or (c.family == socket.AF_UNIX and c.laddr)
    }


async def test_a_model_in_this_process_keeps_to_a_json_schema_and_to_its_context() -> None:
    async with provider_of(ProviderSettings(kind="local")) as provider:
        await check_constrained(provider)
        model = await provider.chat_model(NAME, parameters())
        with pytest.raises(Exception, match="context") as caught:
            await model.ainvoke("word " * (2 * CONTEXT_TOKENS))
        assert isinstance(provider.translate(caught.value), ContextTooLongError)


async def test_R31_a_model_in_this_process_can_be_stopped_while_it_still_reads_the_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[int] = []
    answer = Engine.answer

    def counted(engine: Engine, request: JsonObject, take: Callable[[JsonObject], bool]) -> None:
        chunks: list[JsonObject] = []
        answer(engine, request, lambda chunk: chunks.append(chunk) or take(chunk))
        said.append(len(chunks))

    monkeypatch.setattr(Engine, "answer", counted)
    async with provider_of(ProviderSettings(kind="local")) as provider:
        stream = (await provider.chat_model(NAME, parameters())).astream("word " * 40 * BATCH_TOKENS)
        # What comes so early says how far the prompt is read, and holds no text.
        assert not (await anext(stream)).text
        assert not (await anext(stream)).text
        await cast("AsyncGenerator[Any]", stream).aclose()
        # The one place is free again.
        after = [chunk.text async for chunk in (await provider.chat_model(NAME, parameters(4))).astream("Say hello.")]
    assert "".join(after).strip()
    stopped, whole = said
    assert stopped < 20
    assert whole > 0


async def test_a_missing_model_file_is_an_error_that_says_what_there_is(tmp_path: Path) -> None:
    async with talking_with({"kind": "local"}, tmp_path) as talk:
        unknown = await talk.client.request("ckit/provider/test", {"provider": "real", "model": "nothing"})
    assert unknown["error"]["code"] == "not_found"
    assert NAME in unknown["detail"]


async def test_a_file_that_is_no_model_is_an_error_and_no_crash(tmp_path: Path) -> None:
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"GGUF" + b"\x00" * 64)
    async with provider_of(ProviderSettings(kind="local", model_path=str(fake))) as provider:
        assert [info.name for info in await provider.models() or ()] == ["fake"]
        model = await provider.chat_model("fake", parameters())
        with pytest.raises(Exception, match=r".") as caught:
            await model.ainvoke("Hello")
        error = provider.translate(caught.value)
    assert isinstance(error, ProviderError)
    assert "fake.gguf" in error.message
