"""Whether what entities name exists, is of the right type, and is one thing only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.conditions import value_at
from ckit_daemon.core.document import Fix, Related
from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import split_version
from ckit_daemon.core.validation.codes import make

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from ckit_daemon.core.document import Finding
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import Path
    from ckit_daemon.core.relations import Reference, Relation
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.core.validation.local import LocalResult

UNKNOWN: Final = "unknown"
_MAX_SUGGESTIONS: Final = 3
_SIMILAR: Final = 0.8
"""Least similarity of an id that is offered instead: one slip in five characters."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is wrong with the references that one entity makes."""

    findings: tuple[Finding, ...] = ()
    unsound: frozenset[tuple[str, ...]] = frozenset()
    """Fields that can't be compared with the other side: broken values, and a sole id that leads nowhere."""
    unresolved: bool = False
    """Some id leads nowhere, reported or not."""


SOUND: Final = Resolution()


class Resolver:
    """Looks up references in one snapshot."""

    def __init__(self, snapshot: Snapshot, local: Mapping[str, LocalResult]) -> None:
        self._snapshot = snapshot
        self._local = local
        self._known_choices: dict[tuple[str, ...], dict[str, str]] = {}
        self._known_nearest: dict[tuple[tuple[str, ...], str], list[str]] = {}

    def resolve(self, entity: Entity) -> Resolution:
        """Check the references of an entity, and that no earlier file has its id."""
        broken: Set[Path] = self._local[entity.path].broken if entity.path in self._local else frozenset()
        findings: list[Finding] = []
        unsound: set[tuple[str, ...]] = set()
        dangling: set[Relation] = set()
        unresolved = False
        definitions = self._snapshot.definitions
        first = definitions[entity.id][0]
        if first is not entity:
            findings.append(_duplicate(entity, first))
        for misfit in entity.misfits:
            unsound.add(misfit.relation.field)
            if misfit.path not in broken:
                message = f"'{misfit.relation.name}' must hold {misfit.expected}, and this value can't be one."
                where = entity.document.location_at(misfit.path)
                findings.append(make("reference.not-an-id", message, where, entity=entity.id, path=misfit.path))
        for reference in entity.references:
            if broken and reference.path in broken:
                unsound.add(reference.relation.field)
                continue
            targets = definitions.get(reference.target)
            if targets is None:
                # A file that can't be read may well define the id that it is named after, and has its own finding.
                if not self._is_name_of_unread(reference.target):
                    findings.append(self._unresolved(entity, reference))
                unresolved = True
                dangling.add(reference.relation)
            elif not any(target.type in reference.relation.targets for target in targets):
                dangling.add(reference.relation)
                # A folder that belongs to no type has its own finding.
                if targets[0].type != UNKNOWN:
                    findings.append(_wrong_type(entity, reference, targets[0]))
        # One bad id in a list leaves the rest of the list as good as it was.
        unsound |= {relation.field for relation in dangling if not relation.many}
        return Resolution(tuple(findings), frozenset(unsound), unresolved) if findings or unsound else SOUND

    def _is_name_of_unread(self, identifier: str) -> bool:
        return any(stem == identifier or stem.startswith(f"{identifier}-") for stem in self._unread)

    @cached_property
    def _unread(self) -> list[str]:
        """The names, without suffix, of the files whose entity nobody knows."""
        return [path.rpartition("/")[2].rpartition(".")[0] for path in unread_paths(self._snapshot)]

    def _unresolved(self, entity: Entity, reference: Reference) -> Finding:
        kinds = " or ".join(reference.relation.targets)
        near = self._nearest(reference)
        advice = f"did you mean {' or '.join(near)}?" if near else "correct the id, or create it."
        value = value_at(entity.data, reference.path)
        version = split_version(value)[1] if reference.relation.versioned and isinstance(value, str) else ""
        suffix = f"@{version}" if version else ""
        fixes = [Fix(f"Change it to {known}{suffix}", reference.path, f"{known}{suffix}") for known in near]
        target = shorten(reference.target)
        if len(reference.target) == len(target):
            fixes.append(Fix(f"Create the {kinds} {target}", creates=target))
        return make(
            "reference.unresolved",
            f"'{reference.relation.name}' names {target}, and there is no {kinds} with this id: {advice}",
            entity.document.location_at(reference.path),
            entity=entity.id,
            path=reference.path,
            fixes=fixes,
        )

    def _nearest(self, reference: Reference) -> list[str]:
        # When an entity goes, many references miss the same id.
        missed = reference.relation.targets, reference.target
        if missed not in self._known_nearest:
            self._known_nearest[missed] = self._search_nearest(*missed)
        return self._known_nearest[missed]

    def _search_nearest(self, kinds: tuple[str, ...], target: str) -> list[str]:
        # Takes time to load, and a repository without findings needs no suggestions.
        from rapidfuzz import process  # noqa: PLC0415
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        found = process.extract(
            target.casefold(),
            self._choices(kinds),
            scorer=OSA.normalized_similarity,
            score_cutoff=_SIMILAR,
            limit=_MAX_SUGGESTIONS,
        )
        best = max((score for _, score, _ in found), default=0)
        return sorted(known for _, score, known in found if score == best)

    def _choices(self, kinds: tuple[str, ...]) -> dict[str, str]:
        """The ids of entities of some types, with their folded forms."""
        if kinds not in self._known_choices:
            self._known_choices[kinds] = {known: folded for kind in kinds for known, folded in self._ids.get(kind, ())}
        return self._known_choices[kinds]

    @cached_property
    def _ids(self) -> dict[str, list[tuple[str, str]]]:
        ids: dict[str, list[tuple[str, str]]] = {}
        for identifier, definitions in sorted(self._snapshot.definitions.items()):
            ids.setdefault(definitions[0].type, []).append((identifier, identifier.casefold()))
        return ids


def unread_paths(snapshot: Snapshot) -> frozenset[str]:
    """The files under `contexts/` that can't be read so far as to know their entity."""
    return frozenset(
        path
        for path, document in snapshot.documents.items()
        if not document.readable and path not in snapshot.by_path and path.startswith(f"{layout.ENTITIES}/")
    )


def _duplicate(entity: Entity, first: Entity) -> Finding:
    return make(
        "entity.duplicate-id",
        f"{first.path} has the id {shorten(entity.id)} already, and references mean that one: give one a new id.",
        entity.document.location_at(("id",)),
        entity=entity.id,
        path=("id",),
        related=[Related(first.document.location_at(("id",)), "The first definition of the id.")],
    )


def _wrong_type(entity: Entity, reference: Reference, target: Entity) -> Finding:
    kinds = " or ".join(reference.relation.targets)
    return make(
        "reference.wrong-type",
        f"'{reference.relation.name}' must name a {kinds}, and {shorten(target.id)} is a {target.type}.",
        entity.document.location_at(reference.path),
        entity=entity.id,
        path=reference.path,
    )
