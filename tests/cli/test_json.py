"""`--json` prints what the protocol answers, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.cli.client import Daemon

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ckit

CASES: list[tuple[list[str], str, dict[str, Any]]] = [
    (["validate"], "ckit/repo/validate", {"limit": 10_000}),
    (["validate", "--severity", "error", "--code", "schema"], "ckit/repo/validate",
     {"limit": 10_000, "minSeverity": "error", "codes": ["schema"]}),
    (["inspect"], "ckit/repo/inspect", {}),
    (["graph", "FEAT-003", "--relation", "has-story"], "ckit/repo/graph",
     {"ids": ["FEAT-003"], "depth": 1, "relations": ["has-story"], "limit": 10_000}),
    (["graph"], "ckit/repo/graph", {"limit": 10_000}),
    (["paths", "US-007", "svc-notify", "--limit", "2"], "ckit/repo/paths",
     {"source": "US-007", "target": "svc-notify", "limit": 2}),
    (["impact", "FEAT-003", "--depth", "2"], "ckit/repo/impact", {"ids": ["FEAT-003"], "depth": 2}),
    (["show", "FEAT-003", "--text"], "ckit/entity/get", {"id": "FEAT-003", "text": True}),
    (["list", "--type", "spec", "--status", "draft"], "ckit/entity/list",
     {"types": ["spec"], "statuses": ["draft"], "limit": 1000}),
    (["search", "hold shelf", "--limit", "3"], "ckit/entity/search", {"query": '"hold shelf"', "limit": 3}),
    (["prompt", "T-007", "--now", "noon"], "ckit/prompt/render", {"id": "T-007", "now": "noon"}),
    (["rename", "FEAT-003", "FEAT-030"], "ckit/entity/rename", {"id": "FEAT-003", "newId": "FEAT-030"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def daemon(example: Path) -> Any:
    with Daemon() as running:
        running.initialize({})
        running.request("ckit/repo/open", {"path": str(example)})
        yield running


@pytest.mark.parametrize(("arguments", "method", "params"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_json_is_the_result_of_the_protocol(
    ckit: Ckit, daemon: Daemon, arguments: list[str], method: str, params: dict[str, Any]
) -> None:
    run = ckit(*arguments, "--json")
    assert run.json == daemon.request(method, params)
    assert run.err == ""


def test_an_error_in_json_is_the_error_of_the_protocol(ckit: Ckit) -> None:
    run = ckit("show", "FEAT-999", "--json")
    assert run.code == 1
    assert run.json["error"]["data"]["code"] == "not_found"
    assert run.json["error"]["code"] == -33001
    assert run.err == ""


def test_a_failure_before_the_daemon_is_asked_is_json_too(ckit: Ckit) -> None:
    run = ckit("--json", "impact")
    assert run.code == 2
    assert run.json["error"]["data"]["code"] == "usage"


@pytest.mark.parametrize(("command", "page"), [("validate", 1), ("graph", 5)])
def test_R35_long_lists_are_fetched_in_pages_and_printed_as_one(
    faulty: Ckit, monkeypatch: pytest.MonkeyPatch, command: str, page: int
) -> None:
    whole = faulty(command, "--json").json
    monkeypatch.setattr(f"ckit_daemon.cli.commands.{command}.PAGE", page)
    paged = faulty(command, "--json").json
    for result in (whole, paged):
        # A page holds the facts of its own entities, so that their order depends on the pages.
        result.get("edges", []).sort(key=lambda edge: (edge["source"], edge["rel"], edge["target"]))
    assert paged == whole
