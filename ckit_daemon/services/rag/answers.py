"""Answers a question from passages, and checks what the answer cites."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import DegradedError
from ckit_daemon.services.assistant.records import NO_USAGE
from ckit_daemon.services.rag.citations import cite
from ckit_daemon.services.rag.extract import CLOSING, extractive
from ckit_daemon.services.rag.ports import Written
from ckit_daemon.services.rag.records import Answer, SearchRequest
from ckit_daemon.services.rag.sentences import without_unknown_citations
from ckit_daemon.services.rag.support import Checked, check, claims_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.rag.ports import Lexicon, Retriever, TextSink, VectorIndex, View, Writer
    from ckit_daemon.services.rag.records import Chunk, Hit, Question, SearchResponse
    from ckit_daemon.settings import RagSettings

NOTHING: Final = "NOTHING"
"""What a model is told to write where the sources don't answer."""
_AROUND: Final = " \t\r\n.*_`'\""
"""What models put around a single word."""
NOT_FOUND: Final = "Nothing in the repository answers this question."
UNANSWERED: Final = "The passages that were found do not answer this question."
NEAREST: Final = "No passage is clearly about this; the answer was made from the nearest ones."
OFFLINE: Final = "offline"
EXTRACTED: Final = 4
"""Passages that an answer without a language model quotes."""
MAX_CLAIMS: Final = 200
"""Sentences of one answer that are compared by meaning; the others by their words."""


class RepositoryAnswers:
    """Implements `ports.Answers`."""

    def __init__(
        self,
        retriever: Retriever,
        lexicon: Lexicon,
        index: VectorIndex,
        writer: Writer,
        settings: Callable[[], RagSettings],
    ) -> None:
        self._retriever = retriever
        self._lexicon = lexicon
        self._index = index
        self._writer = writer
        self._settings = settings

    async def query(self, view: View, question: Question, progress: Progress, on_text: TextSink | None) -> Answer:
        """Have an answer written and check what it cites; see the port."""
        limit = question.limit or self._settings().answer_passages
        request = SearchRequest(question.text, limit=limit, filters=question.filters)
        found = await self._retriever.search(view, request, progress)
        by_model = await self._writer.is_language_model(question.model)
        # A language model can tell for itself whether a passage of a middling score answers the question.
        relevant = [hit for hit in found.hits if hit.relevant or by_model]
        if not relevant:
            return await self._nothing(found, on_text)
        progress.report(1, 3, f"Reading {len(relevant)} passages")
        passages = passages_of(relevant, limit if by_model else min(limit, EXTRACTED), more=by_model)
        if by_model:
            shown = None if on_text is None else _unless_nothing(on_text)
            written = await self._writer.write([_source(chunk) for chunk in passages], question, shown)
        else:
            written = await self._quoted(passages, question, on_text)
        progress.report(2, 3, "Checking citations")
        if _says_nothing(written.text):
            if on_text is not None:
                await on_text(UNANSWERED)
            return replace(_answer(written, found), text=UNANSWERED, found=False)
        checked = await self._checked(written.text, passages)
        citations = await asyncio.to_thread(
            lambda: tuple(cite(view, passages[number - 1], number, checked.said(number)) for number in checked.used)
        )
        text = checked.text if by_model else f"{checked.text}\n\n{CLOSING}"
        answer = _answer(written, found)
        if not any(hit.relevant for hit in found.hits):
            answer = replace(answer, warnings=(*answer.warnings, NEAREST))
        return replace(answer, text=text, citations=citations, claims=checked.claims)

    async def _nothing(self, found: SearchResponse, on_text: TextSink | None) -> Answer:
        text = NOT_FOUND
        if found.hits:
            text += f" The nearest that it holds: {'; '.join(hit.chunk.heading for hit in found.hits[:3])}."
        if on_text is not None:
            await on_text(text)
        nobody = Written(text, OFFLINE, OFFLINE, cached=False, usage=NO_USAGE, note=None)
        return replace(_answer(nobody, found), found=False)

    async def _quoted(self, passages: Sequence[Chunk], question: Question, on_text: TextSink | None) -> Written:
        text = await asyncio.to_thread(lambda: extractive(passages, self._lexicon.weights(question.text)))
        if on_text is not None:
            await on_text(f"{text}\n\n{CLOSING}")
        return Written(text, OFFLINE, OFFLINE, cached=False, usage=NO_USAGE, note=None)

    async def _checked(self, text: str, passages: Sequence[Chunk]) -> Checked:
        known = without_unknown_citations(text, len(passages))
        claimed = claims_of(known)
        cosines = await self._cosines([each.text for each in claimed], passages)
        return await asyncio.to_thread(check, known, claimed, passages, cosines, self._lexicon.weights)

    async def _cosines(self, claims: Sequence[str], passages: Sequence[Chunk]) -> Mapping[str, Sequence[float]]:
        if not claims or len(claims) > MAX_CLAIMS:
            return {}
        try:
            return await self._index.similarities(claims, {chunk.hash for chunk in passages})
        except DegradedError:
            # Words alone decide then; the answer says already that it was found without meanings.
            return {}


def _says_nothing(text: str) -> bool:
    return text.strip(_AROUND) == NOTHING


def _unless_nothing(on_text: TextSink) -> TextSink:
    """Pass a text on as soon as it can't be the word any more that is no answer for people."""
    held: str | None = ""

    async def pass_on(piece: str) -> None:
        nonlocal held
        if held is not None:
            piece = held + piece
            held = piece if NOTHING.startswith(piece.strip(_AROUND)) else None
        if held is None:
            await on_text(piece)

    return pass_on


def passages_of(hits: Sequence[Hit], limit: int, *, more: bool) -> list[Chunk]:
    """Return the passages that an answer is made from, each once.

    Args:
        hits: what is relevant, the best first.
        limit: most passages.
        more: whether to add the further passages of the best hits where there is room.
    """
    found = {hit.chunk.id: hit.chunk for hit in hits[:limit]}
    if more:
        for hit in hits:
            for chunk in hit.more:
                if len(found) < limit:
                    found.setdefault(chunk.id, chunk)
    return [*found.values()]


def _source(chunk: Chunk) -> tuple[str, str]:
    return f"{chunk.heading} ({chunk.path})", chunk.text


def _answer(written: Written, found: SearchResponse) -> Answer:
    return Answer(
        text=written.text,
        found=True,
        citations=(),
        claims=(),
        provider=written.provider,
        model=written.model,
        cached=written.cached,
        usage=written.usage,
        degraded=found.degraded,
        version=found.version,
        warnings=(written.note,) if written.note else (),
    )
