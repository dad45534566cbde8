"""Writes generated files, takes them back, and tells what became of them, from the texts that a generation keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.edit import EditPlan
from ckit_daemon.core.errors import ConflictError, InvalidArgumentError
from ckit_daemon.core.layout import SPEC_LOG

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.services.generation.records import GeneratedFile, Generation
    from ckit_daemon.services.ports import Repository

FileState = Literal["written", "changed", "gone", "pending", "undone"]


def writing(generation: Generation, store: Repository, paths: Collection[str] | None) -> EditPlan:
    """Plan to write a generation's files, or some of them with the entry of the log; reads the disk.

    Files that hold the generated text already are left out.

    Raises:
        InvalidArgumentError: the generation has no files, or none of such a path.
        ConflictError: a file is not what it was when the text for it was made, or its id is taken meanwhile.
    """
    wanted = [
        file for file in generation.files if paths is None or file.path in paths or file.path.startswith(f"{SPEC_LOG}/")
    ]
    unknown = sorted(set(paths or ()) - {file.path for file in generation.files})
    if unknown or not wanted:
        known: list[JsonValue] = [file.path for file in generation.files]
        what = f"has no file {unknown[0]}" if unknown else f"{generation.outcome} and has no files"
        raise InvalidArgumentError(f"The generation {what}.", details={"files": known})
    _refuse_taken_id(generation, store)
    before: dict[str, str] = {}
    creates: dict[str, str] = {}
    for file in wanted:
        present = _present(file, store)
        if _same(present, file.new):
            continue
        if not _same(present, file.old):
            raise _changed(file.path, "since this was generated; generate it again")
        if present is None:
            creates[file.path] = file.new
        else:
            before[file.path] = present
    return EditPlan(before, {file.path: file.new for file in wanted if file.path in before}, creates)


def undoing(generation: Generation, store: Repository) -> EditPlan:
    """Plan to put back what was there before a generation's files were written; reads the disk.

    Raises:
        ConflictError: nothing of it is written, or somebody changed a file since.
    """
    present = {file.path: _present(file, store) for file in generation.files}
    written = [file for file in generation.files if _same(present[file.path], file.new)]
    for file in generation.files:
        if file.path in generation.applied and file not in written and not _same(present[file.path], file.old):
            raise _changed(file.path, "since it was written; take the change back by hand")
    if not written:
        raise ConflictError("Nothing of this generation is written, so that there is nothing to take back.")
    return EditPlan(
        before={file.path: text for file in written if (text := present[file.path]) is not None},
        after={file.path: file.old for file in written if file.old is not None},
        deletes=tuple(file.path for file in written if file.old is None),
    )


def state_of(file: GeneratedFile, generation: Generation, store: Repository) -> FileState:
    """What became of a generated file; reads the disk."""
    present = store.disk_text(file.path)
    if _same(present, file.new):
        return "written"
    if file.path not in generation.applied:
        return "pending"
    if generation.undone and _same(present, file.old):
        return "undone"
    return "gone" if present is None else "changed"


def _present(file: GeneratedFile, store: Repository) -> str | None:
    """The text on disk, which must be what the editor shows."""
    present = store.disk_text(file.path)
    if file.path in store.overlays and store.read_file(file.path).text != present:
        raise _changed(file.path, "in the editor and is not saved; save it or close it")
    return present


def _same(present: str | None, text: str | None) -> bool:
    """Whether two texts are the same but for their line endings, which writing keeps as the file has them."""
    if present is None or text is None:
        return present is text
    return present == text or present.replace("\r\n", "\n") == text.replace("\r\n", "\n")


def _changed(path: str, what: str) -> ConflictError:
    return ConflictError(f"{path} was changed {what}. Nothing was written.", details={"path": path})


def _refuse_taken_id(generation: Generation, store: Repository) -> None:
    if generation.kind not in {"spec", "entity"} or generation.entity is None:
        return
    own = {file.path for file in generation.files}
    other = next((e.path for e in store.snapshot.definitions.get(generation.entity, ()) if e.path not in own), None)
    if other is not None:
        raise ConflictError(
            f"{generation.entity} exists already, in {other}; generate it again to get another id.",
            details={"id": generation.entity, "path": other},
        )
