"""What all generators share: reading the repository, packing material, and asking the model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final, TypeVar, cast

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.redaction import ValueRedactor
from ckit_daemon.services.assistant.gateway import UnfitAnswerError
from ckit_daemon.services.assistant.masking import masked, masked_object
from ckit_daemon.services.assistant.writing import read_text
from ckit_daemon.services.generation.finding import find
from ckit_daemon.services.generation.kit import read_kit
from ckit_daemon.services.generation.material import Material, gather
from ckit_daemon.services.generation.packing import pack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from langchain_core.messages import BaseMessage

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.core.snapshot import Snapshot
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.generation.code import CodeRequest
    from ckit_daemon.services.generation.entity import EntityRequest
    from ckit_daemon.services.generation.kit import Kit
    from ckit_daemon.services.generation.material import Source
    from ckit_daemon.services.generation.packing import Packed, TokenCounter
    from ckit_daemon.services.generation.promptify import PromptRequest
    from ckit_daemon.services.generation.run import Run
    from ckit_daemon.services.generation.spec import SpecRequest
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.settings import Settings

    TextSink = Callable[[str], Awaitable[object]]

R = TypeVar("R", "CodeRequest", "EntityRequest", "PromptRequest", "SpecRequest")

MAX_TEXT: Final = 1_000_000
"""Longest text that a model may write, in characters."""
_STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class Basis:
    """The state of a repository that a generation starts from."""

    snapshot: Snapshot
    kit: Kit
    focus: tuple[Entity, ...]
    material: Material


class Workshop:
    """The collaborators of the generators; used on the event loop only."""

    def __init__(self, gateway: Part[ModelGateway], rag: Part[RagService], settings: Callable[[], Settings]) -> None:
        self._gateway = gateway
        self._rag = rag
        self._settings = settings
        self._redactor = ValueRedactor()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings()

    def mask(self, values: JsonObject) -> JsonObject:
        """Fields without the secrets that somebody may have put into them."""
        return masked_object(self._redactor, values)

    async def clean(self, request: R) -> R:
        """Return a request without the secrets that somebody may have put into its texts.

        Models get it, and what they make of it is written into the repository.
        """

        def without(value: object) -> object:
            if isinstance(value, tuple):
                return tuple(map(without, cast("tuple[object, ...]", value)))
            return self._redactor.text(value) if isinstance(value, str) else value

        # Looking for secrets in a long text takes time.
        return await asyncio.to_thread(
            lambda: replace(request, **{each.name: without(getattr(request, each.name)) for each in fields(request)})
        )

    async def basis(
        self, repository: OpenRepository, identifiers: Iterable[str], run: Run, *, guidance: str, search: str = ""
    ) -> Basis:
        """Read what a request needs, in a worker thread.

        Args:
            repository: where to read.
            identifiers: the entities in question.
            run: what it is read for; hears of what a search could not do.
            guidance: which of the repository's own system prompts to add.
            search: what to search for besides; nothing if empty.

        Raises:
            NotFoundError: an entity does not exist.
        """
        names = list(dict.fromkeys(identifiers))
        found = await find(repository, search, self._rag, self.settings, run.caller.progress)
        run.warnings += found.warnings

        def read() -> Basis:
            snapshot = repository.store.snapshot
            focus = tuple(snapshot.require(name) for name in names)
            kit = read_kit(repository.store)
            return Basis(snapshot, kit, focus, gather(snapshot, kit, focus, found=found, guidance=guidance))

        return await asyncio.to_thread(read)

    async def packed(
        self,
        instructions: str,
        sources: Sequence[Source],
        run: Run,
        *,
        budget: int | None = None,
        beside: str | None = None,
    ) -> Packed:
        """Pack material, and note it as the run's input.

        Args:
            instructions: what stands before the material.
            sources: the material, the most important first.
            run: whose tokens to count.
            budget: most tokens of both; as the settings say without it.
            beside: what else the run's own model gets, whose context bounds the whole; None where none is asked.

        Raises:
            LimitExceededError: the instructions alone are beyond the budget.
        """
        gateway = await self._gateway.get()
        budget = self.settings.generation.material_tokens if budget is None else budget
        if beside is not None:
            room = await gateway.room(self._model(run), run.choice.max_output_tokens)
            room -= (await gateway.count_tokens(beside, self._model(run))).tokens
            budget = max(1, min(budget, room))
        text = self._redactor.text
        # People leave keys in files. A prompt is shown as well, and counted; what models get, the gateway masks.
        head, clean = await asyncio.to_thread(
            lambda: (
                text(instructions),
                [replace(each, title=text(each.title), text=text(each.text)) for each in sources],
            )
        )
        found = await pack(head, clean, budget, self._counter(gateway, run))
        run.use(found.included)
        return found

    def _model(self, run: Run) -> str | None:
        return run.choice.model or self.settings.models.generation or None

    def _counter(self, gateway: ModelGateway, run: Run) -> TokenCounter:
        model = self._model(run)

        async def count(text: str) -> tuple[int, bool]:
            found = await gateway.count_tokens(text, model)
            return found.tokens, found.estimated

        return count

    async def write(self, messages: list[BaseMessage], run: Run, stream: TextSink | None) -> str:
        """Have the model write a text, and pass it on while it comes.

        Args:
            messages: what to tell the model.
            run: what the answer is for.
            stream: takes more of the text.

        Raises:
            GenerationFailedError: the model wrote nothing, refused, or would not stop.
            CkitError: as the gateway says.
        """
        model = (await self._gateway.get()).chat_model(run.call())
        written = 0

        async def pass_on(piece: str) -> None:
            nonlocal written
            written += len(piece)
            if piece and stream is not None:
                await stream(piece)
            run.caller.progress.report(min(_STEPS - 1, written // 100), _STEPS, f"{written} characters are written")

        text, info = await read_text(model, messages, self._redactor, limit=MAX_TEXT, pass_on=pass_on)
        if info is None:
            raise GenerationFailedError("The model answered nothing; try again, or try another model.")
        run.answered(info)
        if info.finish == "refusal" or not text.strip():
            why = "refused to answer" if info.finish == "refusal" else "answered with an empty text"
            raise GenerationFailedError(f"The model {why}; say it in other words, or try another model.")
        return text

    async def structured(
        self, messages: list[BaseMessage], schema: JsonObject, name: str, run: Run
    ) -> tuple[JsonValue, str, list[str]]:
        """Have the model answer with JSON of a schema.

        Returns:
            The value, None where there is none; the answer as it was written; and in which ways it does not fit.

        Raises:
            CkitError: as the gateway says.
        """
        gateway = await self._gateway.get()
        try:
            found = await gateway.structured(run.call(), messages, schema, name)
        except UnfitAnswerError as error:
            run.answered(error.info)
            return None, self._redactor.text(error.text), [self._redactor.text(each) for each in error.problems]
        run.answered(found.info)
        return masked(self._redactor, found.value), self._redactor.text(found.text), []
