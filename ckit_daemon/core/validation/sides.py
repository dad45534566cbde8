"""Whether the two sides of a relation say the same.

A relation may be stated by both of its entities: a feature lists its stories, and a story names its feature. A story
has one feature and is therefore the one to ask: everything about its membership is found while looking at the story,
whichever file the finding ends up in. Between two lists the entity that fails to name the other is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from ckit_daemon.core.document import Fix, Related
from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import RELATIONS, relations_of
from ckit_daemon.core.validation.codes import make
from ckit_daemon.core.validation.references import SOUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.document import Finding
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.relations import Relation
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.text import Location
    from ckit_daemon.core.validation.references import Resolution

_Named: TypeAlias = "dict[tuple[tuple[str, ...], str], Path]"
_BY_FIELD: Final = {(relation.source, relation.field): relation for relation in RELATIONS}
PARTNERS: Final = {
    source: frozenset(
        target
        for relation in relations_of(source)
        for target in relation.targets
        if relation.mirror and (target, relation.mirror) in _BY_FIELD
    )
    for source in {relation.source for relation in RELATIONS}
}
"""The types whose entities state a relation together with those of each type."""


class SideChecker:
    """Compares the sides of relations in one snapshot."""

    def __init__(self, snapshot: Snapshot, resolutions: Mapping[str, Resolution]) -> None:
        self._snapshot = snapshot
        self._resolutions = resolutions
        self._named: dict[str, _Named] = {}

    def check(self, entity: Entity) -> Iterator[Finding]:
        """Yield the disagreements that are found by looking at `entity`, in whichever file they are."""
        # The sides of an id that is defined twice, or can't be read, are not known.
        if not entity.document.readable or self._snapshot.definitions[entity.id][0] is not entity:
            return
        for relation in relations_of(entity.type):
            if not relation.mirror or not self._is_sound(entity, relation.field):
                continue
            if relation.many:
                for other, back in self._unanswered(entity, relation):
                    yield self._not_listed(other, back, entity, relation)
            else:
                yield from self._check_member(entity, relation)

    def _check_member(self, member: Entity, relation: Relation) -> Iterator[Finding]:
        """Check an entity that belongs to one other, which lists its members."""
        parent = self._named_one(member, relation)
        listers = list(self._unanswered(member, relation))
        if parent is None:
            for other, back in listers:
                yield self._not_listed(other, back, member, relation)
        elif self._lists(parent, relation, member):
            for other, back in listers:
                related = [Related(self._place(member, relation.field, parent.id), f"{member.id} names {parent.id}.")]
                yield make(
                    "reference.disagrees",
                    f"{other.id} lists {member.id}, which names {parent.id} as its {relation.name}: "
                    "remove it here, or change it there.",
                    self._place(other, back.field, member.id),
                    entity=other.id,
                    path=self._named_by(other)[back.field, member.id],
                    related=related,
                    fixes=[_fix(f"Make {member.id} name {other.id}", member, relation, other.id)],
                )
        elif listers:
            names = shorten(" and ".join(other.id for other, _ in listers))
            listed = "lists" if len(listers) == 1 else "list"
            yield make(
                "reference.disagrees",
                f"{member.id} names {parent.id}, which does not list it, while {names} {listed} it: "
                "decide which one is right.",
                self._place(member, relation.field, parent.id),
                entity=member.id,
                path=relation.field,
                related=[
                    Related(self._place(other, back.field, member.id), f"{other.id} lists {member.id}.")
                    for other, back in listers
                ],
                fixes=[
                    *(_fix(f"Name {other.id} here", member, relation, other.id) for other, _ in listers),
                    _fix(f"Add {member.id} to {parent.id}", parent, _BY_FIELD[parent.type, relation.mirror], member.id),
                ],
            )
        else:
            yield self._not_listed(member, relation, parent, _BY_FIELD[parent.type, relation.mirror])

    def _unanswered(self, entity: Entity, relation: Relation) -> Iterator[tuple[Entity, Relation]]:
        """Yield who names `entity` in the mirror of `relation` and is not named back, with the mirror."""
        named = self._named_by(entity)
        for path in sorted(self._snapshot.referrers.get(entity.id, ())):
            other = self._snapshot.by_path[path]
            if other.type not in relation.targets or (relation.field, other.id) in named:
                continue
            back = _BY_FIELD.get((other.type, relation.mirror))
            if back is None or (relation.mirror, entity.id) not in self._named_by(other):
                continue
            # Where the other side belongs to one entity only, it is asked instead.
            if back.many and self._snapshot.definitions[other.id][0] is other:
                yield other, back

    def _named_one(self, member: Entity, relation: Relation) -> Entity | None:
        reference = next((found for found in member.references if found.relation is relation), None)
        return None if reference is None else self._snapshot.get(reference.target)

    def _lists(self, parent: Entity, relation: Relation, member: Entity) -> bool:
        """Whether a parent lists a member, or may do so: nothing is held against a list that can't be trusted."""
        return (
            not parent.document.readable
            or (relation.mirror, member.id) in self._named_by(parent)
            or not self._is_sound(parent, relation.mirror)
        )

    def _not_listed(self, stated_by: Entity, relation: Relation, silent: Entity, back: Relation) -> Finding:
        path = self._named_by(stated_by)[relation.field, silent.id]
        return make(
            "reference.not-listed",
            f"{stated_by.id} names {silent.id} in '{relation.name}', and '{back.name}' of {silent.id} does not name "
            "it back: add it there.",
            self._place(stated_by, relation.field, silent.id),
            entity=stated_by.id,
            path=path,
            related=[Related(silent.document.location_at(back.field, key=True), f"'{back.name}' belongs here.")],
            fixes=[_fix(f"Add {stated_by.id} to {silent.id}", silent, back, stated_by.id)],
        )

    def _is_sound(self, entity: Entity, field: tuple[str, ...]) -> bool:
        return field not in self._resolutions.get(entity.path, SOUND).unsound

    def _place(self, entity: Entity, field: tuple[str, ...], target: str) -> Location:
        return entity.document.location_at(self._named_by(entity)[field, target])

    def _named_by(self, entity: Entity) -> _Named:
        """The first place where an entity names each id in each field."""
        known = self._named.get(entity.path)
        if known is not None:
            return known
        named: _Named = {}
        for reference in entity.references:
            named.setdefault((reference.relation.field, reference.target), reference.path)
        self._named[entity.path] = named
        return named


def _fix(title: str, entity: Entity, relation: Relation, identifier: str) -> Fix:
    """A fix that makes `entity` name `identifier`: in its one place, or at the end of its list."""
    if not relation.many:
        return Fix(title, relation.field, identifier, file=entity.path)
    current: JsonValue = entity.data
    for step in relation.field:
        current = current.get(step) if isinstance(current, dict) else None
    if isinstance(current, list):
        return Fix(title, (*relation.field, len(current)), identifier, file=entity.path)
    return Fix(title, relation.field, [identifier], file=entity.path)
