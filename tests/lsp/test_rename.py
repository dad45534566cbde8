"""Rename: one id everywhere, and what follows when a file gets another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.client import RpcError
from tests.support.editor import editor, small_repository, text_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

FEATURE, STORY, TASK = (
    "contexts/features/FEAT-001-renew.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/tasks/T-001.yaml",
)
FILES = {
    FEATURE: "id: FEAT-001 # 😀\r\ntitle: Renew\r\nuserStories: [US-001]\r\n",
    STORY: 'id: US-001\ntitle: "😀 see FEAT-001"\nfeature: FEAT-001\n',
    TASK: f"id: T-001\nsteps:\n  - {FEATURE}\n  - docs/plan.md\n  - other/docs/plan.md\n",
    "docs/plan.md": f"About FEAT-001, see [it](../{FEATURE}) and [this](../docs/plan.md).\n",
}
EDITS: Json = {
    "workspace": {
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]},
        "fileOperations": {"willRename": True},
    },
    "textDocument": {"rename": {"prepareSupport": True}},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def test_an_id_can_be_renamed_where_one_stands_and_nowhere_else(root: Path) -> None:
    async with editor(root, capabilities=EDITS) as on:
        assert on.client.initialize_result["capabilities"]["renameProvider"] == {"prepareProvider": True}
        on.open(STORY)
        ready = await on.ask("prepareRename", STORY, "see FEAT¦-001")
        assert ready["placeholder"] == "FEAT-001"
        assert text_at(on.texts[on.uri(STORY)], ready["range"]) == "FEAT-001"
        assert await on.ask("prepareRename", STORY, "fea¦ture:") is None
        on.type(STORY, "id: US-001\nfeature: FEAT-009\n")
        assert await on.ask("prepareRename", STORY, "FEAT¦-009") is None
        with pytest.raises(RpcError, match="no id here") as caught:
            await on.ask("rename", STORY, "FEAT¦-009", newName="FEAT-010")
        assert caught.value.code == "invalid_argument"


@pytest.mark.parametrize("process", [False, True], ids=["in memory", "as a process"])
async def test_a_rename_changes_every_reference_and_the_name_of_the_file(root: Path, process: bool) -> None:
    async with editor(root, capabilities=EDITS, process=process) as on:
        on.open(STORY, FILES[STORY] + "# unsaved FEAT-001\n")
        on.carry_out(await on.ask("rename", STORY, "feature: ¦FEAT", newName="FEAT-010"))
        renamed = FEATURE.replace("001", "010")
        assert (root / renamed).read_bytes() == FILES[FEATURE].replace("FEAT-001", "FEAT-010").encode()
        assert not (root / FEATURE).exists()
        assert on.texts[on.uri(STORY)] == FILES[STORY].replace("001", "010").replace("US-010", "US-001") + (
            "# unsaved FEAT-010\n"
        )
        assert (root / TASK).read_text("utf-8") == FILES[TASK].replace(FEATURE, renamed)
        assert "FEAT-001" not in (root / "docs/plan.md").read_text("utf-8")
        assert (await on.client.request("ckit/repo/validate"))["findings"] == []


async def test_an_id_that_the_type_can_not_have_or_that_is_taken_is_refused(root: Path) -> None:
    async with editor(root, capabilities=EDITS) as on:
        on.open(STORY)
        for name, code in (("US-002", "invalid_argument"), ("a b", "invalid_argument"), ("", "invalid_argument")):
            with pytest.raises(RpcError) as caught:
                await on.ask("rename", STORY, "feature: ¦FEAT", newName=name)
            assert caught.value.code == code
        on.open("contexts/features/FEAT-002.yaml", "id: FEAT-002\n")
        with pytest.raises(RpcError) as caught:
            await on.ask("rename", STORY, "feature: ¦FEAT", newName="FEAT-002")
        assert caught.value.code == "already_exists"


async def test_of_two_files_with_one_id_that_one_is_renamed_in_which_somebody_does_it(root: Path) -> None:
    other = "contexts/features/other.yaml"
    (root / other).write_text("id: FEAT-001\n", "utf-8")
    async with editor(root, capabilities=EDITS) as on:
        on.open(other)
        on.carry_out(await on.ask("rename", other, "FEAT¦-001", newName="FEAT-010"))
        assert on.texts[on.uri(other)] == "id: FEAT-010\n"
        assert (root / FEATURE).read_bytes().decode() == FILES[FEATURE]


async def test_a_client_without_document_changes_gets_the_texts_and_keeps_the_file_name(root: Path) -> None:
    async with editor(root) as on:
        assert on.client.initialize_result["capabilities"]["renameProvider"] is True
        on.open(STORY)
        edit = await on.ask("rename", STORY, "feature: ¦FEAT", newName="FEAT-010")
        assert "documentChanges" not in edit
        assert set(edit["changes"]) == {on.uri(path) for path in (FEATURE, STORY, TASK, "docs/plan.md")}


async def test_R37_no_rename_is_offered_where_a_setting_switches_edits_off(root: Path) -> None:
    options = {"protocolVersions": ["1.0"], "config": {"features": {"edits": False}}}
    async with editor(root, capabilities=EDITS, options=options) as on:
        capabilities = on.client.initialize_result["capabilities"]
        assert "renameProvider" not in capabilities
        assert "willRename" not in capabilities["workspace"]["fileOperations"]


async def moved(root: Path, *moves: tuple[str, str]) -> None:
    """Move files as an editor does that asks first."""
    async with editor(root, capabilities=EDITS) as on:
        assert on.client.initialize_result["capabilities"]["workspace"]["fileOperations"]["willRename"]["filters"]
        files = [{"oldUri": on.uri(old), "newUri": on.uri(new)} for old, new in moves]
        edit = await on.client.request("workspace/willRenameFiles", {"files": files})
        if edit is not None:
            on.carry_out(edit)
        for old, new in moves:
            (root / new).parent.mkdir(exist_ok=True)
            (root / old).rename(root / new)
        on.saw(*(on.uri(path) for pair in moves for path in pair))
        assert (await on.client.request("ckit/repo/validate"))["findings"] == []


async def test_a_file_that_is_named_after_another_id_gets_it(root: Path) -> None:
    new = "contexts/features/FEAT-012-prolong.yaml"
    await moved(root, (FEATURE, new))
    assert (root / new).read_bytes() == FILES[FEATURE].replace("FEAT-001", "FEAT-012").encode()
    assert "feature: FEAT-012" in (root / STORY).read_text("utf-8")
    assert f"  - {new}\n" in (root / TASK).read_text("utf-8")
    assert (root / "docs/plan.md").read_text("utf-8").startswith(f"About FEAT-012, see [it](../{new})")


async def test_a_folder_that_is_moved_is_followed_by_the_paths_that_lead_into_it(root: Path) -> None:
    (root / "docs" / "more.md").write_text(
        "The docs: docs/plan.md, ./docs/plan.md, x/docs/plan.md, docs-old/a.md.\n", "utf-8"
    )
    await moved(root, ("docs", "papers"))
    assert "  - papers/plan.md\n  - other/docs/plan.md\n" in (root / TASK).read_text("utf-8")
    said = (root / "papers/more.md").read_text("utf-8")
    assert said == "The docs: papers/plan.md, ./papers/plan.md, x/docs/plan.md, docs-old/a.md.\n"
    assert (root / "papers/plan.md").read_text("utf-8").endswith("and [this](../papers/plan.md).\n")


async def test_a_file_that_keeps_its_id_is_followed_by_the_paths_that_name_it(root: Path) -> None:
    new = "contexts/features/FEAT-001-prolong.yaml"
    await moved(root, (FEATURE, new))
    assert (root / new).read_bytes().decode() == FILES[FEATURE]
    assert f"  - {new}\n" in (root / TASK).read_text("utf-8")
    assert (root / "docs/plan.md").read_text("utf-8").startswith(f"About FEAT-001, see [it](../{new})")


async def test_files_that_are_moved_together_are_followed_together(root: Path) -> None:
    new = "contexts/features/FEAT-012-prolong.yaml"
    await moved(root, (FEATURE, new), ("docs/plan.md", "docs/old/plan.md"))
    assert (root / TASK).read_text("utf-8") == (
        f"id: T-001\nsteps:\n  - {new}\n  - docs/old/plan.md\n  - other/docs/plan.md\n"
    )
    assert (root / "docs/old/plan.md").read_text("utf-8") == (
        f"About FEAT-012, see [it](../{new}) and [this](../docs/old/plan.md).\n"
    )


async def test_a_name_whose_id_is_taken_is_refused_and_strange_files_are_nobody_s_business(
    root: Path, tmp_path: Path
) -> None:
    other = "contexts/features/FEAT-002.yaml"
    (root / other).write_text("id: FEAT-002\n", "utf-8")
    async with editor(root, capabilities=EDITS) as on:

        async def ask(old: str, new: str) -> object:
            files = [{"oldUri": on.uri(old), "newUri": on.uri(new)}]
            return await on.client.request("workspace/willRenameFiles", {"files": files})

        with pytest.raises(RpcError, match="FEAT-001 exists already"):
            await ask(other, "contexts/features/FEAT-001.yaml")
        assert await ask(str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")) is None
        assert await ask(FEATURE, str(tmp_path / "b.yaml")) is None
        assert await ask("README.md", "READ.md") is None
