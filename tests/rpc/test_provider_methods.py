"""The methods about providers, and how the daemon comes by their keys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import RpcError
from tests.support.daemon import daemon, spawned
from tests.support.model_server import Reply, model_server, provider_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from tests.support.client import Client, Json
    from tests.support.model_server_wire import Kind

pytestmark = pytest.mark.asyncio

KEY = "planted-key-5d1e7a90c3"
ASK = "ckit/secret/request"


@contextlib.asynccontextmanager
async def daemon_with(
    providers: Json, folder: Path, *, answers: list[str] | None = None, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Client]:
    """A daemon with these providers."""
    own = {"CKIT_PATHS_CACHE_DIR": str(folder / "cache"), "CKIT_PATHS_STATE_DIR": str(folder / "state")}
    options: Json = {"config": {"models": {"providers": providers}}, "answers": answers or []}
    async with daemon(options, environment={**own, **(environment or {})}) as client:
        yield client


async def try_it(client: Client, **params: Any) -> Json:
    """The outcome of one short request."""
    return await client.request("ckit/provider/test", {"provider": "test", "model": "scripted", **params})


async def warnings(client: Client) -> list[str]:
    """What the daemon says about options that it did not take over."""
    return [w["message"] for w in (await client.request("ckit/config/get", {}))["warnings"]]


async def test_a_fresh_daemon_has_the_offline_provider_and_it_answers(tmp_path: Path) -> None:
    async with daemon_with({}, tmp_path) as client:
        listed = await client.request("ckit/provider/list")
        outcome = await client.request("ckit/provider/test", {"provider": "offline"})
    [offline] = listed["providers"]
    assert (offline["name"], offline["status"], offline["circuit"]) == ("offline", "ready", "closed")
    assert offline["purposes"] == ["chat", "generation"]
    assert listed["chat"] == "offline/offline"
    assert outcome["ok"] is True, outcome


async def test_a_list_tells_what_each_provider_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("CKIT_TEST_KEY", KEY)
    providers = {
        "cloud": {"kind": "openai"},
        "mine": {"kind": "openai", "apiKey": "env:CKIT_TEST_KEY"},
        "asked": {"kind": "azure", "baseUrl": "https://example.org", "apiKey": "client:work"},
        "nowhere": {"kind": "azure", "apiKey": "keyring:azure/me"},
        "home": {"kind": "ollama", "toolMode": "schema"},
    }
    async with daemon_with(providers, tmp_path) as client:
        listed = await client.request("ckit/provider/list")
    found = {p["name"]: p for p in listed["providers"]}
    assert list(found) == ["offline", *providers]
    assert found["cloud"]["status"] == "unconfigured"
    assert "OPENAI_API_KEY" in found["cloud"]["reason"]
    assert (found["mine"]["status"], found["mine"]["keySource"]) == ("ready", "env")
    assert found["mine"]["baseUrl"] == "https://api.openai.com/v1"
    assert (found["asked"]["status"], found["asked"]["keySource"]) == ("ready", "client")
    assert found["nowhere"]["status"] == "unconfigured"
    assert "baseUrl" in found["nowhere"]["reason"]
    assert (found["home"]["toolMode"], found["home"].get("keySource")) == ("schema", None)
    assert KEY not in json.dumps(listed)


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama"])
async def test_R32_models_are_those_that_the_provider_really_offers(kind: Kind, tmp_path: Path) -> None:
    with model_server(kind) as server:
        server.models = {"alpha": 4096, "beta": 32768}
        known = {"gamma": {"contextTokens": 1000, "inputPrice": 2.0, "outputPrice": 8.0, "toolMode": "none"}}
        async with daemon_with({"test": provider_options(server, models=known)}, tmp_path) as client:
            found = await client.request("ckit/provider/models", {"provider": "test"})
    names = {"openai": ["alpha", "beta", "gamma"], "azure": ["gamma"]}.get(
        kind, ["alpha:latest", "beta:latest", "gamma"]
    )
    assert [model["name"] for model in found["models"]] == names
    assert found["complete"] is (kind != "azure")
    gamma = found["models"][-1]
    assert (gamma["contextTokens"], gamma["inputPrice"], gamma["outputPrice"]) == (1000, 2.0, 8.0)
    assert gamma["toolMode"] == "none"
    if kind == "ollama":
        assert [model["contextTokens"] for model in found["models"]] == [4096, 32768, 1000]


@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_models_of_a_provider_that_does_not_answer_are_an_error(kind: Kind, tmp_path: Path) -> None:
    with model_server(kind) as server:
        gone = provider_options(server)
    async with daemon_with({"test": gone}, tmp_path) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/provider/models", {"provider": "test"})
    assert caught.value.code == "provider_unavailable"
    assert caught.value.data["retryable"] is True
    assert "test" in caught.value.message


async def test_R20_kept_answers_can_be_thrown_away(tmp_path: Path) -> None:
    async with daemon_with({}, tmp_path) as client:
        assert await client.request("ckit/provider/clearCache") == {"removed": 0}


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama"])
async def test_a_test_says_what_was_answered_and_how_fast(kind: Kind, tmp_path: Path) -> None:
    with model_server(kind) as server:
        server.enqueue(Reply(text="Ready."))
        async with daemon_with({"test": provider_options(server)}, tmp_path) as client:
            outcome = await try_it(client)
    assert outcome["ok"] is True
    assert "Ready." in outcome["detail"]
    assert 0 < outcome["firstOutputMs"] <= outcome["totalMs"]


async def test_a_test_that_fails_is_a_result_with_the_error(tmp_path: Path) -> None:
    with model_server("openai") as server:
        server.enqueue(Reply(status=429, headers={"Retry-After": "7"}))
        async with daemon_with({"test": provider_options(server)}, tmp_path) as client:
            outcome = await try_it(client)
            unknown = await try_it(client, model="no-such-model")
    assert outcome["ok"] is False
    assert (outcome["error"]["code"], outcome["error"]["retryAfterMs"]) == ("rate_limited", 7000)
    assert unknown["error"]["code"] == "provider_error"
    assert "no-such-model" in unknown["detail"]


async def test_a_test_ends_at_the_deadline_of_the_settings(tmp_path: Path) -> None:
    with model_server("openai") as server:
        server.enqueue(Reply(text="a b c", stall_after=1))
        # Long enough for a busy machine to send the request before it has passed.
        provider = provider_options(server, totalTimeoutSeconds=4.0)
        async with daemon_with({"test": provider}, tmp_path) as client:
            outcome = await try_it(client)
            await server.wait_idle()
    assert outcome["error"]["code"] == "deadline_exceeded"
    assert len(server.closed_at) == 1


async def test_cancelling_a_test_hangs_up(tmp_path: Path) -> None:
    with model_server("openai") as server:
        server.enqueue(Reply(text="a b c", stall_after=1))
        async with daemon_with({"test": provider_options(server)}, tmp_path) as client:
            asking = client.start("ckit/provider/test", {"provider": "test", "model": "scripted"}, request_id="t")
            await server.wait_stalled()
            client.notify("$/cancelRequest", {"id": "t"})
            with pytest.raises(RpcError) as caught:
                await asking
            await server.wait_idle()
    assert caught.value.code == "cancelled"


async def test_R10_unknown_providers_and_unnamed_models_are_refused_by_name(tmp_path: Path) -> None:
    async with daemon_with({"bare": {"kind": "ollama"}}, tmp_path) as client:
        for method in ("ckit/provider/models", "ckit/provider/test"):
            with pytest.raises(RpcError) as caught:
                await client.request(method, {"provider": "nobody"})
            assert caught.value.code == "not_found"
            assert "offline, bare" in caught.value.message


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama"])
async def test_R32_the_only_model_of_a_provider_is_tried_without_its_name_and_several_are_named(
    kind: Kind, tmp_path: Path
) -> None:
    with model_server(kind) as server:
        async with daemon_with({"test": provider_options(server)}, tmp_path) as client:
            with pytest.raises(RpcError) as unnamed:
                await client.request("ckit/provider/test", {"provider": "test"})
            assert unnamed.value.code == "invalid_argument"
            if kind == "azure":
                assert "Say which one to try. On Azure that is the name of a deployment." in unnamed.value.message
                return
            assert re.search(r"which offers scripted\S*, scripted-b\S*\. Say which one", unnamed.value.message)
            server.models = {"scripted": 8192}
            server.enqueue(Reply(text="Ready\nnow."))
            tried = await client.request("ckit/provider/test", {"provider": "test"})
    assert (tried["ok"], tried["detail"]) == (True, "It answered: Ready now.")
    assert tried["model"].removesuffix(":latest") == "scripted"


async def test_why_a_provider_does_not_say_what_it_offers_is_told_before_a_model_is_asked_for(tmp_path: Path) -> None:
    async with daemon_with({"test": {"kind": "openai", "apiKey": "env:CKIT_NOT_SET"}}, tmp_path) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("ckit/provider/test", {"provider": "test"})
    assert caught.value.code == "secret_unavailable"


INLINE = [
    {"apiKey": "sk-abcdefghijklmnop1234"},
    {"apiKey": KEY},
    {"subscriptionKey": "0123456789abcdef0123456789abcdef"},
    {"headers": {"X-Api-Key": "Bearer abcdefghijklmnop"}},
]


@pytest.mark.parametrize("inline", INLINE, ids=lambda inline: next(iter(inline)))
async def test_R07_a_key_in_the_settings_is_refused_and_never_repeated(inline: Json, tmp_path: Path) -> None:
    provider = {"kind": "openai", "baseUrl": "http://127.0.0.1:9/v1", **inline}
    async with daemon_with({"test": provider}, tmp_path) as client:
        said = await warnings(client)
        listed = await client.request("ckit/provider/list")
        everything = json.dumps([said, listed, await client.request("ckit/config/get", {})])
    assert len(said) == 1, said
    assert [p["name"] for p in listed["providers"]] == ["offline"]
    planted = str(next(iter(inline.values())))
    for word in planted.replace("'", " ").split():
        assert len(word) < 12 or word not in everything, word


async def test_a_key_of_the_environment_goes_to_the_provider_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKIT_TEST_KEY", KEY)
    with model_server("openai") as server:
        server.key = KEY
        provider = provider_options(server, apiKey="env:CKIT_TEST_KEY", headers={"X-Team": "env:CKIT_TEST_KEY"})
        async with daemon_with({"test": provider}, tmp_path) as client:
            outcome = await try_it(client)
            assert outcome["ok"] is True, outcome
            assert KEY not in json.dumps(await client.request("ckit/config/get", {}))
    [call] = server.calls
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["x-team"] == KEY


async def test_keys_that_other_programs_use_do_not_leave_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OLLAMA_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, f"{KEY}-{name}")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with model_server("openai") as compatible, model_server("ollama") as home:
        providers = {"test": provider_options(compatible), "home": provider_options(home)}
        async with daemon_with(providers, tmp_path) as client:
            assert (await try_it(client))["ok"] is True
            assert (await try_it(client, provider="home"))["ok"] is True
        for server in (compatible, home):
            assert KEY not in str([request.headers for request in server.requests])


async def test_azure_behind_api_management_gets_its_subscription_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("CKIT_TEST_KEY", KEY)
    with model_server("azure") as server:
        server.key = KEY
        for base in ("", "/team/ai", "/team/openai"):
            provider = {
                "kind": "azure",
                "baseUrl": f"{server.base_url}{base}",
                "apiVersion": "2025-01-01-preview",
                "subscriptionKey": "env:CKIT_TEST_KEY",
            }
            async with daemon_with({"test": provider}, tmp_path) as client:
                outcome = await try_it(client)
            assert outcome["ok"] is True, (base, outcome)
            call = server.calls[-1]
            start = f"{base.removesuffix('/openai')}/openai"
            assert call.path == f"{start}/deployments/scripted/chat/completions"
            assert call.query == {"api-version": "2025-01-01-preview"}
            assert call.headers["ocp-apim-subscription-key"] == KEY
            assert "api-key" not in call.headers


async def test_R07_a_key_is_asked_from_the_person_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    asked: list[Json] = []
    with model_server("openai") as server:
        server.key = KEY
        async with daemon_with(
            {"test": provider_options(server, apiKey="client:work")}, tmp_path, answers=[ASK]
        ) as client:

            def give(params: Json) -> Json:
                asked.append(params)
                return {"value": "an-old-key-0000" if len(asked) == 1 else KEY}

            client.answer(ASK, give)
            first = await try_it(client)
            second, third = await asyncio.gather(try_it(client), try_it(client))
    assert first["error"]["code"] == "provider_error"
    assert "client:work" in first["detail"]
    assert "an-old-key-0000" not in json.dumps(first)
    assert (second["ok"], third["ok"]) == (True, True)
    assert [(each["reference"], each["provider"]) for each in asked] == [("client:work", "test")] * 2


@pytest.mark.parametrize(
    ("answers", "answer"), [([], None), ([ASK], {"value": None}), ([ASK], {}), ([ASK], {"value": "a\nb"})]
)
async def test_a_key_that_nobody_gives_is_an_error_that_says_what_to_do(
    answers: list[str], answer: Json | None, tmp_path: Path
) -> None:
    with model_server("openai") as server:
        provider = provider_options(server, apiKey="client:work")
        async with daemon_with({"test": provider}, tmp_path, answers=answers) as client:
            client.answer(ASK, lambda _: answer or {})
            outcome = await try_it(client)
    assert outcome["error"]["code"] == "secret_unavailable"
    assert "client:work" in outcome["detail"]
    assert not server.calls


async def test_R09_health_tells_of_each_provider_once_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with model_server("openai") as server, model_server("ollama") as gone:
        providers = {"up": provider_options(server), "down": provider_options(gone), "cloud": {"kind": "openai"}}
        gone.stop()
        async with daemon_with(providers, tmp_path) as client:
            await client.request("ckit/provider/list")
            health = await client.request("ckit/health", {"fresh": True})
    found = {c["name"]: c for c in health["components"] if c["name"].startswith("provider:")}
    assert {name: c["status"] for name, c in found.items()} == {
        "provider:up": "ok",
        "provider:down": "degraded",
        "provider:cloud": "disabled",
    }
    assert found["provider:down"]["works"]
    assert "OPENAI_API_KEY" in found["provider:cloud"]["detail"]
    assert health["ready"] is True
    assert not server.calls, "a probe spends no token"


async def test_R08_a_key_that_a_provider_repeats_is_masked_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKIT_TEST_OTHER", KEY)
    with model_server("openai") as server:
        server.enqueue(Reply(status=401, error={"error": {"message": f"Your key {KEY} is wrong."}}))
        server.enqueue(Reply(status=500, error={"error": {"message": f"The key {KEY} crashed us."}}))
        server.enqueue(Reply(status=400, error={"error": {"message": f"Strange key {KEY}!"}}))
        provider = provider_options(server, apiKey="env:CKIT_TEST_OTHER")
        options: Json = {"config": {"models": {"providers": {"test": provider}}, "log": {"level": "debug"}}}
        async with spawned(tmp_path, options, environment={"CKIT_LOG_LEVEL": "debug"}) as running:
            for _ in range(3):
                outcome = await try_it(running.client)
                assert outcome["ok"] is False
                assert KEY not in json.dumps(outcome)
                assert "[redacted]" in outcome["detail"]
        log = running.log.read_text("utf-8")
    assert "ckit/provider/test" in log
    assert KEY not in log


async def test_a_langsmith_variable_sends_nothing_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with model_server("openai") as server, model_server("openai") as spy:
        for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
        monkeypatch.setenv("LANGSMITH_ENDPOINT", spy.base_url)
        async with spawned(
            tmp_path, {"config": {"models": {"providers": {"test": provider_options(server)}}}}
        ) as running:
            assert (await try_it(running.client))["ok"] is True
        assert not spy.requests
        assert spy.connections == 0
