"""The forms of what is generated: the daemon's own, and those that a repository brings."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from ckit_daemon.core.edit.template import METADATA, find_template, placeholders
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.errors import InvalidArgumentError, NotFoundError
from ckit_daemon.core.layout import BUILDER_TEMPLATES
from ckit_daemon.core.templates import render_template
from ckit_daemon.services.generation.kit import sha256
from ckit_daemon.services.generation.markdown import BODY_FIELDS
from ckit_daemon.services.generation.records import UsedTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.generation.kit import Kit
    from ckit_daemon.services.generation.material import Material

Origin = Literal["own", "prompts", "builder"]

_OUTLINES: Final[Mapping[str, str]] = {
    "default": """\
# <title>

<one paragraph that sums the specification up>

## Behaviour

<states, rules and limits; each limit with a number and a unit>

## Data

<what is stored or exchanged, with types>

## Interfaces

<what talks to what, and how>

## Failures

<what can go wrong, and what happens then>

## Constraints

<a list of limits that hold whatever the implementation looks like>

## Acceptance

<a list of statements with a yes or a no>

## Open questions

<a list of at most three questions that only a person can answer>
""",
    "api": """\
# <title>

<one paragraph that sums the interface up>

## Operations

<a list: method, path, purpose, request and response>

## Data

<the fields of requests and responses, with types>

## Errors

<a table: status, code, meaning>

## Authorisation

<who may call what>

## Load

<limits of calls and sizes, each with a number and a unit>

## Versions

<how the interface changes without breaking those who call it>

## Acceptance

<a list of statements with a yes or a no>

## Open questions

<a list of at most three questions that only a person can answer>
""",
    "feature": """\
# <title>

<one paragraph: what changes for whom>

## Goal

<why the feature exists>

## Scope

<two lists: what belongs to it, what does not>

## Stories

<each story with its criteria>

## Behaviour

<states, rules and limits; each limit with a number and a unit>

## Builds on

<services and packages that it needs, and what it needs them for>

## Failures

<what can go wrong, and what happens then>

## Constraints

<a list of limits that hold whatever the implementation looks like>

## Acceptance

<a list of statements with a yes or a no>

## Open questions

<a list of at most three questions that only a person can answer>
""",
}
_TYPES: Final = {"api": "api"}
"""What a template makes of the field `type`; `technical` otherwise."""

_TARGETS: Final[Mapping[str, str]] = {
    "codegen": """\
# Assignment: implement the specification

Write the code that the specification below describes, complete and ready to be merged.

- Build what the specification and the acceptance criteria say, and nothing besides.
- Keep to the principles, the technology and the words of the domain that are given.
- Handle every failure that the specification names; check input where it comes in.
- Cover each acceptance criterion with a test whose name says it.
- Where the specification leaves something open, choose the simplest way and say so in one line.

Answer with whole files, each with its path relative to the repository and what it is for.
""",
    "review": """\
# Assignment: review the specification

Judge whether the specification below can be built and tested as it stands.

- Name what is missing, contradictory or impossible to check, the gravest first, and quote the words you mean.
- Compare it with the feature, the stories' criteria and the principles that are given.
- For each finding say what could go wrong and propose the sentence that would mend it.
- Say what is good enough to stay as it is.

Answer with a list of findings, each with a severity (blocker, major, minor), and a verdict in one sentence.
""",
    "test": """\
# Assignment: test what the specification promises

Write the tests for the specification below; the implementation is not your concern.

- At least one test for each acceptance criterion, limit and failure, each named as a sentence of behaviour.
- Test limits on both sides, and input that is empty, too long, doubled or late.
- Use the test tools of the technology that is given.
- List what can't be tested automatically, and how a person would check it.

Answer with whole files, each with its path relative to the repository and what it is for.
""",
}
TARGETS: Final = tuple(_TARGETS)
GUIDANCE: Final[Mapping[str, str]] = {"codegen": "codegen", "review": "improvement", "test": "codegen"}
"""Which of the repository's system prompts bears on a target."""
_CONTEXT_TYPES: Final = ("feature", "userstory", "spec", "task", "service", "package", "governance")


@dataclass(frozen=True, slots=True)
class Template:
    """A form with what is known of it."""

    name: str
    text: str
    origin: Origin = "own"
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
    if name in _OUTLINES:
        outline = _OUTLINES[name]
        return Template(name, outline, sha256=sha256(outline), defaults={"type": _TYPES.get(name, "technical")})
    raise _unknown(name, [*_OUTLINES, *_names(kit), *_builder_names(snapshot)])


def target_template(kit: Kit, name: str, material: Material) -> Template:
    """The instructions of a prompt: the repository's own of this name, else the daemon's; raises as above."""
    own = _from_prompts(kit, name, material)
    if own is not None:
        return own
    if name in _TARGETS:
        return Template(name, _TARGETS[name], sha256=sha256(_TARGETS[name]))
    raise _unknown(name, [*_TARGETS, *_names(kit)])


def current_hash(snapshot: Snapshot, kit: Kit, used: UsedTemplate) -> str | None:
    """The hash of a template as it is now; None where it is gone."""
    if used.path is None:
        own = _OUTLINES.get(used.name) or _TARGETS.get(used.name)
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
    # The engine escapes for HTML, as the reference does; what is rendered here is read as plain text.
    text = html.unescape(render_template(source, context))
    return Template(name, text, "prompts", kit["prompts"].path, sha256(source))


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
    return Template(name, f"# <title>\n\n{body}", "builder", document.path, sha256(document.text), defaults)


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
