"""The JSON of the predecessor's `generate`, and the prompts that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core.compat.entities import entities_of
from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.progress import SILENT
from ckit_daemon.core.prompts import prompt_templates, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Generated:
    """The texts to be written, by path, and what is said about them."""

    files: dict[str, str]
    output: JsonObject


def generate(
    snapshot: Snapshot,
    ids: Sequence[str] = (),
    *,
    now: str,
    root: str | None = None,
    progress: Progress = SILENT,
) -> Generated:
    """Render the prompts of some entities, of all that have a template without `ids`.

    One entity that can't be rendered doesn't keep the others from it: it is an error in the output.

    Args:
        snapshot: the repository.
        ids: the entities to render.
        now: the text that stands for the time.
        root: the repository's folder, for the old form with absolute paths.
        progress: is told about every prompt.

    """
    entities = entities_of(snapshot)
    templates = prompt_templates(snapshot)
    wanted = list(dict.fromkeys(ids)) or [entity.id for entity in entities.values() if entity.type in templates]
    files: dict[str, str] = {}
    generated: list[JsonValue] = []
    errors: list[JsonValue] = []
    for index, identifier in enumerate(wanted):
        progress.report(index, len(wanted), f"Rendering {identifier}")
        entity = entities.get(identifier)
        if entity is None:
            errors.append({"id": identifier, "message": f"Entity {identifier} does not exist"})
            continue
        try:
            prompt = render(snapshot, entity, now=now, root=root)
        except CkitError as error:
            errors.append({"id": identifier, "message": error.message})
            continue
        files[prompt.prompt_path] = prompt.prompt
        written: JsonObject = {"id": identifier, "type": entity.type, "path": prompt.prompt_path}
        if prompt.checklist is not None:
            files[prompt.checklist_path] = prompt.checklist
            written["checklist"] = prompt.checklist_path
        generated.append(written)
    output: JsonObject = {"ok": not errors, "generated": generated, "stats": {"totalGenerated": len(generated)}}
    if errors:
        output["errors"] = errors
    return Generated(files, output)
