"""Language models for retrieval: answers from numbered sources, and hits in a better order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from langchain_core.messages import HumanMessage, SystemMessage

from ckit_daemon.core.errors import CkitError, GenerationFailedError
from ckit_daemon.redaction import ValueRedactor
from ckit_daemon.services.assistant.fencing import RULES, fence
from ckit_daemon.services.assistant.gateway import ModelCall
from ckit_daemon.services.assistant.providers.registry import OFFLINE
from ckit_daemon.services.assistant.writing import read_text
from ckit_daemon.services.rag.answers import NOTHING
from ckit_daemon.services.rag.ports import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.rag.ports import TextSink
    from ckit_daemon.services.rag.records import Hit, Question
    from ckit_daemon.settings import Settings

INSTRUCTIONS: Final = f"""\
You answer questions about a context repository: YAML entities and documents that say what a product is and why.
Answer from the numbered sources alone, in the language of the question, as short as the question allows. End every \
sentence with the number of each source that says so, like this: [2] or [1, 3]. Take over numbers, dates and ids \
exactly. Do not use what you know from elsewhere, and do not guess. If the sources do not answer the question, write \
just the word {NOTHING}.

{RULES}\
"""
ORDER: Final = f"""\
Order numbered passages by how well each answers the query, the best first. Answer with the numbers alone.

{RULES}\
"""
MAX_TEXT: Final = 200_000
"""Longest answer that a model may write, in characters."""
PASSAGE_CHARACTERS: Final = 800
"""Of each passage that is ordered."""


class LanguageModelWriter:
    """Implements `rag.ports.Writer` and `rag.ports.Reranker` with the gateway; used on the event loop."""

    def __init__(self, gateway: Part[ModelGateway], settings: Callable[[], Settings]) -> None:
        self._gateway = gateway
        self._settings = settings
        self._redactor = ValueRedactor()

    async def is_language_model(self, model: str | None) -> bool:
        """Return whether there is a language model behind a reference; see the port."""
        reference = model or self._settings().models.chat
        return reference.partition("/")[0] != OFFLINE

    async def write(self, sources: Sequence[tuple[str, str]], question: Question, on_text: TextSink | None) -> Written:
        """Have an answer written; see the port."""
        numbered = [(f"[{number}] {label}", text) for number, (label, text) in enumerate(sources, 1)]
        messages = await asyncio.to_thread(self._messages, INSTRUCTIONS, numbered, f"Question: {question.text}")
        call = ModelCall(
            model=question.model, request_id=question.request_id, bypass_cache=question.bypass_cache, temperature=0.0
        )
        model = (await self._gateway.get()).chat_model(call)

        async def pass_on(piece: str) -> None:
            if piece and on_text is not None:
                await on_text(piece)

        text, info = await read_text(model, messages, self._redactor, limit=MAX_TEXT, pass_on=pass_on)
        if info is None or info.finish == "refusal" or not text.strip():
            why = "refused to answer" if info is not None and info.finish == "refusal" else "answered nothing"
            raise GenerationFailedError(f"The model {why}; say it in other words, or try another model.")
        note = info.note or ("The answer was cut because it was too long." if info.finish == "length" else None)
        return Written(text, info.provider, info.model, info.cached, info.usage, note)

    async def order(self, query: str, hits: Sequence[Hit]) -> tuple[list[Hit], str | None]:
        """Return the hits in a better order; see the port."""
        if not await self.is_language_model(None):
            return [*hits], "Hits are not ordered anew: no language model is set up (setting models.chat)."
        numbered = [
            (f"[{number}] {hit.chunk.heading}", hit.chunk.text[:PASSAGE_CHARACTERS])
            for number, hit in enumerate(hits, 1)
        ]
        messages = await asyncio.to_thread(self._messages, ORDER, numbered, f"Query: {query}")
        items: JsonObject = {"type": "integer", "minimum": 1, "maximum": len(hits)}
        schema: JsonObject = {
            "type": "object",
            "properties": {"order": {"type": "array", "items": items, "maxItems": len(hits)}},
            "required": ["order"],
            "additionalProperties": False,
        }
        try:
            found = await (await self._gateway.get()).structured(ModelCall(temperature=0.0), messages, schema, "order")
        except CkitError as error:
            return [*hits], f"Hits are not ordered anew: {error.message}"
        order = dict.fromkeys(cast("list[int]", cast("JsonObject", found.value)["order"]))
        rest = [number for number in range(1, len(hits) + 1) if number not in order]
        return [hits[number - 1] for number in (*order, *rest)], None

    def _messages(
        self, rules: str, sources: Sequence[tuple[str, str]], request: str
    ) -> list[SystemMessage | HumanMessage]:
        text = self._redactor.text
        fenced = "\n\n".join(fence(text(content), text(label)) for label, content in sources)
        return [SystemMessage(rules), HumanMessage(f"{fenced}\n\n{text(request)}")]
