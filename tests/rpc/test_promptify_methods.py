"""Prompts made of specifications, through the wire: their budget, their receipts, their place in the log."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import opened
from tests.rpc.test_spec_methods import log_entries

if TYPE_CHECKING:
    from tests.support.client import Client

pytestmark = pytest.mark.asyncio


async def test_a_prompt_stays_within_its_budget_and_accounts_for_every_part(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _):
        for target, budget in product(("codegen", "review", "test"), (450, 700, 1500, 3000, 60_000)):
            await check_prompt(client, target, budget)


async def check_prompt(client: Client, target: str, budget: int) -> None:
    params = {"id": "SPEC-001", "target": target, "maxTokens": budget}
    made = await client.request("ckit/spec/promptify", params)
    assert made["tokens"] <= budget
    receipts = made["receipts"]
    assert sum(receipt["tokens"] for receipt in receipts) <= budget
    for receipt in receipts:
        whole, some = receipt["tokens"] == receipt["ofTokens"], receipt["tokens"] > 0
        assert receipt["state"] == ("whole" if whole else "cut" if some else "left-out")
        assert (receipt["title"] in made["prompt"]) == some or receipt["part"] == "instructions"
    assert [receipt["id"] for receipt in receipts[1:3]] == ["SPEC-001", "FEAT-001"]
    assert (await client.request("ckit/spec/promptify", params))["prompt"] == made["prompt"]
    if budget == 60_000:
        assert {receipt["state"] for receipt in receipts} == {"whole"}
        assert "Scanning the same item twice does not make a second" in made["prompt"]
        assert "Each rule has one home" in made["prompt"]
        assert "A member has at most 12 open loans" in made["prompt"]
        parts = [receipt["part"] for receipt in receipts]
        assert list(dict.fromkeys(parts)) == [
            "instructions", "specification", "feature", "story", "constitution", "stack", "domain",
            *(["guidance"]), "project", "neighbour",
        ]  # fmt: skip


async def test_a_text_and_the_repositorys_own_template_can_be_made_a_prompt_and_logged(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, root):
        made = await client.request(
            "ckit/spec/promptify", {"text": "Loans are counted once a night.", "target": "review", "log": True}
        )
        assert "Loans are counted once a night." in made["prompt"]
        assert log_entries(root)[Path(made["logPath"]).stem]["output"]["prompt"] == made["prompt"]
        plan = await client.request("ckit/spec/promptify", {"id": "US-001", "target": "test-plan"})
        assert plan["prompt"].startswith("# Tests for US-001\n- [ ] Scanning a barcode shows title, due date")
        assert 'the words "It\'s yours"' in plan["prompt"]
