"""The forms of what is generated: the daemon's own, and those that a repository brings."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.edit.template import METADATA, find_template, placeholders
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.layout import BUILDER_TEMPLATES
from ckit_daemon.core.templates import render_template
from ckit_daemon.services.assistant.fencing import neutralise
from ckit_daemon.services.generation.kit import sha256
from ckit_daemon.services.generation.markdown import BODY_FIELDS
from ckit_daemon.services.generation.records import UsedTemplate
from ckit_daemon.services.generation.texts import OUTLINES, TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.generation.kit import Kit
    from ckit_daemon.services.generation.material import Material

_TYPES: Final = {"api": "api"}
"""What a template makes of the field `type`; `technical` otherwise."""

GUIDANCE: Final[Mapping[str, str]] = {"codegen": "codegen", "review": "improvement", "test": "codegen"}
"""Which of the repository's system prompts bears on a target."""
_CONTEXT_TYPES: Final = ("feature", "userstory", "spec", "task", "service", "package", "governance")


@dataclass(frozen=True, slots=True)
class Template:
    """A form with what is known of it."""

    name: str
    text: str
    path: str | None = None
    sha256: str = ""
    defaults: JsonObject = field(default_factory=dict["str", "JsonValue"])
    """Fields that an entity made with it has unless something better is known."""

    def as_used(self) -> UsedTemplate:
        """What provenance keeps of it."""
        return UsedTemplate(name=self.name, path=self.path, sha256=self.sha256)


def spec_template(snapshot: Snapshot, kit: Kit, name: str, material: Material) -> Template:
    """The outline of a specification: the repository's own of this name, else the daemon's.

    Raises:
        NotFoundError: there is none.
        InvalidArgumentError: it is broken, makes something else, or needs an entity that is not at hand.
    """
    own = _from_prompts(kit, name, material) or _from_builder(snapshot, name)
    if own is not None:
        return own
    if name in OUTLINES:
        outline = OUTLINES[name]
        return Template(name, outline, sha256=sha256(outline), defaults={"type": _TYPES.get(name, "technical")})
    raise _unknown(name, [*OUTLINES, *_names(kit), *_builder_names(snapshot)])


def target_template(kit: Kit, name: str, material: Material) -> Template:
    """The instructions of a prompt: the repository's own of this name, else the daemon's; raises as above."""
    own = _from_prompts(kit, name, material)
    if own is not None:
        return own
    if name in TARGETS:
        return Template(name, TARGETS[name], sha256=sha256(TARGETS[name]))
    raise _unknown(name, [*TARGETS, *_names(kit)])


def current_hash(snapshot: Snapshot, kit: Kit, used: UsedTemplate) -> str | None:
    """The hash of a template as it is now; None where it is gone."""
    if used.path is None:
        own = OUTLINES.get(used.name) or TARGETS.get(used.name)
        return None if own is None else sha256(own)
    if used.path.startswith(f"{BUILDER_TEMPLATES}/"):
        document = snapshot.documents.get(used.path)
        return None if document is None else sha256(document.text)
    source = _source(kit, used.name)
    return None if source is None else sha256(source)


def _from_prompts(kit: Kit, name: str, material: Material) -> Template | None:
    source = _source(kit, name)
    if source is None:
        return None
    found = next(template for template in kit.templates if template.get("id") == name)
    context = _context(kit, material)
    required = found.get("requiredContext")
    lacking = [key for key in (required if isinstance(required, list) else []) if not context.get(str(key))]
    if lacking:
        names = ", ".join(map(str, lacking))
        message = f"The template {name} needs {names}; name an entity that has it, or add it to .context-kit."
        raise InvalidArgumentError(message, details={"template": name, "missing": lacking})
    # The engine escapes for HTML, as the reference does; what is rendered here is read as plain text. It holds fields
    # of entities outside of any fence, so that nothing of it may look like more than text.
    text = neutralise(html.unescape(render_template(source, context)))
    return Template(name, text, kit["prompts"].path, sha256(source))


def _source(kit: Kit, name: str) -> str | None:
    return next((text_of(template.get("template")) for template in kit.templates if template.get("id") == name), None)


def _context(kit: Kit, material: Material) -> JsonObject:
    """What templates of `prompts.yml` may use: the nearest entity of each type and the files of `.context-kit`."""
    nearest = {name: entity.data for name in _CONTEXT_TYPES if (entity := material.first(name)) is not None}
    lists: JsonObject = {f"{name}s": [entity.data for entity in material.of(name)] for name in _CONTEXT_TYPES}
    domains: list[JsonValue] = [*kit.domains]
    return {**lists, **nearest, "stack": kit["stack"].value, "domains": domains, "project": kit["project"].value}


def _from_builder(snapshot: Snapshot, name: str) -> Template | None:
    try:
        document = find_template(snapshot, name, "spec")
    except NotFoundError:
        return None
    value = document.value if isinstance(document.value, dict) else {}
    body = next((text for key in BODY_FIELDS if (text := text_of(value.get(key)))), "")
    defaults = {
        key: item
        for key, item in value.items()
        if key not in {METADATA, "id", "title", *BODY_FIELDS} and item and not placeholders(item)
    }
    return Template(name, f"# <title>\n\n{body}", document.path, sha256(document.text), defaults)


def _names(kit: Kit) -> list[str]:
    return [name for template in kit.templates if (name := text_of(template.get("id")))]


def _builder_names(snapshot: Snapshot) -> list[str]:
    folder = f"{BUILDER_TEMPLATES}/spec"
    return [path.rpartition("/")[2] for path in snapshot.documents if path.startswith(folder)]


def _unknown(name: str, known: list[str]) -> NotFoundError:
    listed: list[JsonValue] = [*known]
    return NotFoundError(
        f"There is no template {name[:100]!r}; there are: {', '.join(known)}.",
        details={"kind": "template", "templates": listed},
    )
