"""Each feature switched off in a real daemon: its methods are gone and say so, and all others are still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.settings import FEATURE_NEEDS, FeatureSettings
from ckit_daemon.wire.methods import METHODS
from tests.support.client import RpcError
from tests.support.daemon import spawned
from tests.support.logs import faults
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client

pytestmark = pytest.mark.asyncio

FEATURES = FeatureSettings.__struct_fields__


async def refusal(client: Client, method: str, params: Any) -> RpcError:
    """The error of a method that can't be had."""
    with pytest.raises(RpcError) as caught:
        await client.request(method, params)
    return caught.value


@pytest.mark.parametrize("feature", FEATURES)
async def test_R37_what_a_setting_switches_off_is_absent_and_each_of_its_methods_says_so(
    feature: str, tmp_path: Path
) -> None:
    off = {feature, *(other for other, needed in FEATURE_NEEDS.items() if needed == feature)}
    gone = {method.name for method in METHODS if method.feature in off}
    root = copy_example(tmp_path / "lantern", git=False)
    async with spawned(tmp_path, {"config": {"features": {feature: False}}}) as daemon:
        client = daemon.client
        first = client.initialize_result["capabilities"]["experimental"]["ckit"]
        for told in (first, await client.request("ckit/capabilities")):
            assert set(told["features"]) == set(FEATURES) - off
            assert {method["name"] for method in told["methods"]} == {method.name for method in METHODS} - gone
        await client.request("ckit/repo/open", {"path": str(root)})
        for method in METHODS:
            if method.direction != "clientToServer" or method.kind != "request" or method.name not in gone:
                continue
            for params in ({}, {"nonsense": 1}, None, [1], "x"):
                error = await refusal(client, method.name, params)
                assert error.code == "capability_disabled", method.name
                assert error.data["details"] == {"feature": feature}
                assert f"features.{feature}" in error.message
                assert error.data["retryable"] is False
        assert (await client.request("ckit/health"))["live"]
        assert (await client.request("ckit/repo/validate"))["ok"] is True
    assert faults(daemon.log) == []


async def test_R37_nothing_but_repositories_is_left_when_everything_is_switched_off(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    async with spawned(tmp_path, {"config": {"features": dict.fromkeys(FEATURES, False)}}) as daemon:
        client = daemon.client
        told = await client.request("ckit/capabilities")
        assert told["features"] == []
        assert [each["name"] for each in told["methods"]] == [m.name for m in METHODS if m.feature is None]
        await client.request("ckit/repo/open", {"path": str(root)})
        assert (await client.request("ckit/entity/get", {"id": "FEAT-001"}))["entity"]["id"] == "FEAT-001"
        assert (await client.request("ckit/health", {"fresh": True}))["ready"]
    assert faults(daemon.log) == []


async def test_R37_a_tool_goes_with_its_feature_and_says_why(tmp_path: Path) -> None:
    root = copy_example(tmp_path / "lantern", git=False)
    async with spawned(tmp_path, {"config": {"features": {"generation": False, "prompts": False}}}) as daemon:
        client = daemon.client
        await client.request("ckit/repo/open", {"path": str(root)})
        tools = {each["name"]: each for each in (await client.request("ckit/tool/list"))["tools"]}
        asked = {"spec.generate": ("generation", {"requirement": "X"}), "pipeline.generate": ("prompts", {})}
        for name, (feature, arguments) in asked.items():
            assert tools[name]["status"] == "disabled"
            assert f"features.{feature}" in tools[name]["reason"]
            done = await client.request("ckit/tool/run", {"name": name, "arguments": arguments})
            assert (done["status"], done["errorCode"]) == ("error", "capability_disabled")
        assert tools["entity.details"]["status"] == "available"
    assert faults(daemon.log) == []
