"""Carries out what the engine has planned: shows it, or writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.services.ports import FileChange

if TYPE_CHECKING:
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
