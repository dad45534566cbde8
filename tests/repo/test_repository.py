"""Snapshots that follow the disk and the editor."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio
import pytest

from ckit_daemon.core.errors import PathNotAllowedError
from ckit_daemon.services.ports import FileChange

if TYPE_CHECKING:
    from ckit_daemon.services.ports import SnapshotChange
    from tests.repo.conftest import Workspace

pytestmark = pytest.mark.anyio

FEATURE = "contexts/features/FEAT-001.yaml"
STORY = "contexts/userstories/US-001.yaml"
NEW = "contexts/features/FEAT-002.yaml"


async def test_R36_a_changed_file_is_read_alone(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        story = repository.snapshot.documents[STORY]
        workspace.write(FEATURE, "id: FEAT-001\ntitle: Second\n")
        workspace.write(STORY, "id: US-002\n")
        change = await repository.refresh([FEATURE])
        assert change.paths == {FEATURE}
        assert change.after is repository.snapshot
        assert change.after.documents[STORY] is story
        assert change.before.get("FEAT-001").title == "First"  # pyright: ignore[reportOptionalMemberAccess] - it is there.
        assert change.after.get("FEAT-001").title == "Second"  # pyright: ignore[reportOptionalMemberAccess] - it is there.


async def test_a_scan_finds_changed_new_and_removed_files_and_keeps_the_rest(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        workspace.write(NEW, "id: FEAT-002\n")
        (workspace.root / STORY).unlink()
        change = await repository.refresh()
        assert change.paths == {NEW, STORY}
        assert list(change.after.documents) == [FEATURE, NEW]
        assert change.after.documents[FEATURE] is change.before.documents[FEATURE]


async def test_a_file_that_was_only_touched_makes_no_new_snapshot(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        before = repository.snapshot
        workspace.write(FEATURE, workspace.text(FEATURE))
        for paths in ([FEATURE], None, ["README.md"], [".context"], []):
            assert (await repository.refresh(paths)).paths == frozenset()
        assert repository.snapshot is before


async def test_a_folder_that_comes_or_goes_stands_for_its_files(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        shutil.rmtree(workspace.root / "contexts/userstories")
        assert (await repository.refresh(["contexts/userstories"])).paths == {STORY}
        workspace.write("contexts/specs/deep/SPEC-001.yaml", "id: SPEC-001\n")
        assert (await repository.refresh(["contexts/specs"])).paths == {"contexts/specs/deep/SPEC-001.yaml"}
        workspace.write(".context/rules/r.yaml", "rules: []\n")
        assert (await repository.refresh([".context"])).paths == {".context/rules/r.yaml"}


async def test_a_file_that_becomes_unreadable_and_stays_so_changes_once(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        workspace.write(FEATURE, b"\0")
        assert (await repository.refresh([FEATURE])).paths == {FEATURE}
        assert (await repository.refresh()).paths == frozenset()
        workspace.write(FEATURE, "")
        assert (await repository.refresh([FEATURE])).after.documents[FEATURE].failures == ()


async def test_unsaved_text_lies_over_the_disk_until_it_is_taken_away(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        on_disk = repository.snapshot.documents[FEATURE]
        assert (await repository.overlay(FEATURE, "id: FEAT-001\ntitle: Unsaved\n")).paths == {FEATURE}
        assert repository.overlays == {FEATURE}
        assert repository.read_file(FEATURE).text.endswith("Unsaved\n")
        assert repository.disk_text(FEATURE) == on_disk.text
        workspace.write(FEATURE, "id: FEAT-001\ntitle: On disk\n")
        assert (await repository.refresh()).paths == frozenset()
        change = await repository.overlay(FEATURE, None)
        assert change.after.documents[FEATURE].text.endswith("On disk\n")
        assert repository.overlays == frozenset()


async def test_an_overlay_that_equals_the_disk_changes_nothing(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        text = repository.snapshot.documents[FEATURE].text
        assert (await repository.overlay(FEATURE, text)).paths == frozenset()
        assert (await repository.overlay(FEATURE, text + "# half-typed\n")).paths == {FEATURE}
        assert (await repository.overlay(FEATURE, text + "# half-typed\n")).paths == frozenset()


async def test_an_overlay_makes_a_file_that_is_not_there_yet_and_bad_text_is_a_finding(workspace: Workspace) -> None:
    async with workspace.open(max_file_bytes=1000) as repository:
        assert (await repository.overlay(NEW, "id: FEAT-002\n")).after.get("FEAT-002") is not None
        huge = await repository.overlay(NEW, "x" * 2000)
        assert huge.after.documents[NEW].failures[0].code == "file.too-large"
        assert (await repository.overlay(NEW, None)).after.documents.keys() == {FEATURE, STORY}
        assert (await repository.overlay("notes.md", "text")).paths == frozenset()
        assert repository.read_file("notes.md").text == "text"
        with pytest.raises(PathNotAllowedError):
            await repository.overlay("../x.yaml", "id: X\n")


async def test_listeners_hear_every_change_once_and_in_order(workspace: Workspace) -> None:
    heard: list[SnapshotChange] = []
    async with workspace.open() as repository:
        unsubscribe = repository.subscribe(heard.append)
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(repository.overlay, f"contexts/features/F{number}.yaml", f"id: F{number}\n")
        assert len(heard) == 20
        assert all(earlier.after is later.before for earlier, later in pairwise(heard))
        assert [change.after.version for change in heard] == list(range(2, 22))
        unsubscribe()
        await repository.overlay(FEATURE, "")
        assert len(heard) == 20


async def test_the_repository_id_stays_the_same(workspace: Workspace) -> None:
    async with workspace.open() as one, workspace.open() as two:
        assert one.id == two.id
        assert len(one.id) == 12


async def test_the_watcher_sees_changes_by_others_and_ignores_our_own(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        heard, receive = anyio.create_memory_object_stream[frozenset[str]](100)
        repository.subscribe(lambda change: heard.send_nowait(change.paths))
        workspace.write(NEW, "id: FEAT-002\n")
        await repository.watch()
        await repository.watch()
        assert repository.watching
        with anyio.fail_after(60), heard, receive:
            assert await receive.receive() == {NEW}
            workspace.write(STORY, "id: US-001\ntitle: Seen\n")
            assert await receive.receive() == {STORY}
            workspace.write(".context/rules/new.yaml", "rules: []\n")
            assert await receive.receive() == {".context/rules/new.yaml"}
            await repository.apply([FileChange(NEW, "id: FEAT-003\n", "id: FEAT-002\n")])
            assert await receive.receive() == {NEW}
            shutil.rmtree(workspace.root / "contexts/features")
            paths = await receive.receive()
            while paths != frozenset([NEW, FEATURE]):
                paths |= await receive.receive()
    assert not repository.watching


async def test_a_folder_that_can_not_be_watched_is_told_and_is_no_error(workspace: Workspace) -> None:
    async with workspace.open() as repository:
        shutil.rmtree(workspace.root)
        await repository.watch()
        assert not repository.watching
        assert repository.snapshot.documents == {}
