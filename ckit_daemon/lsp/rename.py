"""Rename: an id everywhere, its file's name included, and what names a file that is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon.core import edit
from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.lsp.documents import local_path
from ckit_daemon.lsp.target import target_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.lsp.context import View


def prepare_rename(
    view: View, document: Document, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    """Answer `textDocument/prepareRename`."""
    target = target_at(view.snapshot, document, view.convert.to_position(params.position, document))
    if target is None or target.id not in view.snapshot.definitions:
        return None
    return types.PrepareRenamePlaceholder(view.convert.range(target.range, document), target.id)


def rename(view: View, document: Document, params: types.RenameParams) -> types.WorkspaceEdit | None:
    """Answer `textDocument/rename`.

    Raises:
        InvalidArgumentError: no id stands there, or the new one is none that the entity may have.
        AlreadyExistsError: the new id or file name is taken.
        ConflictError: several files claim the id, or a file can't be changed without changing something else.
    """
    target = target_at(view.snapshot, document, view.convert.to_position(params.position, document))
    if target is None or target.id not in view.snapshot.definitions:
        raise InvalidArgumentError("There is no id here that could be renamed.")
    plan = edit.rename(
        view.snapshot,
        target.id,
        params.new_name.strip(),
        view.repository.store.prose(),
        path=document.path if target.is_definition else None,
    )
    return view.edit(plan)


def will_rename_files(views: Sequence[View], params: types.RenameFilesParams) -> types.WorkspaceEdit | None:
    """Answer `workspace/willRenameFiles`: the texts that name these files, and the ids that go with their names.

    Raises:
        AlreadyExistsError: an entity has the id already that a file's new name begins with.
        ConflictError: as `rename`.
    """
    edits: list[types.WorkspaceEdit] = []
    for view in views:
        moves = [move for file in params.files if (move := _inside(view, file)) is not None]
        if moves and (found := view.edit(edit.move(view.snapshot, moves, view.repository.store.prose()))) is not None:
            edits.append(found)
    changes = [change for each in edits for change in each.document_changes or ()]
    if changes:
        return types.WorkspaceEdit(document_changes=changes)
    plain = {uri: change for each in edits for uri, change in (each.changes or {}).items()}
    return types.WorkspaceEdit(plain) if plain else None


def _inside(view: View, file: types.FileRename) -> tuple[str, str] | None:
    """The old and the new path of a file in a repository; None where one of them is elsewhere."""
    root = view.repository.store.root
    old, new = local_path(file.old_uri), local_path(file.new_uri)
    if old is None or new is None or not old.is_relative_to(root) or not new.is_relative_to(root):
        return None
    return old.relative_to(root).as_posix(), new.relative_to(root).as_posix()
