"""Refuses what can't be looked for, and says what became of citations."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.core.relations import RELATION_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.rag.ports import Corpus
    from ckit_daemon.services.rag.records import CitationState, Filters

MAX_QUERY_CHARACTERS: Final = 20_000
"""Longest query, question or text to compare with."""
_SHOWN: Final = 64
"""Characters that a message repeats of what somebody sent."""


def require_words(text: str, name: str) -> None:
    """Refuse a text in which there is nothing to look for.

    Raises:
        InvalidArgumentError: it is empty or too long; the message names the parameter.
    """
    if not text.strip():
        raise InvalidArgumentError(f"'{name}' is empty; say what to look for.", details={"parameter": name})
    if len(text) > MAX_QUERY_CHARACTERS:
        raise InvalidArgumentError(
            f"'{name}' has {len(text)} characters; {MAX_QUERY_CHARACTERS} are the most.",
            details={"parameter": name, "limit": MAX_QUERY_CHARACTERS},
        )


def check_filters(snapshot: Snapshot, filters: Filters) -> None:
    """Refuse filters that nothing could ever pass.

    Raises:
        InvalidArgumentError: a type or a relation that does not exist, or a path that leaves the repository.
        NotFoundError: the entity to be related to does not exist.
    """
    types = dict.fromkeys([*snapshot.schemas.types(), *(entity.type for entity in snapshot.entities)])
    _refuse_unknown("type", filters.types or (), types)
    _refuse_unknown("relation", filters.relations or (), RELATION_NAMES)
    if filters.relations is not None and filters.related_to is None:
        raise InvalidArgumentError(
            "'relations' restricts 'relatedTo', which is missing.", details={"parameter": "relatedTo"}
        )
    if filters.related_to is not None:
        snapshot.require(filters.related_to)
    for path in filters.paths or ():
        if path.startswith("/") or "\0" in path or ".." in path.split("/"):
            raise InvalidArgumentError(
                f"The path {path[:_SHOWN]!r} leaves the repository; globs are relative to it, with forward slashes.",
                details={"parameter": "paths"},
            )


def _refuse_unknown(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    names = [*known]
    unknown = sorted(set(given).difference(names))
    if unknown:
        raise InvalidArgumentError(
            f"There is no {kind} {unknown[0][:_SHOWN]!r}; there are {', '.join(names)}.",
            details={"parameter": f"{kind}s", "known": [*names]},
        )


def content_hash(text: str) -> str:
    """Return what a citation keeps of a passage's text: SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def states(corpus: Corpus, citations: Sequence[tuple[str, str]]) -> list[CitationState]:
    """Return what became of passages.

    Args:
        corpus: the passages as they are now.
        citations: the id of each passage and the `content_hash` of the text that was cited.
    """
    found: list[CitationState] = []
    for identifier, cited in citations:
        chunk = corpus.chunks.get(identifier)
        found.append("gone" if chunk is None else "fresh" if content_hash(chunk.text) == cited else "changed")
    return found
