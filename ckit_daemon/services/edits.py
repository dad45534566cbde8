"""Carries out what the engine has planned or rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.services.ports import FileChange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.services.ports import Repository


async def write(store: Repository, plan: EditPlan) -> None:
    """Write all files of a plan or none.

    Raises:
        ConflictError: a file on disk is not what the plan was made from; unsaved editor text counts as that.
        StorageError: the disk refused; every file is as it was.
    """
    await store.apply([FileChange(path, new, expected) for path, new, expected in plan.changes()])


def affected_files(plan: EditPlan) -> list[str]:
    """The files that a plan touches, by their paths after it."""
    moved = dict(plan.renames)
    return sorted({*(moved.get(path, path) for path in plan.before), *plan.creates})


def changes_to_write(store: Repository, files: Mapping[str, str]) -> list[FileChange]:
    """What `Repository.apply` has to do so that these files hold these texts; reads the disk."""
    present = {path: store.disk_text(path) for path in files}
    return [FileChange(path, text, present[path]) for path, text in files.items() if text != present[path]]
