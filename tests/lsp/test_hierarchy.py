"""The graph as a call hierarchy: each fact once, from the entity that has it to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.editor import Editor, editor, small_repository, text_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

FEATURE, STORY, LOANS, MAIL, PACKAGE = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/services/svc-loans.yaml",
    "contexts/services/svc-mail.yaml",
    "contexts/packages/pkg-app.yaml",
)
FILES = {
    FEATURE: "id: FEAT-001\ntitle: Renew\nuserStories: [US-001]\nrequires: [svc-loans]\n",
    STORY: "id: US-001\ntitle: By phone\nfeature: FEAT-001\n",
    LOANS: "# 😀\nid: svc-loans\nname: Loans\ndependencies: [svc-mail@^1.0.0]\nconsumers:\n  - pkg-app\n",
    MAIL: "id: svc-mail\nname: Mail\n",
    PACKAGE: "id: pkg-app\nname: App\n",
    "contexts/governance/constitution.yaml": "id: CONST-1\nprinciples:\n  - {appliesTo: [service]}\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def calls(on: Editor, item: Json, direction: str) -> list[tuple[str, str, str]]:
    """Id, detail and the text that states each fact."""
    found: Any = await on.client.request(f"callHierarchy/{direction}Calls", {"item": item})
    side = "from" if direction == "incoming" else "to"
    told: list[tuple[str, str, str]] = []
    for call in found:
        source = call["from"]["uri"] if direction == "incoming" else item["uri"]
        text = FILES[source.removeprefix(on.root.as_uri() + "/")]
        told += [(call[side]["name"], call[side]["detail"], text_at(text, where)) for where in call["fromRanges"]]
    return told


async def test_facts_lead_out_and_in(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        (item,) = await on.ask("prepareCallHierarchy", FEATURE, "svc-¦loans")
        assert (item["name"], item["detail"], item["uri"]) == ("svc-loans", "Loans", on.uri(LOANS))
        assert text_at(FILES[LOANS], item["selectionRange"]) == "svc-loans"
        assert await calls(on, item, "outgoing") == [("svc-mail", "depends-on · Mail", "svc-mail@^1.0.0")]
        # The package says nothing of it; only the service does, so the package's own id stands for the place.
        assert sorted(await calls(on, item, "incoming")) == [
            ("FEAT-001", "requires · Renew", "svc-loans"),
            ("pkg-app", "uses · App", "pkg-app"),
        ]


async def test_a_fact_that_both_sides_state_is_told_once(root: Path) -> None:
    async with editor(root) as on:
        on.open(STORY)
        (item,) = await on.ask("prepareCallHierarchy", STORY, "US¦-001")
        assert await calls(on, item, "outgoing") == []
        assert await calls(on, item, "incoming") == [("FEAT-001", "has-story · Renew", "US-001")]


async def test_where_no_entity_is_named_there_is_no_hierarchy(root: Path, tmp_path: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        assert await on.ask("prepareCallHierarchy", FEATURE, "Re¦new") is None
        (item,) = await on.ask("prepareCallHierarchy", FEATURE, "FEAT-¦001")
        gone = {**item, "name": "FEAT-009", "uri": on.uri("contexts/features/FEAT-009.yaml")}
        assert await on.client.request("callHierarchy/outgoingCalls", {"item": gone}) is None
        outside = {**gone, "uri": (tmp_path / "x.yaml").as_uri()}
        assert await on.client.request("callHierarchy/incomingCalls", {"item": outside}) is None


async def test_R37_without_the_graph_there_is_no_hierarchy(root: Path) -> None:
    options = {"protocolVersions": ["1.0"], "config": {"features": {"graph": False}}}
    async with editor(root, options=options) as on:
        assert "callHierarchyProvider" not in on.client.initialize_result["capabilities"]


async def test_a_daemon_process_shows_the_hierarchy(root: Path) -> None:
    async with editor(root, process=True) as on:
        on.open(FEATURE)
        (item,) = await on.ask("prepareCallHierarchy", FEATURE, "FEAT-¦001")
        assert [name for name, _, _ in await calls(on, item, "outgoing")] == ["US-001", "svc-loans"]
