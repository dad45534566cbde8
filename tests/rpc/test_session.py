"""What initialize settles, and what the methods about the daemon say."""

from __future__ import annotations

import pytest

from ckit_daemon.rpc.routes import ROUTES
from ckit_daemon.settings import FeatureSettings
from ckit_daemon.wire.methods import METHODS
from tests.support.client import RpcError
from tests.support.daemon import daemon

pytestmark = pytest.mark.asyncio


async def test_every_client_method_has_a_route_and_every_route_a_row() -> None:
    called = {m.name for m in METHODS if m.direction != "serverToClient"}
    assert called == set(ROUTES)
    assert {m.feature for m in METHODS if m.feature} <= set(FeatureSettings.__struct_fields__)


async def test_R19_the_session_speaks_the_first_version_that_both_know() -> None:
    async with daemon({"protocolVersions": ["9.9", "1.0"], "clientInfo": {"name": "test"}}) as client:
        ckit = client.initialize_result["capabilities"]["experimental"]["ckit"]
        assert ckit["protocolVersion"] == "1.0"
        assert ckit == await client.request("ckit/capabilities")


async def test_R19_an_unknown_version_is_refused_with_the_supported_ones_and_may_be_corrected() -> None:
    async with daemon(initialize=False) as client:
        with pytest.raises(RpcError) as caught:
            await client.initialize({"protocolVersions": ["7.0"]})
        assert caught.value.code == "unsupported_protocol"
        assert caught.value.data["details"]["supported"] == ["1.0"]
        await client.initialize({"protocolVersions": ["1.0"]})


async def test_R10_unknown_fields_in_the_client_s_options_are_refused_by_name() -> None:
    async with daemon(initialize=False) as client:
        with pytest.raises(RpcError, match="colour: unknown field"):
            await client.initialize({"colour": "red"})


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["utf-8", "utf-16"], "utf-8"), (["utf-32"], "utf-32"), (["x"], "utf-16"), (None, "utf-16")]
)
async def test_the_position_encoding_follows_the_client_s_order(offered: list[str] | None, chosen: str) -> None:
    general = {} if offered is None else {"positionEncodings": offered}
    async with daemon(initialize=False) as client:
        result = await client.initialize(capabilities={"general": general})
        assert result["capabilities"]["positionEncoding"] == chosen


async def test_a_plain_lsp_client_opens_changes_and_closes_documents() -> None:
    async with daemon(initialize=False) as client:
        await client.initialize(workspaceFolders=[{"uri": "file:///a", "name": "a"}, {"uri": "file:///b", "name": "b"}])
        document = {"uri": "file:///a/x.yaml", "languageId": "yaml", "version": 1, "text": "id: 1"}
        client.notify("textDocument/didOpen", {"textDocument": document})
        client.notify("$/setTrace", {"value": "verbose"})
        client.notify("textDocument/didClose", {"textDocument": {"uri": document["uri"]}})
        assert await client.request("ckit/capabilities")


async def test_R17_a_bad_option_warns_and_falls_back_and_a_good_one_says_its_source() -> None:
    options = {"config": {"limits": {"maxQueued": "many", "maxConcurrent": 3}, "nope": {"x": 1}}}
    async with daemon(options, environment={"CKIT_LIMITS_MAX_QUEUED": "17"}) as client:
        text = (await client.notification("window/logMessage"))["message"]
        assert "limits.maxQueued" in text
        answer = await client.request("ckit/config/get", {"prefix": "limits.max"})
        found = {s["key"]: (s["value"], s["source"]) for s in answer["settings"]}
        assert found["limits.maxQueued"] == (17, "environment")
        assert found["limits.maxConcurrent"] == (3, "client")
        assert found["limits.maxMessageBytes"][1] == "default"
        assert {w["key"] for w in answer["warnings"]} == {"limits.maxQueued", "nope.x"}


async def test_R07_an_inline_secret_is_refused_and_never_repeated() -> None:
    async with daemon({"config": {"provider": {"apiKey": "sk-planted-0123456789"}}}) as client:
        answer = await client.request("ckit/config/get")
        assert "reference" in answer["warnings"][0]["message"]
        assert "planted" not in str(answer) + str(client.notifications)


async def test_R37_a_feature_that_is_off_disappears_and_its_methods_say_so() -> None:
    async with daemon({"config": {"features": {"pipelines": False}}}) as client:
        ckit = await client.request("ckit/capabilities")
        assert "pipelines" not in ckit["features"]
        names = {m["name"] for m in ckit["methods"]}
        for method in METHODS:
            if method.feature != "pipelines":
                continue
            assert method.name not in names
            with pytest.raises(RpcError) as caught:
                await client.request(method.name, {})
            assert caught.value.code == "capability_disabled"


async def test_R09_health_names_every_component_and_what_works_without_it() -> None:
    async with daemon() as client:
        health = await client.request("ckit/health", {"fresh": True})
        components = {c["name"]: c for c in health["components"]}
        assert {"storage", "git", "node", "npm", "pnpm"} <= set(components)
        assert health["live"]
        assert health["ready"]
        for component in components.values():
            assert component["status"] in {"ok", "disabled"} or component["works"]


async def test_R14_metrics_count_requests_errors_and_bytes_in_both_forms() -> None:
    async with daemon() as client:
        await client.request("ckit/capabilities")
        with pytest.raises(RpcError):
            await client.request("ckit/config/get", {"x": 1})
        metrics = await client.request("ckit/metrics")
        counts = {(r["method"], r["outcome"]): r["count"] for r in metrics["requests"]}
        assert counts["ckit/capabilities", "ok"] == 1
        assert metrics["errors"] == {"invalid_params": 1}
        assert metrics["bytesReceived"] > 0
        assert metrics["bytesSent"] > 0
        assert (
            'ckit_request_duration_seconds_count{method="ckit/capabilities",outcome="ok"} 1.0' in metrics["prometheus"]
        )
