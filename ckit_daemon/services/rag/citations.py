"""Places that support claims: exact enough to jump to, and to notice later that they changed."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.text import Range
from ckit_daemon.services.rag.checks import content_hash
from ckit_daemon.services.rag.chunking.entities import label_of
from ckit_daemon.services.rag.places import range_of_value
from ckit_daemon.services.rag.records import Citation
from ckit_daemon.services.rag.support import stems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.services.rag.ports import View
    from ckit_daemon.services.rag.records import Chunk

EXCERPT: Final = 400
"""Most characters of an excerpt."""


def cite(view: View, chunk: Chunk, number: int, said: Sequence[str] = ()) -> Citation:
    """Return a citation of a passage; parses its file, so call it in a worker thread.

    Args:
        view: the repository that the answer is about.
        chunk: one of its passages.
        number: as it stands in the answer.
        said: the sentences that cite it. An entity's short fields are one passage, though they stand all over its file;
            those that the sentences repeat are cited.
    """
    field, text, location = chunk.field, chunk.text, view.corpus.locate(chunk)
    entity = view.snapshot.by_path.get(chunk.path)
    if entity is not None and entity.document.readable and not field:
        lines = _lines_said(entity, chunk, said)
        fields = [_field_called(entity.data, line.partition(":")[0]) for line in lines]
        if fields and all(fields):
            ranges = [range_of_value(entity.document, each, None) for each in fields]
            whole = Range(min(each.start for each in ranges), max(each.end for each in ranges))
            field, text, location = _shared(fields), " \u2026 ".join(lines), replace(location, range=whole)
    excerpt = " ".join(text.split())
    return Citation(
        number=number,
        chunk_id=chunk.id,
        kind=chunk.kind,
        entity=chunk.entity,
        title=chunk.heading,
        field=field,
        location=location,
        commit=view.commit,
        content_hash=content_hash(chunk.text),
        excerpt=excerpt if len(excerpt) <= EXCERPT else f"{excerpt[: EXCERPT - 1].rstrip()}…",
    )


def _lines_said(entity: Entity, card: Chunk, said: Sequence[str]) -> list[str]:
    """The lines of an entity's card that sentences repeat; none where one of them repeats no more than half of any."""
    # The type that the folder says is no field.
    lines = {line: stems(line) for line in card.text.splitlines() if line != f"Type: {entity.type}"}
    found: set[str] = set()
    for sentence in said:
        told = stems(sentence)
        repeated = {line for line, holds in lines.items() if holds <= told}
        best = max(lines, key=lambda line: len(lines[line] & told), default="")
        if not repeated and best and 2 * len(lines[best] & told) > len(lines[best]):
            repeated = {best}
        if not repeated:
            return []
        found |= repeated
    return [line for line in lines if line in found]


def _field_called(fields: Mapping[str, JsonValue], label: str, above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The path of the field that a card calls so; empty where there is none."""
    if not label:
        return ()
    for name, value in fields.items():
        path = (*above, name)
        if label_of(path) == label:
            return path
        if (
            isinstance(value, dict)
            and label.startswith(label_of(path))
            and (found := _field_called(value, label, path))
        ):
            return found
    return ()


def _shared(paths: Sequence[Path]) -> Path:
    """What paths begin with alike."""
    return tuple(steps[0] for steps in takewhile(lambda steps: len({*steps}) == 1, zip(*paths, strict=False)))
