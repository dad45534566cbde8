"""Builds retrieval; a part of the composition root of its own because what it imports takes seconds.

Nothing is imported or opened before the first use, and everything that was opened is closed in reverse order.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import CkitError
from ckit_daemon.services.assistant.container import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.services.assistant.answering import LanguageModelWriter
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.assistant.secrets import SecretStore
    from ckit_daemon.services.container import Services
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.rag.opened import Engine
    from ckit_daemon.services.rag.ports import Embedder, TextSink, VectorIndex, Written
    from ckit_daemon.services.rag.records import Hit, Question
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.settings import Settings
    from ckit_daemon.storage.vectors import SqliteVectorCache

OFFLINE: Final = "offline"
"""The built-in provider, which is no language model."""


class Retrieval:
    """The composition of search by meaning and of answers with citations."""

    def __init__(self, services: Callable[[], Services], secrets: Part[SecretStore]) -> None:
        """Remember the collaborators; `services` is called when a part is built, after all others exist."""
        self._services = services
        self._secrets = secrets
        self._loop: asyncio.AbstractEventLoop | None = None
        self._embedders: dict[str, Embedder] = {}
        self._cache = Part(self._build_cache)
        self._writer = Part(self._build_writer)
        self.rag = Part(self._build_service)

    async def opened(self, repository: OpenRepository) -> None:
        """Take notice of a repository that was opened."""
        self._loop = asyncio.get_running_loop()
        settings = self._settings()
        if settings.enabled("rag") and settings.rag.index == "onOpen":
            (await self.rag.get()).begin(repository)

    def closed(self, repository: OpenRepository) -> None:
        """Take notice of a repository that was closed."""
        self._services().health.remove(f"index:{repository.id}")
        if self.rag.built is not None:
            self.rag.built.close(repository)

    async def aclose(self) -> None:
        """Close what was opened: first what uses the others."""
        parts = (self.rag.built, *self._embedders.values(), self._cache.built)
        for part in filter(None, parts):
            with contextlib.suppress(OSError, CkitError):
                await part.aclose()

    def _settings(self) -> Settings:
        return self._services().configuration.settings

    def _build_service(self) -> RagService:
        from ckit_daemon.services.rag.service import RagService  # noqa: PLC0415 - see the module's docstring.

        # Before passages are read, which are masked and then kept.
        self._secrets.need()
        return RagService(self._build_engine, self._settings)

    def _build_cache(self) -> SqliteVectorCache:
        from ckit_daemon.storage.vectors import SqliteVectorCache  # noqa: PLC0415 - as above.

        return SqliteVectorCache(self._settings().paths.cache() / "rag" / "vectors.db")

    def _build_engine(self, repository: OpenRepository) -> Engine:
        from ckit_daemon.services.rag.answers import RepositoryAnswers  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.corpus import RepositoryReader  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.counting import CountingRetriever  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.index import SemanticIndex  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.lexicon import PassageLexicon  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.opened import Engine  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.retrieval import RepositoryRetriever  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.secrets import PassageRedactor  # noqa: PLC0415 - as above.

        store = repository.store
        # What the repository's own file says holds for as long as it is open.
        settings = self._services().configuration.for_repository(store.root).settings
        lexicon = PassageLexicon()
        index = SemanticIndex(
            settings.paths.cache() / "rag" / repository.id,
            self._cache.need(),
            self._embedder,
            lambda: settings,
            name=store.root.name,
            token=self._chroma_token,
        )
        writer = _LazyWriter(self._writer, self._settings)
        retriever = CountingRetriever(RepositoryRetriever(lexicon, index, writer), self._services().metrics)
        answers = RepositoryAnswers(retriever, lexicon, index, writer, lambda: settings.rag)
        self._probe(repository, index)
        reader = RepositoryReader(store, lambda: settings.rag, PassageRedactor())
        cache = self._cache.need()
        return Engine(
            reader,
            lexicon,
            index,
            retriever,
            answers,
            embedded=lambda hashes: cache.known(index.status().embedder, hashes),
        )

    def _probe(self, repository: OpenRepository, index: VectorIndex) -> None:
        from ckit_daemon.services.rag.probe import IndexProbe  # noqa: PLC0415 - as above.

        if self._loop is not None:
            self._services().health.add(IndexProbe(f"index:{repository.id}", index, self._loop))

    def _embedder(self, reference: str) -> Embedder:
        """Return the embedder that a setting names, the same for all repositories."""
        from ckit_daemon.services.rag.embedders.counting import CountingEmbedder  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.embedders.minilm import NAME as BUILT_IN  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.embedders.minilm import MiniLmEmbedder  # noqa: PLC0415 - as above.
        from ckit_daemon.services.rag.embedders.provider import ProviderEmbedder  # noqa: PLC0415 - as above.

        name = reference or BUILT_IN
        if name not in self._embedders:
            chosen = MiniLmEmbedder() if name == BUILT_IN else ProviderEmbedder(name, self._gateway)
            self._embedders[name] = CountingEmbedder(chosen, self._services().metrics)
        return self._embedders[name]

    async def _gateway(self) -> ModelGateway:
        return await self._services().assistant.gateway.get()

    async def _chroma_token(self) -> str:
        reference = self._settings().rag.chroma_token
        if not reference:
            return ""
        secrets = await self._secrets.get()
        return (await secrets.resolve(reference, "Chroma")).get_secret_value()

    def _build_writer(self) -> LanguageModelWriter:
        from ckit_daemon.services.assistant.answering import LanguageModelWriter  # noqa: PLC0415 - as above.

        return LanguageModelWriter(self._services().assistant.gateway, self._settings)


class _LazyWriter:
    """Asks the language model of the settings; langchain is imported when there really is one to be asked."""

    def __init__(self, writer: Part[LanguageModelWriter], settings: Callable[[], Settings]) -> None:
        self._writer = writer
        self._settings = settings

    async def is_language_model(self, model: str | None) -> bool:
        # The same answer as the writer's, without importing what the offline rules never need.
        return (model or self._settings().models.chat).partition("/")[0] != OFFLINE

    async def write(self, sources: Sequence[tuple[str, str]], question: Question, on_text: TextSink | None) -> Written:
        return await (await self._writer.get()).write(sources, question, on_text)

    async def order(self, query: str, hits: Sequence[Hit]) -> tuple[list[Hit], str | None]:
        return await (await self._writer.get()).order(query, hits)
