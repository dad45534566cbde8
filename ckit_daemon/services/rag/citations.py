"""Places that support claims: exact enough to jump to, and to notice later that they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.services.rag.checks import content_hash
from ckit_daemon.services.rag.records import Citation

if TYPE_CHECKING:
    from ckit_daemon.services.rag.ports import View
    from ckit_daemon.services.rag.records import Chunk

EXCERPT: Final = 400
"""Most characters of an excerpt."""


def cite(view: View, chunk: Chunk, number: int) -> Citation:
    """Return a citation of a passage; parses its file, so call it in a worker thread.

    Args:
        view: the repository that the answer is about.
        chunk: one of its passages.
        number: as it stands in the answer.
    """
    excerpt = " ".join(chunk.text.split())
    return Citation(
        number=number,
        chunk_id=chunk.id,
        kind=chunk.kind,
        entity=chunk.entity,
        title=chunk.heading,
        field=chunk.field,
        location=view.corpus.locate(chunk),
        commit=view.commit,
        content_hash=content_hash(chunk.text),
        excerpt=excerpt if len(excerpt) <= EXCERPT else f"{excerpt[: EXCERPT - 1].rstrip()}…",
    )
