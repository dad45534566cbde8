"""Prompts and checklists: an entity poured into the template of its type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.templates import TEMPLATE_SUFFIX, render_template

if TYPE_CHECKING:
    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.core.snapshot import Snapshot

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
# Names that Windows gives to devices, whatever follows a dot.
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What one entity renders to, and the files that hold it, relative to the repository."""

    entity: Entity
    template: str
    prompt: str
    prompt_path: str
    checklist: str | None
    """None where the repository has no checklist template."""
    checklist_path: str


def prompt_templates(snapshot: Snapshot) -> tuple[str, ...]:
    """The names of the templates that a prompt can be rendered with."""
    prefix = f"{layout.PROMPT_TEMPLATES}/"
    names = [
        path.removeprefix(prefix).removesuffix(TEMPLATE_SUFFIX)
        for path in snapshot.documents
        if path.startswith(prefix) and path.endswith(TEMPLATE_SUFFIX)
    ]
    return tuple(name for name in names if name != layout.CHECKLIST)


def output_path(identifier: str, suffix: str = ".md") -> str:
    """The file for an entity's prompt.

    Raises:
        InvalidArgumentError: the id is no safe file name on every system; `../../X` would leave the folder.

    """
    if not _SAFE_NAME.fullmatch(identifier) or ".." in identifier or _DEVICES.fullmatch(identifier):
        raise InvalidArgumentError(
            "The id can't be a file name: it may have letters, digits, dots, dashes and underscores.",
            details={"id": identifier[:128]},
        )
    return f"{layout.PROMPTS_OUT}/{identifier}{suffix}"


def render(
    snapshot: Snapshot, entity: Entity, *, now: str, template: str | None = None, root: str | None = None
) -> RenderedPrompt:
    """Render the prompt and the checklist of an entity.

    Args:
        snapshot: where the templates are.
        entity: what is rendered.
        now: the text that stands for the time; the same text gives the same output.
        template: the name of another template than the one of the entity's type.
        root: put before every path, as the predecessor did; without it paths are relative to the repository.

    Raises:
        NotFoundError: there is no such template.
        InvalidArgumentError: the template is broken, or the id can't be a file name.
        LimitExceededError: the template renders without measure.

    """
    name = template or entity.type
    source = _template(snapshot, name)
    if source is None:
        known = ", ".join(prompt_templates(snapshot)) or "none"
        raise NotFoundError(f"There is no prompt template '{name}'; there are: {known}.", details={"template": name})
    prompt_path = output_path(entity.id)
    prefix = f"{root}/" if root else ""
    provided: JsonObject = {
        "entity": entity.data,
        "entityType": entity.type,
        "timestamp": now,
        "outputFile": prefix + prompt_path,
        "_file": prefix + entity.path,
    }
    checklist = _template(snapshot, layout.CHECKLIST)
    return RenderedPrompt(
        entity=entity,
        template=source.path,
        prompt=render_template(source.text, {**provided, **entity.data, "timestamp": now, "_file": provided["_file"]}),
        prompt_path=prompt_path,
        checklist=None if checklist is None else render_template(checklist.text, provided),
        checklist_path=output_path(entity.id, ".checklist.md"),
    )


def _template(snapshot: Snapshot, name: str) -> Document | None:
    document = snapshot.documents.get(f"{layout.PROMPT_TEMPLATES}/{name}{TEMPLATE_SUFFIX}")
    return None if document is None or document.failures else document
