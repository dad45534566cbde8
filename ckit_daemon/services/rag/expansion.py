"""Strong hits speak for what the graph joins them to."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.graph import GOVERNS
from ckit_daemon.core.relations import RELATION_NAMES
from ckit_daemon.services.rag.records import ScorePart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.snapshot import Snapshot

STRONG: Final = 5
"""Hits that speak for their neighbours."""
SHARE: Final = 0.05
"""How much of its score a hit lends to a neighbour: enough to part equals, too little to lift what does not fit."""
MAX_NEIGHBOURS: Final = 40
"""Of one hit; a service that half of a repository names says little about each of them."""
_RELATIONS: Final = tuple(name for name in RELATION_NAMES if name != GOVERNS)


def neighbours(snapshot: Snapshot, strong: Sequence[tuple[str, float]]) -> dict[str, ScorePart]:
    """Return what strong hits lend to the entities that the graph joins them to, by id.

    Args:
        snapshot: where they are.
        strong: ids and scores of entities, the best first.
    """
    lent: dict[str, ScorePart] = {}
    for identifier, score in strong[:STRONG]:
        if identifier not in snapshot.graph.entities:
            continue
        for edge in islice(snapshot.graph.edges_of(identifier, relations=_RELATIONS), MAX_NEIGHBOURS):
            other = edge.other(identifier)
            known = lent.get(other)
            if known is None or known.score < score:
                lent[other] = ScorePart("graph", score, SHARE, f"{edge.source} {edge.rel} {edge.target}")
    return lent
