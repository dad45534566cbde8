"""What all texts have in common when they are taken apart: cutting, masking, naming."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ckit_daemon.redaction import MASK
from ckit_daemon.services.rag.records import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.core.json import Path
    from ckit_daemon.services.rag.records import ChunkKind

MAX_HEADING: Final = 200
"""Characters of a heading; a title may be as long as somebody likes."""
_MAX_PART: Final = 4000
Span = tuple[int, int]
"""Where a passage begins and ends, in characters."""

_UNUSABLE: Final = re.compile(r"[\0\ud800-\udfff]")
# Where a text that is too long may be cut, the best places first; each pattern matches what lies between two pieces.
_BOUNDARIES: Final = (
    re.compile(r"\n[ \t\r]*\n\s*"),
    re.compile(r"\n(?=[ \t]*(?:[-*+|]|\d+[.)])[ \t])"),
    re.compile(r"(?<=[.!?…。])[\"')\]]*\s+"),
    re.compile(r"\n"),
    re.compile(r"\s+"),
)


class Masker(Protocol):
    """Masks secrets."""

    def text(self, text: str) -> str:
        """Return the text with every secret masked."""
        ...

    def field(self, names: Sequence[str], text: str) -> str:
        """Return the value of a field with every secret masked, also one that only the field's names give away."""
        ...


class Passage(NamedTuple):
    """A passage, and where it stands."""

    chunk: Chunk
    span: Span | None
    """In the text of the file, or of the value at `chunk.field` where that is one; None for all of the value."""
    masked: bool
    """Whether something in it was masked."""


def usable(text: str) -> str:
    """`text` with a replacement for each character that no database takes; as long as before."""
    return text if text.isascii() and "\0" not in text else _UNUSABLE.sub("\ufffd", text)


def one_line(text: str, limit: int = MAX_HEADING) -> str:
    """`text` in one line of bounded length."""
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def part_of_heading(text: str) -> str:
    """As much of a text as a heading may need; secrets are masked in it before it is made short, so none is cut."""
    return text if len(text) <= _MAX_PART else text[:_MAX_PART]


def cut(text: str, limit: int) -> Iterator[Span]:
    """Yield the pieces of a text, none longer than `limit`, without white space around them.

    They end between paragraphs, else between the items of a list, sentences, lines or words.
    """
    start, end = _trimmed(text, 0, len(text))
    while end - start > limit:
        stop = _boundary(text, start, start + limit)
        yield _trimmed(text, start, stop)
        start, _ = _trimmed(text, stop, end)
    if end > start:
        yield start, end


def _boundary(text: str, start: int, latest: int) -> int:
    # The first half stays whole: a good boundary there would make a piece of a few words.
    earliest = start + (latest - start) // 2
    for pattern in _BOUNDARIES:
        found = 0
        for match in pattern.finditer(text, earliest, latest + 1):
            found = match.start() or found
        if found > start:
            return found
    return latest


def _trimmed(text: str, start: int, end: int) -> Span:
    inner = text[start:end]
    left = len(inner) - len(inner.lstrip())
    return (start + left, start + len(inner.rstrip())) if left < len(inner) else (end, end)


class Passages:
    """Collects the passages of one file."""

    def __init__(
        self,
        kind: ChunkKind,
        path: str,
        limit: int,
        masker: Masker | None = None,
        *,
        entity: str | None = None,
        entity_type: str | None = None,
        status: str | None = None,
    ) -> None:
        """Begin with none.

        Args:
            kind: what the file is.
            path: the file, relative to the repository.
            limit: characters of the longest passage.
            masker: masks secrets; None for a file that holds none.
            entity: id of the entity that the file defines.
            entity_type: its type.
            status: its status.
        """
        self.limit = limit
        self.found: list[Passage] = []
        self._kind: ChunkKind = kind
        self._path = path
        self._masker = masker
        self._entity = entity
        self._entity_type = entity_type
        self._status = None if status is None else self.masked(status)
        self._ids: set[str] = set()

    def add(
        self,
        place: str,
        field: Path,
        heading: str,
        text: str,
        *,
        at: int | None = None,
        span: Span | None = None,
        mentions: tuple[str, ...] = (),
    ) -> None:
        """Add a text as a passage, or as several where it is too long; nothing where it is blank.

        Args:
            place: what names it within its file.
            field: the path of the value, or the headings above it.
            heading: what it is about.
            text: what it says.
            at: where the text begins in what spans count from; None where it does not stand there as it is.
            span: where to find it then; None for all of the value.
            mentions: ids of the entities that it is about.
        """
        shown = text = usable(text)
        heading = usable(heading)
        if self._masker is not None:
            keys = [step for step in field if isinstance(step, str)]
            shown = self.masked(text, keys if self._kind in {"entity", "specLog"} else ())
            place = self.place(self.place(place, place), "\n".join(keys))
            heading = self.masked(heading)
            field = tuple(self.masked(step) if isinstance(step, str) else step for step in field)
            mentions = tuple(map(self.masked, mentions))
        heading = one_line(heading)
        if shown != text and at is not None:
            # What was masked has lost its place, so that it is found where the whole text stands.
            at, span = None, _shifted(_trimmed(text, 0, len(text)), at)
        for number, (start, end) in enumerate(cut(shown, self.limit), start=1):
            piece = shown[start:end].replace("\r\n", "\n").replace("\r", "\n")
            chunk = Chunk(
                self._new_id(place if number == 1 else f"{place}:{number}"),
                self._kind,
                self._path,
                field,
                heading,
                piece,
                hashlib.sha256(f"{heading}\n{piece}".encode()).hexdigest(),
                self._entity,
                self._entity_type,
                self._status,
                mentions,
            )
            where = span if at is None else _shifted((start, end), at)
            self.found.append(Passage(chunk, where, self._masker is not None and MASK in chunk.embedded))

    def masked(self, text: str, names: Sequence[str] = ()) -> str:
        """Return a text, or the value of a field with these names on the way to it, with its secrets masked."""
        if self._masker is None:
            return text
        return self._masker.field(names, text) if names else self._masker.text(text)

    def place(self, place: str, made_of: str) -> str:
        """Return a name of a place, or a digest of it where it is made of names that hold a secret.

        An anchor is in lower case, in which a secret may have lost its form.
        """
        if self.masked(made_of) == made_of:
            return place
        return hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:12]

    def _new_id(self, place: str) -> str:
        identifier = name = f"{self._path}#{usable(place)}"
        number = 2
        while identifier in self._ids:
            identifier = f"{name}~{number}"
            number += 1
        self._ids.add(identifier)
        return identifier


def _shifted(span: Span, by: int) -> Span:
    return span[0] + by, span[1] + by
