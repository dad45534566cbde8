"""The passages of a repository, taken again only from the files that changed."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from ckit_daemon.core.collector import paused_collector
from ckit_daemon.core.glob import fits
from ckit_daemon.core.layout import SPEC_LOG
from ckit_daemon.core.text import START, Location
from ckit_daemon.services.rag.chunking import (
    Passage,
    entity_passages,
    log_passages,
    markdown_passages,
    note_passages,
)
from ckit_daemon.services.rag.places import range_in_text, range_of_card, range_of_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.ports import Texts
    from ckit_daemon.services.rag.chunking.passages import Span
    from ckit_daemon.services.rag.records import Chunk
    from ckit_daemon.services.rag.secrets import PassageRedactor
    from ckit_daemon.settings import RagSettings

_STEP: Final = 200
"""Files between two reports of progress."""


@dataclass(frozen=True, slots=True, eq=False)
class FilePassages:
    """The passages of one file."""

    document: Document
    entity_type: str | None
    chunks: tuple[Chunk, ...]
    spans: Mapping[str, Span]
    masked: int
    broken: int
    """Lines that could not be read."""


@dataclass(frozen=True, slots=True, eq=False)
class RepositoryCorpus:
    """Implements `ports.Corpus`; the dicts are never changed."""

    version: int
    chunks: dict[str, Chunk]
    by_path: dict[str, tuple[Chunk, ...]]
    by_hash: dict[str, tuple[Chunk, ...]]
    files: dict[str, FilePassages]
    """What was taken from each file."""
    definitions: Mapping[str, tuple[Entity, ...]]
    """All entities of each id, of which the first one counts."""
    masked: int
    broken: int
    """Lines of notes, entries of the log and other texts that could not be read and were left out."""

    def of_entity(self, identifier: str) -> Sequence[Chunk]:
        """The passages of one entity in the order of its file; empty where there is none."""
        definitions = self.definitions.get(identifier)
        return self.by_path.get(definitions[0].path, ()) if definitions else ()

    def of_file(self, path: str) -> Sequence[Chunk]:
        """The passages of one file in their order; empty where there is none."""
        return self.by_path.get(path, ())

    def locate(self, chunk: Chunk) -> Location:
        """Where a passage stands now; the beginning of its file where it is not part of this corpus."""
        file = self.files.get(chunk.path)
        if file is None or chunk.id not in self.chunks:
            return Location(chunk.path, START)
        span = file.spans.get(chunk.id)
        if chunk.kind in {"entity", "specLog"} and chunk.field:
            where = range_of_value(file.document, chunk.field, span)
        elif span is not None:
            where = range_in_text(file.document.text, span)
        else:
            where = range_of_card(file.document, {each.field[0] for each in file.chunks if each.field})
        return Location(chunk.path, where)


class TextSource(Protocol):
    """What is needed of `services.ports.Repository`."""

    def texts(self, *, ignored: bool = False) -> Texts:
        """Return the texts beside the snapshot; see there."""
        ...


class RepositoryReader:
    """Implements `ports.CorpusReader` on an open repository."""

    def __init__(self, store: TextSource, settings: Callable[[], RagSettings], redactor: PassageRedactor) -> None:
        """Begin with nothing read.

        Args:
            store: the repository, for the texts beside its snapshots.
            settings: the settings in force; another length or choice of files takes effect at the next reading.
            redactor: masks secrets.
        """
        self._store = store
        self._settings = settings
        self._redactor = redactor
        self._read: tuple[RagSettings, RepositoryCorpus] | None = None
        self._texts: Texts | None = None
        self._secrets = 0
        self._lock = Lock()

    def read(self, snapshot: Snapshot, progress: Progress) -> RepositoryCorpus:
        """Return the passages of a snapshot and of the repository's other texts; see the port."""
        settings = self._settings()
        with self._lock:
            texts = self._store.texts(ignored=settings.ignored_files)
            known = self._read[1] if self._read is not None and self._read[0] == settings else None
            secrets = self._redactor.known
            same = texts is self._texts and secrets == self._secrets
            if known is not None and known.version == snapshot.version and same:
                return known
            corpus = self._next(snapshot, texts, known, settings, progress)
            self._read, self._texts, self._secrets = (settings, corpus), texts, secrets
            return corpus

    def _next(
        self,
        snapshot: Snapshot,
        texts: Texts,
        known: RepositoryCorpus | None,
        settings: RagSettings,
        progress: Progress,
    ) -> RepositoryCorpus:
        before: Mapping[str, FilePassages] = {} if known is None else known.files
        entities: Mapping[str, Entity] = snapshot.by_path
        if texts.ignored:
            entities = {path: entity for path, entity in entities.items() if path not in texts.ignored}
        # A key that became known since the last time may stand in a file that did not change.
        doubtful = self._redactor.known != self._secrets
        changed: list[tuple[Document, Entity | None]] = []
        for path, entity in entities.items():
            old = before.get(path)
            same = old is not None and old.document is entity.document and old.entity_type == entity.type
            if not same or (doubtful and self._redactor.may_mask(entity.document.text)):
                changed.append((entity.document, entity))
        for path, document in texts.documents.items():
            old = before.get(path)
            same = old is not None and old.document is document
            if not same or (doubtful and self._redactor.may_mask(document.text)):
                changed.append((document, None))
        gone = [path for path in before if path not in entities and path not in texts.documents]
        new: dict[str, FilePassages] = {}
        with paused_collector() if len(changed) > _STEP else nullcontext():
            for number, (document, entity) in enumerate(changed):
                if number % _STEP == 0:
                    progress.report(number, len(changed), "Reading passages")
                new[document.path] = self._take(document, entity, settings)
        return _with_changes(known or _EMPTY, snapshot, new, gone)

    def _take(self, document: Document, entity: Entity | None, settings: RagSettings) -> FilePassages:
        path = document.path
        limit = settings.max_passage_characters
        masker = self._redactor if self._redactor.may_mask(document.text) else None
        broken = 0
        passages: list[Passage] = []
        if _chosen(path, settings):
            if document.failures:
                # Of an entity there is a finding.
                broken = int(entity is None)
            elif entity is not None:
                passages = entity_passages(entity, limit, masker)
            elif path.endswith(".jsonl"):
                passages, broken = note_passages(document, limit, masker)
            elif path.startswith(f"{SPEC_LOG}/"):
                passages = log_passages(document, limit, masker)
                broken = int(not isinstance(document.value, dict))
            else:
                passages = markdown_passages(document, limit, masker)
        return FilePassages(
            document,
            entity.type if entity else None,
            tuple(passage.chunk for passage in passages),
            {passage.chunk.id: passage.span for passage in passages if passage.span is not None},
            sum(passage.masked for passage in passages),
            broken,
        )


def _chosen(path: str, settings: RagSettings) -> bool:
    return any(fits(path, glob) for glob in settings.include) and not any(fits(path, glob) for glob in settings.exclude)


def _with_changes(
    known: RepositoryCorpus, snapshot: Snapshot, new: Mapping[str, FilePassages], gone: Sequence[str]
) -> RepositoryCorpus:
    """The corpus after some files changed and some went."""
    # `copy` clones the table of a dict from which something was deleted; `dict` would build it anew, six times slower.
    files, paths, chunks, hashes = known.files.copy(), known.by_path.copy(), known.chunks.copy(), known.by_hash.copy()
    masked, broken = known.masked, known.broken
    removed: dict[str, set[str]] = {}
    for path in (*gone, *new):
        old = files.pop(path, None)
        if old is None:
            continue
        del paths[path]
        masked, broken = masked - old.masked, broken - old.broken
        for chunk in old.chunks:
            del chunks[chunk.id]
            removed.setdefault(chunk.hash, set()).add(chunk.id)
    for digest, ids in removed.items():
        kept = tuple(chunk for chunk in hashes.pop(digest) if chunk.id not in ids)
        if kept:
            hashes[digest] = kept
    added: dict[str, list[Chunk]] = {}
    for file in new.values():
        masked, broken = masked + file.masked, broken + file.broken
        for chunk in file.chunks:
            chunks[chunk.id] = chunk
            added.setdefault(chunk.hash, []).append(chunk)
    for digest, more in added.items():
        # In the order of the ids, so that it does not depend on what changed when.
        both = [*hashes.get(digest, ()), *more]
        both.sort(key=lambda each: each.id)
        hashes[digest] = tuple(both)
    files.update(new)
    paths.update((path, file.chunks) for path, file in new.items())
    return RepositoryCorpus(snapshot.version, chunks, paths, hashes, files, snapshot.definitions, masked, broken)


_EMPTY: Final = RepositoryCorpus(0, {}, {}, {}, {}, {}, 0, 0)
