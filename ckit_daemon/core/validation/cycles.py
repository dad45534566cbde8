"""Dependencies that lead back to where they started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.document import Related
from ckit_daemon.core.graph import Graph
from ckit_daemon.core.json import shorten
from ckit_daemon.core.relations import ACYCLIC, RELATIONS
from ckit_daemon.core.validation.codes import make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Finding
    from ckit_daemon.core.snapshot import Snapshot

CYCLE_TYPES: Final = frozenset(
    entity_type
    for relation in RELATIONS
    if relation.rel in ACYCLIC
    for entity_type in (relation.source, *relation.targets)
)
"""The types between which a cycle may exist; all others are left out of the search."""


def cycle_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield one finding for each ring, at the entity whose file comes first."""
    members = [definitions[0] for definitions in snapshot.definitions.values() if definitions[0].type in CYCLE_TYPES]
    for ring in Graph.of(sorted(members, key=lambda entity: entity.path)).cycles:
        first = min(range(len(ring)), key=lambda index: ring[index].statements[0].entity.path)
        statements = [edge.statements[0] for edge in (*ring[first:], *ring[:first])]
        start = statements[0]
        names = [statement.entity.id for statement in statements]
        shown = " → ".join([*names, names[0]])
        yield make(
            "cycle.dependency",
            f"Dependencies form a ring, so none of them can be built first: {shorten(shown, 240)}. Remove one of them.",
            start.entity.document.location_at(start.path),
            entity=start.entity.id,
            path=start.path,
            related=[
                Related(
                    statement.entity.document.location_at(statement.path), f"{statement.entity.id} depends on the next."
                )
                for statement in statements[1:]
            ],
        )
