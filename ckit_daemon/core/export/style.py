"""What all pictures have in common: the colour of each entity type and the words on an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.entity import Entity

_COLOURS: Final = {
    "governance": "#7c3aed",
    "feature": "#2563eb",
    "userstory": "#0891b2",
    "spec": "#059669",
    "task": "#d97706",
    "service": "#dc2626",
    "package": "#db2777",
}
_OTHER_COLOURS: Final = ("#64748b", "#65a30d", "#9333ea", "#0d9488", "#b45309", "#4f46e5")


def colours(entities: Iterable[Entity]) -> dict[str, str]:
    """A colour (`#rrggbb`) for each type among `entities`, in the order in which the types appear."""
    found: dict[str, str] = {}
    others = 0
    for entity in entities:
        if entity.type in found:
            continue
        colour = _COLOURS.get(entity.type)
        if colour is None:
            colour = _OTHER_COLOURS[others % len(_OTHER_COLOURS)]
            others += 1
        found[entity.type] = colour
    return found


def caption(entity: Entity) -> tuple[str, ...]:
    """The lines on an entity: its id, and its title where it has one. Line breaks inside become spaces."""
    lines = (entity.id, entity.title) if entity.title else (entity.id,)
    return tuple(" ".join(line.split()) for line in lines)


def tint(colour: str) -> str:
    """A pale shade of a `#rrggbb` colour, on which black text reads well."""
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{255 - (255 - channel) // 6:02x}" for channel in channels)
