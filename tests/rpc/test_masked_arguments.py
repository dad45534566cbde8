"""Arguments that look like secrets are shown and kept masked, and what is done is what was meant all the same."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from tests.rpc.test_repository_methods import a_file
from tests.rpc.test_turn_methods import calls
from tests.support.model_server import Reply
from tests.support.talk import ASK, talking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

TEXT = "The password: twelve characters or more."
CHANGE: Json = {
    "action": "update",
    "id": "T-001",
    "changes": [{"path": ["title"], "value": "Old"}, {"path": ["summary"], "value": TEXT}],
}


@pytest.mark.parametrize("summary", [None, "A password: [redacted] characters."])
async def test_R07_who_edits_what_is_masked_writes_no_mask_into_a_file(tmp_path: Path, summary: str | None) -> None:
    async with talking(tmp_path, calls(("entity_edit", CHANGE)), Reply(text="Done."), answers=[ASK]) as talk:

        def edit(params: Json) -> Json:
            arguments = deepcopy(params["approval"]["arguments"])
            assert "twelve" not in str(arguments)
            arguments["changes"][0]["value"] = "Better"
            if summary is not None:
                arguments["changes"][1]["value"] = summary
            return {"decision": "allowOnce", "arguments": arguments}

        talk.client.answer(ASK, edit)
        before = a_file(talk.root, "T-001").read_text("utf-8")
        await talk.turn()
        after = a_file(talk.root, "T-001").read_text("utf-8")
        [call] = await talk.items("toolCall")
        if summary is None:
            assert call["result"] == "ok"
            assert "title: Better" in after
            assert TEXT in after
        else:
            assert call["output"]["code"] == "invalid_argument"
            assert after == before
