"""Passages of repositories that exist in memory only, and what stands where a passage says it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core.document import Document, read_yaml
from ckit_daemon.core.progress import SILENT
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.services.ports import Texts
from ckit_daemon.services.rag.corpus import RepositoryReader
from ckit_daemon.services.rag.secrets import PassageRedactor
from ckit_daemon.settings import RagSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.text import Range
    from ckit_daemon.services.rag.corpus import RepositoryCorpus
    from ckit_daemon.services.rag.records import Chunk

SOURCES: Final = ("contexts/", ".context/")
FEATURE: Final = "contexts/features/FEAT-001.yaml"


def documents_of(files: Mapping[str, str]) -> dict[str, Document]:
    return {
        path: read_yaml(path, text)
        if path.endswith((".yaml", ".json")) and not path.startswith(".context/schemas/")
        else Document(path, text)
        for path, text in files.items()
    }


class MemoryTexts:
    """The texts beside a snapshot, as a repository on disk would give them."""

    def __init__(self) -> None:
        self.now = Texts({}, frozenset())

    def texts(self, *, ignored: bool = False) -> Texts:
        del ignored
        return self.now


class MemoryRepository:
    """Files in memory, and the reader of their passages; a file whose text stays the same keeps its document."""

    def __init__(self, settings: RagSettings | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.settings = settings or RagSettings()
        self.snapshot = Snapshot.of(())
        self._texts = MemoryTexts()
        self._documents: dict[str, Document] = {}
        self.reader = RepositoryReader(self._texts, lambda: self.settings, PassageRedactor(environment or {}))

    def corpus(self, files: Mapping[str, str]) -> RepositoryCorpus:
        fresh = documents_of(files)
        known = self._documents
        documents = {
            path: known[path] if path in known and known[path].text == document.text else document
            for path, document in fresh.items()
        }
        changes = {path: document for path, document in documents.items() if known.get(path) is not document}
        gone = dict.fromkeys(known.keys() - documents.keys())
        sources = {path: each for path, each in {**changes, **gone}.items() if path.startswith(SOURCES)}
        if sources:
            self.snapshot = self.snapshot.with_changes(sources)
        beside = {path: each for path, each in sorted(documents.items()) if not path.startswith(SOURCES)}
        if beside != self._texts.now.documents:
            self._texts.now = Texts(beside, frozenset())
        self._documents = documents
        return self.reader.read(self.snapshot, SILENT)


def corpus_of(files: Mapping[str, str], settings: RagSettings | None = None) -> RepositoryCorpus:
    return MemoryRepository(settings).corpus(files)


def feature(text: str) -> dict[str, Chunk]:
    """The passages of one entity, by what their ids say of the place in its file."""
    return places(corpus_of({FEATURE: text}))


def places(corpus: RepositoryCorpus) -> dict[str, Chunk]:
    return {name.partition("#")[2]: chunk for name, chunk in corpus.chunks.items()}


def text_at(text: str, where: Range) -> str:
    """What stands in a range, with every line break as LF."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[where.start.line : where.end.line + 1]
    lines[-1] = lines[-1][: where.end.column]
    lines[0] = lines[0][where.start.column :]
    return "\n".join(lines)
