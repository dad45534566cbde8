"""What a field means, from the schema of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.json import shown
from ckit_daemon.core.relations import relation_at
from ckit_daemon.core.shapes import at, facts, items, required

if TYPE_CHECKING:
    from ckit_daemon.core.json import Path
    from ckit_daemon.core.shapes import Facts, Shape
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.lsp.markup import Markup

_MAX_CHOICES: Final = 20


def shape_of(snapshot: Snapshot, path: str) -> Shape:
    """What is known about the whole document of a file: nothing (None) where no schema describes it."""
    entity_type = snapshot.schemas.type_of_path(path) if path.startswith(f"{layout.ENTITIES}/") else None
    schema = snapshot.schemas[entity_type] if entity_type is not None else None
    return None if schema is None else schema.shape


def describe(snapshot: Snapshot, path: str, field: Path, markup: Markup) -> list[str]:
    """The paragraphs about a field of a file's type; none where no schema knows it."""
    shape = at(shape_of(snapshot, path), field)
    if not shape:
        return []
    known = facts(shape)
    entity_type = snapshot.schemas.type_of_path(path) or ""
    is_needed = field[-1] in required(at(shape_of(snapshot, path), field[:-1]))
    name = ".".join(str(step) for step in field if isinstance(step, str))
    kind = kind_of(shape)
    heading = [markup.strong(name), *([markup.text(kind)] if kind else []), *(["required"] if is_needed else [])]
    return [
        " · ".join(heading),
        markup.text(known.description),
        _choices(known, markup),
        _limits(known, markup),
        _relation(entity_type, field, markup),
    ]


def kind_of(shape: Shape) -> str:
    """The type of a value in a few words: `list of string`."""
    known = facts(shape)
    if known.types == ("array",):
        inner = " or ".join(facts(items(shape)).types)
        return f"list of {inner}" if inner else "list"
    names = {"array": "list", "object": "mapping"}
    return " or ".join(names.get(name, name) for name in known.types)


def _choices(known: Facts, markup: Markup) -> str:
    if not known.choices:
        return ""
    listed = ", ".join(markup.code(shown(choice).strip('"')) for choice in known.choices[:_MAX_CHOICES])
    more = len(known.choices) - _MAX_CHOICES
    return f"One of {listed}{f' and {more} more' if more > 0 else ''}"


def _limits(known: Facts, markup: Markup) -> str:
    parts = {
        "Format": known.format,
        "Pattern": known.pattern,
        "Default": "" if known.default is None else shown(known.default).strip('"'),
        "For example": ", ".join(shown(example).strip('"') for example in known.examples[:3]),
    }
    told = [f"{name}: {markup.code(text)}" for name, text in parts.items() if text]
    return " · ".join(["Deprecated", *told] if known.deprecated else told)


def _relation(entity_type: str, field: Path, markup: Markup) -> str:
    """What the ids in a field mean."""
    relation = relation_at(entity_type, field) or relation_at(entity_type, (*field, 0))
    if relation is None:
        return ""
    kinds = " or ".join(relation.targets)
    what = f"Ids of any number of {kinds} entities" if relation.many else f"The id of one {kinds} entity"
    version = ", each as `id@range`" if relation.versioned else ""
    mirror = f"; its {markup.code('.'.join(relation.mirror))} must name this one back" if relation.mirror else ""
    return f"{what}{version} ({markup.text(relation.rel)}){mirror}."
