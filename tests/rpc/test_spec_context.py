"""What generators find in a repository besides what they are told: by meaning, by words, and what they say of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import opened
from tests.support.model_server import Reply, model_server, openai_options
from tests.support.retrieval import indexed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Client, Json

pytestmark = pytest.mark.asyncio

REQUIREMENT = "People can borrow when the internet is down."
MARKDOWN = "# Borrowing offline\n\nA desk lends without a line.\n"


async def made(client: Client, **params: object) -> tuple[Json, dict[str, str]]:
    """A specification, and why each of its inputs was used, by path."""
    spec = await client.request("ckit/spec/generate", {"requirement": REQUIREMENT, "context": True, **params})
    explained = await client.request("ckit/generation/explain", {"id": spec["generationId"]})
    return spec, {item["path"]: item["reason"] for item in explained["generation"]["inputs"]}


async def test_a_spec_with_context_is_written_from_what_means_the_same_and_says_why(tmp_path: Path) -> None:
    with model_server("openai") as server:
        async with indexed(tmp_path, config=openai_options(server)) as (client, root):
            (root / "docs" / "outages.md").write_text(
                "# Outages\n\nWhen the provider's line is broken, loans at the desk go on without the internet.\n",
                "utf-8",
            )
            client.notify("ckit/repo/didChange", {"paths": ["docs/outages.md"]})
            await client.request("ckit/rag/index")
            server.enqueue(Reply(text=MARKDOWN))
            spec, reasons = await made(client)
            assert not [warning for warning in spec["warnings"] if "Context" in warning]
            path = "contexts/tasks/T-012-desk-without-network.yaml"
            assert reasons[path].startswith("found by ")
            assert "meaning" in reasons[path]
            assert "meaning" in reasons["docs/outages.md"]
            told = json.dumps(server.calls[0].body["messages"])
            assert "T-012" in told
            assert "loans at the desk go on without the internet" in told


async def test_without_context_nothing_is_searched_for(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, _):
        _, reasons = await made(client, context=False, entities=["FEAT-004"])
        assert not [reason for reason in reasons.values() if reason.startswith("found by")]
        assert reasons["contexts/features/FEAT-004-reminders-and-notices.yaml"] == "asked for"
        assert (await client.request("ckit/metrics"))["searches"] == []


async def test_what_the_graph_ties_to_the_subject_keeps_that_reason(tmp_path: Path) -> None:
    async with indexed(tmp_path) as (client, _):
        _, reasons = await made(client, entities=["FEAT-001"])
        assert reasons["contexts/tasks/T-012-desk-without-network.yaml"] == "FEAT-001 has-task T-012"


async def test_an_index_that_is_not_there_is_told_and_words_are_searched(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"rag": {"index": "manual"}}) as (client, _):
        spec, reasons = await made(client, requirement="The desk keeps working when the line is down.")
        assert any("ckit rag index" in warning for warning in spec["warnings"])
        reason = reasons["contexts/tasks/T-012-desk-without-network.yaml"]
        assert reason.startswith("found by words")


async def test_R37_without_the_feature_words_are_searched_as_before(tmp_path: Path) -> None:
    async with opened(tmp_path, config={"features": {"rag": False}}) as (client, _):
        spec, reasons = await made(client, requirement="The desk keeps working when the line is down.")
        assert not [warning for warning in spec["warnings"] if "Context" in warning]
        assert reasons["contexts/tasks/T-012-desk-without-network.yaml"] == "found by its words"
