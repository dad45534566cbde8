"""Which fields of an entity name other entities, and what the naming means.

One table says it all. A fact may be stated from both sides (`feature.userStories` and `userstory.feature`); the
graph holds it once, in the direction that the table gives, with every place that states it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.json import JsonValue, Path


@dataclass(frozen=True, slots=True)
class Relation:
    """A field that holds ids of other entities."""

    source: str
    field: tuple[str, ...]
    targets: tuple[str, ...]
    rel: str
    reverse: bool = False
    """The fact runs from the named entity to the one that names it."""
    many: bool = True
    versioned: bool = False
    """Values are `id@range`, as package managers write dependencies."""
    mirror: tuple[str, ...] = ()
    """The field of the target that must state the same fact, where there is one."""

    @property
    def name(self) -> str:
        """The field as people write it: `related.features`."""
        return ".".join(self.field)


RELATIONS: Final = (
    Relation("feature", ("userStories",), ("userstory",), "has-story", mirror=("feature",)),
    Relation("feature", ("specs",), ("spec",), "has-spec", mirror=("related", "features")),
    Relation("feature", ("tasks",), ("task",), "has-task", mirror=("related", "feature")),
    Relation("feature", ("requires",), ("service", "package"), "requires"),
    Relation("feature", ("produces",), ("service", "package"), "produces"),
    Relation("userstory", ("feature",), ("feature",), "has-story", reverse=True, many=False, mirror=("userStories",)),
    Relation("userstory", ("impacts", "services"), ("service",), "impacts"),
    Relation("userstory", ("impacts", "packages"), ("package",), "impacts"),
    Relation("spec", ("related", "features"), ("feature",), "has-spec", reverse=True, mirror=("specs",)),
    Relation("spec", ("related", "services"), ("service",), "relates-to"),
    Relation("spec", ("related", "packages"), ("package",), "relates-to"),
    Relation("task", ("related", "feature"), ("feature",), "has-task", reverse=True, many=False, mirror=("tasks",)),
    Relation("task", ("related", "spec"), ("spec",), "implements", reverse=True, many=False),
    Relation("task", ("related", "service"), ("service",), "modifies", many=False),
    Relation("service", ("dependencies",), ("service", "package"), "depends-on", versioned=True),
    Relation("service", ("consumers",), ("package", "service"), "uses", reverse=True, mirror=("uses", "services")),
    Relation("package", ("uses", "services"), ("service",), "uses", mirror=("consumers",)),
)

GOVERNS: Final = "governs"
GOVERNANCE: Final = "governance"
ACYCLIC: Final = ("depends-on",)
"""Relations in which a cycle makes no sense."""
RELATION_NAMES: Final = tuple(dict.fromkeys([relation.rel for relation in RELATIONS] + [GOVERNS]))

_BY_TYPE: Final[Mapping[str, tuple[Relation, ...]]] = {
    source: tuple(relation for relation in RELATIONS if relation.source == source)
    for source in {relation.source for relation in RELATIONS}
}


def relations_of(entity_type: str) -> tuple[Relation, ...]:
    """The relation fields of one entity type; none for a type that the table doesn't know."""
    return _BY_TYPE.get(entity_type, ())


def relation_at(entity_type: str, path: Path) -> Relation | None:
    """The relation that a value of an entity states, by its place; None where it is no reference."""
    field = path[:-1] if path and isinstance(path[-1], int) else path
    found = (relation for relation in relations_of(entity_type) if relation.field == field)
    return next((relation for relation in found if relation.many == (field != path)), None)


class Reference(NamedTuple):
    """One place where an entity names another."""

    relation: Relation
    path: Path
    target: str


class Misfit(NamedTuple):
    """A value in a reference field that can't be a reference."""

    relation: Relation
    path: Path
    expected: str


def references_of(entity_type: str, data: Mapping[str, JsonValue]) -> Iterator[Reference | Misfit]:
    """Yield every reference of an entity in the order of the table, and every value that is none.

    An empty string or a missing value names nothing and is not yielded.
    """
    for relation in relations_of(entity_type):
        value: JsonValue = data.get(relation.field[0])
        for step in relation.field[1:]:
            if not isinstance(value, dict):
                # A wrong type above the field is the schema's business.
                value = None
                break
            value = value.get(step)
        if value is None:
            continue
        if not relation.many:
            found = _reference(relation, relation.field, value)
            if found is not None:
                yield found
        elif isinstance(value, list):
            for index, item in enumerate(value):
                found = _reference(relation, (*relation.field, index), item)
                if found is not None:
                    yield found
        else:
            yield Misfit(relation, relation.field, "a list of ids")


def _reference(relation: Relation, path: Path, value: JsonValue) -> Reference | Misfit | None:
    if isinstance(value, str):
        target = split_version(value)[0] if relation.versioned else value
        return Reference(relation, path, target) if target else None
    return None if value is None else Misfit(relation, path, "an id")


def split_version(dependency: str) -> tuple[str, str]:
    """Split `id@range` into both parts; an `@` at the start belongs to a scoped package's name."""
    at = dependency.find("@", 1)
    return (dependency, "") if at < 0 else (dependency[:at], dependency[at + 1 :])
