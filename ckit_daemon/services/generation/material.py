"""What of a repository belongs into a request: the entities in question, what surrounds them, and the house rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from ckit_daemon.core.graph import GOVERNS
from ckit_daemon.core.relations import GOVERNANCE, RELATION_NAMES
from ckit_daemon.services.generation.kit import KitFile, sha256
from ckit_daemon.services.generation.markdown import entity_markdown, fields_markdown
from ckit_daemon.services.generation.principles import principles_markdown, principles_of
from ckit_daemon.services.generation.records import Input

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.generation.finding import Found
    from ckit_daemon.services.generation.kit import Kit

PartName = Literal[
    "instructions",
    "specification",
    "feature",
    "story",
    "constitution",
    "stack",
    "domain",
    "project",
    "guidance",
    "neighbour",
]
MAX_NEIGHBOURS: Final = 40
_RELATIONS: Final = tuple(name for name in RELATION_NAMES if name != GOVERNS)
_WORK: Final = ("has-story", "has-spec", "has-task", "implements")
"""Relations between what describes and does the same piece of work."""
_PARTS: Final[dict[str, PartName]] = {"feature": "feature", "userstory": "story"}
_ORDER: Final[tuple[PartName, ...]] = (
    "specification",
    "feature",
    "story",
    "constitution",
    "stack",
    "domain",
    "guidance",
    "project",
    "neighbour",
)
"""The most important first: what a prompt has no room for is taken from the end."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text that may go into a request."""

    part: PartName
    title: str
    text: str
    reason: str
    """Why it is there, for people."""
    path: str | None = None
    id: str | None = None
    sha256: str = ""
    """Of the whole file that it was read from."""

    def as_input(self) -> Input | None:
        """What provenance keeps of it; None for what is no file."""
        if self.path is None:
            return None
        kind = "file" if self.id is None else "entity"
        return Input(kind=kind, id=self.id, path=self.path, sha256=self.sha256, reason=self.reason)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that may go into a request, the most important first."""

    sources: tuple[Source, ...]
    entities: tuple[Entity, ...]
    """Those in question first, then those around them."""
    facts: JsonObject = field(default_factory=dict[str, "JsonValue"])
    """The same as values, for templates and for the offline provider."""

    def first(self, entity_type: str) -> Entity | None:
        """The nearest entity of a type."""
        return next((entity for entity in self.entities if entity.type == entity_type), None)

    def of(self, entity_type: str) -> list[Entity]:
        """All entities of a type, the nearest first."""
        return [entity for entity in self.entities if entity.type == entity_type]


def gather(
    snapshot: Snapshot, kit: Kit, focus: Sequence[Entity], *, found: Found | None = None, guidance: str = ""
) -> Material:
    """Collect what belongs to some entities.

    Args:
        snapshot: where they are.
        kit: the files of `.context-kit`.
        focus: the entities in question.
        found: entities that a search has found besides.
        guidance: which of the repository's own system prompts to add.
    """
    reasons = {entity.id: "asked for" for entity in focus}
    near = _around(snapshot, focus, reasons)
    searched = found.entities if found is not None else ()
    # Why the repository ties it to the request says more than that a search has found it, too.
    for entity, reason in searched:
        reasons.setdefault(entity.id, reason)
    known = {entity.id for entity in (*focus, *near)}
    entities = [*focus, *near, *(entity for entity, _ in searched if entity.id not in known)]
    types = {"spec", *(entity.type for entity in focus)}
    sources = [_of_entity(entity, reasons[entity.id], focused=entity in focus) for entity in entities]
    sources += _constitution(snapshot, types)
    sources += _of_kit(kit, entities, guidance)
    sources += found.passages if found is not None else ()
    rank = {part: number for number, part in enumerate(_ORDER)}
    sources.sort(key=lambda source: (rank[source.part], source.reason != "asked for"))
    facts: JsonObject = {
        "focus": [entity.id for entity in focus],
        "entities": [entity_facts(entity) for entity in entities],
        "principles": [*principles_of(snapshot, types)],
        "stack": kit["stack"].value,
        "domains": [*_domains(kit, entities)],
        "project": kit["project"].value,
    }
    return Material(tuple(sources), tuple(entities), facts)


def entity_facts(entity: Entity) -> JsonObject:
    """An entity as values."""
    return {"id": entity.id, "type": entity.type, "title": entity.title, "data": entity.data}


def _around(snapshot: Snapshot, focus: Sequence[Entity], reasons: dict[str, str]) -> list[Entity]:
    """What the graph ties to the entities in question, and to what shares their work; notes why in `reasons`.

    Services and packages are named by half of a repository, so that no way leads on through them.
    """
    graph = snapshot.graph
    order = {entity_type: number for number, entity_type in enumerate(snapshot.schemas.types())}
    near: list[Entity] = []

    def take(identifier: str, relations: Collection[str]) -> list[Entity]:
        taken: list[Entity] = []
        for edge in graph.edges_of(identifier, relations=relations):
            other = edge.other(identifier)
            if other not in reasons:
                reasons[other] = f"{edge.source} {edge.rel} {edge.target}"
                taken.append(graph.entities[other])
        return sorted(taken, key=lambda entity: (order.get(entity.type, len(order)), entity.id))

    for entity in focus:
        near += take(entity.id, _RELATIONS)
    partners = [
        graph.entities[edge.other(entity.id)] for entity in focus for edge in graph.edges_of(entity.id, relations=_WORK)
    ]
    for entity in sorted(dict.fromkeys(partners), key=lambda entity: order.get(entity.type, len(order))):
        near += take(entity.id, _RELATIONS)
    return near[:MAX_NEIGHBOURS]


def _of_entity(entity: Entity, reason: str, *, focused: bool) -> Source:
    part = "specification" if focused and entity.type == "spec" else _PARTS.get(entity.type, "neighbour")
    return Source(
        part=part,
        title=f"{entity.id}: {entity.title or entity.type}",
        text=entity_markdown(entity),
        reason=reason,
        path=entity.path,
        id=entity.id,
        sha256=sha256(entity.document.text),
    )


def _constitution(snapshot: Snapshot, types: Collection[str]) -> Iterator[Source]:
    for entity in snapshot.entities:
        text = principles_markdown(entity, types) if entity.type == GOVERNANCE else ""
        if text:
            yield Source(
                part="constitution",
                title=f"{entity.id}: {entity.title or 'constitution'}",
                text=text,
                reason=f"governs {', '.join(sorted(types))}",
                path=entity.path,
                id=entity.id,
                sha256=sha256(entity.document.text),
            )


def _of_kit(kit: Kit, entities: Sequence[Entity], guidance: str) -> Iterator[Source]:
    def source(part: PartName, file: KitFile, title: str, text: str, reason: str) -> Source:
        return Source(part, title, text, reason, path=file.path, sha256=sha256(file.text))

    stack = kit["stack"]
    if text := fields_markdown({key: item for key, item in stack.value.items() if key != "version"}):
        yield source("stack", stack, "Technology", text, "what the product is built with")
    for domain in _domains(kit, entities):
        title = f"Domain {domain.get('name') or domain.get('id')}"
        reason = f"the domain of {', '.join(_members(domain, entities))}"
        yield source("domain", kit["domains"], title, fields_markdown(domain), reason)
    if text := kit.guidance(guidance):
        yield source("guidance", kit["prompts"], "House rules for this kind of text", text, "what the repository asks")
    project = kit["project"]
    told = {key: project.value[key] for key in ("name", "type", "description") if key in project.value}
    if told:
        title = f"Project {told.get('name') or ''}".rstrip()
        yield source("project", project, title, fields_markdown(told), "what the product is")


def _domains(kit: Kit, entities: Sequence[Entity]) -> Iterator[JsonObject]:
    return (domain for domain in kit.domains if _members(domain, entities))


def _members(domain: JsonObject, entities: Sequence[Entity]) -> list[str]:
    """The ids of the entities that say that they belong to a domain, or that it says belong to it."""
    boundaries = domain.get("boundaries")
    services = boundaries.get("services") if isinstance(boundaries, dict) else None
    named = services if isinstance(services, list) else []
    return [
        entity.id for entity in entities if entity.id in named or (entity.data.get("domain") or ...) == domain.get("id")
    ]
