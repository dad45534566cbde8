"""Places that support claims: exact enough to jump to, and to notice later that they changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

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
            where the sentences are about one of them, that one is cited.
    """
    excerpt = " ".join(chunk.text.split())
    field, location = chunk.field, view.corpus.locate(chunk)
    entity = view.snapshot.by_path.get(chunk.path)
    if entity is not None and entity.document.readable and not field:
        fields = {_field_said(entity, chunk, sentence) for sentence in said}
        if len(fields) == 1 and (field := fields.pop()):
            location = replace(location, range=range_of_value(entity.document, field, None))
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


def _field_said(entity: Entity, card: Chunk, sentence: str) -> Path:
    """The field of an entity's card that a sentence repeats most of; none where it repeats half of none."""
    told = stems(sentence)
    best, most = "", 0
    for line in card.text.splitlines():
        holds = stems(line)
        shared = len(holds & told)
        # The type that the folder says is no field.
        if shared > max(most, len(holds) / 2) and line != f"Type: {entity.type}":
            best, most = line, shared
    return _field_called(entity.data, best.partition(":")[0]) if best else ()


def _field_called(fields: Mapping[str, JsonValue], label: str, above: tuple[str, ...] = ()) -> tuple[str, ...]:
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
