"""Code lenses: who names an entity, and what an unsaved change of it brings about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import TIMEOUT_SECONDS
from tests.support.editor import Editor, editor, small_repository, text_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

FEATURE, STORY, TASK, OTHER = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/tasks/T-001.yaml",
    "contexts/tasks/T-002.yaml",
)
FILES = {
    FEATURE: "# 😀\nid: FEAT-001\ntitle: Renew\nuserStories: [US-001]\ntasks: [T-001, T-002]\n",
    STORY: "id: US-001\nfeature: FEAT-001\n",
    TASK: "id: T-001\nrelated: {feature: FEAT-001}\n",
    OTHER: "id: T-002\nrelated:\n  feature: FEAT-001\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def lenses(on: Editor, path: str) -> dict[str, Json]:
    """The resolved lenses of a document by the command that they run."""
    offered: Any = await on.ask("codeLens", path)
    resolved = [await on.client.request("codeLens/resolve", lens) for lens in offered]
    return {lens["command"]["command"]: lens for lens in resolved}


async def test_a_lens_counts_who_names_an_entity_and_knows_where(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        (lens,) = (await lenses(on, FEATURE)).values()
        assert text_at(FILES[FEATURE], lens["range"]) == "FEAT-001"
        assert lens["command"]["title"] == "named by 2 tasks and 1 userstory"
        assert lens["command"]["command"] == "ckit.showReferences"
        uri, position, places = lens["command"]["arguments"]
        assert (uri, position) == (on.uri(FEATURE), lens["range"]["start"])
        assert [place["uri"] for place in places] == [on.uri(path) for path in (TASK, OTHER, STORY)]
        for place, path in zip(places, (TASK, OTHER, STORY), strict=True):
            assert text_at(FILES[path], place["range"]) == "FEAT-001"


async def test_an_unsaved_change_says_what_becomes_stale(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        on.type(FEATURE, FILES[FEATURE].replace("Renew", "Prolong"))
        lens = (await lenses(on, FEATURE))["ckit.showImpact"]
        assert lens["command"]["title"] == "2 tasks and 1 userstory become stale"
        assert lens["command"]["arguments"] == ["FEAT-001"]
        impact = await on.client.request("ckit/repo/impact", {"between": "unsaved"})
        direct = [each for each in impact["stale"] if each["severity"] != "hint"]
        assert len(direct) == 3


async def test_what_is_far_away_is_not_counted(root: Path) -> None:
    chain = ("svc-a", "svc-b", "svc-c", "svc-d")
    for name, needed in zip(chain[1:], chain, strict=False):
        path = root / f"contexts/services/{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"id: {name}\ndependencies: [{needed}]\n", "utf-8")
    first = "contexts/services/svc-a.yaml"
    (root / first).write_text("id: svc-a\nname: A\n", "utf-8")
    async with editor(root) as on:
        on.open(first, "id: svc-a\nname: B\n")
        assert (await lenses(on, first))["ckit.showImpact"]["command"]["title"] == "1 service becomes stale"
        impact = await on.client.request("ckit/repo/impact", {"between": "unsaved"})
        assert [each["entity"]["id"] for each in impact["stale"]] == ["svc-b", "svc-c", "svc-d"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FILES[FEATURE] + "# a comment\n", id="a comment"),
        pytest.param("title: Renew\nid: FEAT-001\ntasks: [T-002, T-001]\nuserStories:\n  - US-001\n", id="the order"),
    ],
)
async def test_what_changes_no_meaning_has_no_impact(root: Path, text: str) -> None:
    async with editor(root) as on:
        on.open(FEATURE, text)
        assert "ckit.showImpact" not in await lenses(on, FEATURE)


async def test_a_change_says_which_references_lead_nowhere_and_when_it_concerns_nobody(root: Path) -> None:
    async with editor(root) as on:
        on.open(STORY, "id: US-001\nfeature: FEAT-009\n")
        assert (await lenses(on, STORY))["ckit.showImpact"]["command"]["title"].endswith("1 reference leads nowhere")
        on.open("contexts/services/svc-mail.yaml", "id: svc-mail\nname: Mail\n")
        (alone,) = (await lenses(on, "contexts/services/svc-mail.yaml")).values()
        assert alone["command"]["title"] == "this change concerns nobody else"


async def test_a_lens_of_a_file_that_is_gone_shows_nothing(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE)
        on.type(FEATURE, FILES[FEATURE].replace("Renew", "Prolong"))
        offered: Any = await on.ask("codeLens", FEATURE)
        assert len(offered) == 2
        on.type(FEATURE, "")
        for lens in (*offered, {"range": offered[0]["range"], "data": None}, {"range": offered[0]["range"]}):
            shown = await on.client.request("codeLens/resolve", lens)
            assert shown["command"] == {"title": "", "command": ""}


async def test_only_entities_have_lenses_and_impact_can_be_switched_off(root: Path, tmp_path: Path) -> None:
    options = {"protocolVersions": ["1.0"], "config": {"features": {"impact": False}}}
    async with editor(root, options=options) as on:
        on.open(FEATURE, FILES[FEATURE].replace("Renew", "Prolong"))
        assert list(await lenses(on, FEATURE)) == ["ckit.showReferences"]
        on.open("contexts/tasks/T-003.yaml", "title: no id\n")
        assert await on.ask("codeLens", "contexts/tasks/T-003.yaml") == []
        outside = tmp_path / "outside.yaml"
        on.open(outside, "id: FEAT-001\n")
        assert await on.ask("codeLens", str(outside)) is None


async def test_a_half_typed_entity_keeps_its_lenses(root: Path) -> None:
    async with editor(root) as on:
        on.open(FEATURE, "id: FEAT-001\ntasks: [T-001\n")
        assert (await lenses(on, FEATURE))["ckit.showReferences"]["command"]["title"].startswith("named by 2 tasks")


async def test_open_documents_are_drawn_anew_when_others_change(root: Path) -> None:
    kinds = ("codeLens", "inlayHint", "semanticTokens")
    capabilities = {"workspace": {kind: {"refreshSupport": True} for kind in kinds}}
    async with editor(root, capabilities=capabilities) as on:
        asked: asyncio.Queue[str] = asyncio.Queue()
        for kind in kinds:
            on.client.answer(f"workspace/{kind}/refresh", lambda _: None)
        on.client.watch = lambda message: (
            asked.put_nowait(message["method"]) if message.get("method", "").endswith("/refresh") else None
        )
        on.open(FEATURE)
        on.open(STORY)
        await lenses(on, FEATURE)
        on.type(STORY, "id: US-001\ntitle: Now\nfeature: FEAT-001\n")
        missing = {f"workspace/{kind}/refresh" for kind in kinds}
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while missing:
                missing.discard(await asked.get())


async def test_a_daemon_process_shows_lenses(root: Path) -> None:
    async with editor(root, process=True) as on:
        assert on.client.initialize_result["capabilities"]["codeLensProvider"] == {"resolveProvider": True}
        on.open(FEATURE, FILES[FEATURE].replace("Renew", "Prolong"))
        assert set(await lenses(on, FEATURE)) == {"ckit.showReferences", "ckit.showImpact"}
