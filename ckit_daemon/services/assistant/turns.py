"""Turns of conversations: which may begin, and which run."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from ckit_daemon.core.errors import (
    ConflictError,
    GenerationFailedError,
    InvalidArgumentError,
    NotFoundError,
    OperationCancelledError,
)
from ckit_daemon.core.json import shorten
from ckit_daemon.redaction import Redactor
from ckit_daemon.services.assistant import history
from ckit_daemon.services.assistant.attachments import Attachments
from ckit_daemon.services.assistant.compaction import SUMMARY_TOKENS, Summary
from ckit_daemon.services.assistant.conversation import Conversation, StartTurn, Surroundings, always_sent, offered
from ckit_daemon.services.assistant.gateway import Account, ModelCall
from ckit_daemon.services.assistant.ids import new_id
from ckit_daemon.services.assistant.records import NO_USAGE, Compaction, Turn, UserMessage
from ckit_daemon.services.assistant.running import RunningTurn
from ckit_daemon.services.assistant.session_rates import SessionRates
from ckit_daemon.services.assistant.stream import TurnWriter
from ckit_daemon.services.assistant.turn_checks import (
    already_running,
    check_budget,
    check_length,
    check_request,
    not_here,
)
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from ckit_daemon.core.progress import Progress
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.assistant.ports import EventSink, SessionStore
    from ckit_daemon.services.assistant.records import Item, Session
    from ckit_daemon.services.assistant.tools.runner import ToolRunner
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.repositories import Repositories
    from ckit_daemon.settings import Settings

__all__ = ["StartTurn", "TurnService"]

logger = logging.getLogger(__name__)

TITLE_CHARACTERS: Final = 80
CLOSE_SECONDS: Final = 5.0
"""How long turns may take to write their end when the daemon stops; what is not written by then is interrupted."""
HISTORY_SHARE: Final = 0.8
"""Part of the context, without the room for an answer, that a history may fill before it is summarized."""


class TurnService:
    """Runs the turns of all sessions; used on the event loop only."""

    def __init__(
        self,
        *,
        store: SessionStore,
        gateway: ModelGateway,
        tools: ToolRunner,
        repositories: Repositories,
        send: EventSink,
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._tools = tools
        self._repositories = repositories
        self._send = send
        self._settings = settings
        self._redactor = Redactor()
        self._rates = SessionRates()
        self._running: dict[str, RunningTurn] = {}
        self._prepared: set[str] = set()
        """Sessions of which a turn is about to begin."""
        self._conversations: dict[str, Conversation] = {}
        self._tasks: set[asyncio.Task[Turn]] = set()

    async def start(self, request: StartTurn) -> Turn:
        """Run a turn and return it as it ended; what goes wrong in it is told by its `stop_reason` and `failure`.

        Cancelling the call ends the turn, which is written to its end all the same.

        Raises:
            InvalidArgumentError: there is nothing to say, or the parameters contradict each other.
            LimitExceededError: the message is too long.
            NotFoundError: no such session, turn to resume, provider, entity or file, or the repository is not open.
            ConflictError: the session is archived, another turn of it runs, or the turn can't be resumed.
            RateLimitedError: the session has begun too many turns within a minute.
            BudgetExceededError: the session has no budget left.
            StorageError: the disk refuses.
        """
        check_request(request, self._settings().assistant.max_message_characters)
        with self._preparation(request.session_id):
            session = await self._usable(request.session_id)
            repository = await self._repository(session, request.progress)
            model = request.model or session.model or self._settings().models.chat
            # Also says of a provider that it is not there, before the turn begins.
            context = await self._gateway.context_tokens(model)
            check_budget(session)
            await Attachments(repository, self._redactor).check(request.attachments)
            await self._rates.take(session.id, self._settings().assistant.turns_per_minute)
            session = await self._changed(session, request)
            turn = await self._turn(session, model, resume=request.resume)
            writer = TurnWriter(self._store, self._send, turn, self._redactor)
            around = Surroundings(
                store=self._store,
                gateway=self._gateway,
                tools=self._tools,
                settings=self._settings,
                repository=repository,
                session=session,
                model=model,
                context_tokens=context,
            )
            if request.resume is None and session.turns:
                around = dataclasses.replace(around, session=await self._shortened(around, request))
            conversation = Conversation(request, around, writer)
            running = self._run(RunningTurn(writer, conversation, self._settings().assistant.turn_timeout_seconds))
            self._conversations[session.id] = conversation
        return await _followed(running)

    async def cancel(self, session_id: str, turn_id: str | None = None) -> Turn:
        """End a turn and return it as it is then; one that has ended already is returned as it is.

        Raises:
            NotFoundError: no such session or turn.
            ConflictError: no turn runs, or it runs in another daemon.
        """
        running = self._running.get(session_id)
        if running is not None and turn_id in {None, running.turn.id}:
            running.cancel()
            return await running.ended()
        transcript = await self._store.transcript(session_id, limit=0)
        turn = next((turn for turn in transcript.turns if turn.id == turn_id), None)
        if turn_id is not None and turn is None:
            raise NotFoundError("The session has no turn of this id.", details={"kind": "turn", "id": turn_id})
        if turn is None or turn.status == "running":
            raise not_here(transcript.session)
        return turn

    async def steer(self, session_id: str, text: str) -> UserMessage:
        """Say something in a turn that runs; the model gets it before it is asked next.

        Raises:
            InvalidArgumentError: there is nothing to say.
            LimitExceededError: the message is too long.
            NotFoundError: no such session.
            ConflictError: no turn runs that listens, or it runs in another daemon.
        """
        check_length(text, self._settings().assistant.max_message_characters)
        conversation = self._conversations.get(session_id)
        if conversation is None:
            if (running := self._running.get(session_id)) is not None:
                raise ConflictError(
                    "The conversation is being summarized; say it when that is done.",
                    details={"turnId": running.turn.id},
                )
            raise not_here(await self._store.find(session_id))
        return await conversation.steer(text)

    async def compact(
        self, session_id: str, instructions: str | None = None, *, request_id: str = ""
    ) -> tuple[Session, Compaction, int, int]:
        """Summarize what was said so far, in a turn of its own.

        Args:
            session_id: which session.
            instructions: what the summary must not lose.
            request_id: for providers and the log.

        Returns:
            The session, the summary, and the tokens of the history before and after.

        Raises:
            NotFoundError: no such session, or its model's provider is not there.
            ConflictError: the session is archived, or a turn of it runs.
            InvalidArgumentError: nothing was said since the last summary.
            GenerationFailedError: the model broke off.
            StorageError: the disk refuses.
        """
        with self._preparation(session_id):
            session = await self._usable(session_id)
            model = session.model or self._settings().models.chat
            items = (await self._store.transcript(session_id)).items
            if not any(isinstance(item, UserMessage) for item in history.current(items)):
                raise InvalidArgumentError("Nothing was said since the last summary.", details={"session": session_id})
            before = await self._tokens(items, model)
            item = await self._summarize(session, model, items, request_id, instructions)
        return await self._store.find(session_id), item, before, await self._tokens([item], model)

    async def aclose(self) -> None:
        """End all turns and wait until their ends are written."""
        for running in self._running.values():
            running.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    # What must hold before a turn begins

    @contextlib.contextmanager
    def _preparation(self, session_id: str) -> Generator[None]:
        """Keep other turns from beginning: whose turn does not begin must not change the session either.

        Raises:
            ConflictError: a turn of the session runs here, or is about to begin.
        """
        running = self._running.get(session_id)
        if running is not None or session_id in self._prepared:
            raise already_running(session=session_id) if running is None else already_running(turnId=running.turn.id)
        self._prepared.add(session_id)
        try:
            yield
        finally:
            self._prepared.discard(session_id)

    async def _usable(self, session_id: str) -> Session:
        session = await self._store.find(session_id)
        if session.archived:
            raise ConflictError(
                "The session is archived; fetch it back with ckit/session/archive.", details={"session": session_id}
            )
        if session.running_turn is not None:
            # The store would refuse the turn as well, but only after the session has changed for it.
            raise already_running(turnId=session.running_turn)
        return session

    async def _repository(self, session: Session, progress: Progress) -> OpenRepository:
        await self._repositories.changes.made()
        if not self._repositories.all():
            await self._repositories.open_folders(progress)
        found = next((each for each in self._repositories.all() if each.id == session.repository), None)
        if found is None:
            raise NotFoundError(
                "The repository of the session is not open; open it with ckit/repo/open.",
                details={"kind": "repository", "id": session.repository},
            )
        return found

    async def _changed(self, session: Session, request: StartTurn) -> Session:
        wanted = {"model": request.model or session.model, "mode": request.mode or session.mode, "title": session.title}
        if not session.title and request.text is not None:
            # Masked before it is cut: nothing recognizes a part of a secret.
            text = await asyncio.to_thread(self._redactor.text, request.text)
            wanted["title"] = shorten(" ".join(text.split()), TITLE_CHARACTERS)
        fields = {name: value for name, value in wanted.items() if value != getattr(session, name)}
        return await self._store.change(session.id, **fields) if fields else session

    async def _turn(self, session: Session, model: str, *, resume: str | None = None) -> Turn:
        if resume is None:
            return Turn(
                id=new_id(),
                session_id=session.id,
                number=session.turns + 1,
                status="running",
                mode=session.mode,
                model=model,
                started_at=timestamp(),
                usage=NO_USAGE,
            )
        turns = (await self._store.transcript(session.id, limit=0)).turns
        turn = next((turn for turn in turns if turn.id == resume), None)
        if turn is None:
            raise NotFoundError("The session has no turn of this id.", details={"kind": "turn", "id": resume})
        if turn.status != "interrupted" or turn is not turns[-1]:
            raise ConflictError(
                "Only a turn that was interrupted can be resumed, and only the last one.", details={"turnId": resume}
            )
        return replace(turn, status="running", ended_at=None, mode=session.mode, model=model)

    # Summaries

    async def _shortened(self, around: Surroundings, request: StartTurn) -> Session:
        """Summarize the history if it leaves no room for an answer."""
        session, model = around.session, around.model
        items = history.current((await self._store.transcript(session.id)).items)
        text = history.text_of(history.to_messages(items))
        always = await asyncio.to_thread(always_sent, around, offered(around.tools, session, trusted=request.trusted))
        room = int(HISTORY_SHARE * await self._gateway.room(model, request.max_output_tokens))
        # Hardly a text has more tokens than characters, so that what is short needs no counting.
        if len(text) + len(always) < room:
            return session
        if (await self._gateway.count_tokens(text + always, model)).tokens < room:
            return session
        await self._summarize(session, model, items, request.request_id, None)
        return await self._store.find(session.id)

    async def _summarize(
        self, session: Session, model: str, items: Sequence[Item], request_id: str, instructions: str | None
    ) -> Compaction:
        writer = TurnWriter(self._store, self._send, await self._turn(session, model), self._redactor)
        call = ModelCall(
            model=model,
            max_output_tokens=min(SUMMARY_TOKENS, self._settings().models.max_output_tokens),
            session_id=session.id,
            request_id=request_id,
            account=Account(session.budget, session.usage),
        )
        summary = Summary(writer=writer, gateway=self._gateway, call=call, items=items, instructions=instructions)
        seconds = self._settings().assistant.turn_timeout_seconds
        turn = await _followed(self._run(RunningTurn(writer, summary, seconds)))
        if summary.item is not None and turn.stop_reason == "endTurn":
            return summary.item
        if turn.failure is None:
            raise OperationCancelledError("The summary was cancelled.")
        raise GenerationFailedError(
            f"The conversation could not be summarized: {turn.failure.message}", details={"code": turn.failure.code}
        )

    async def _tokens(self, items: Sequence[Item], model: str) -> int:
        text = history.text_of(history.to_messages(items))
        return (await self._gateway.count_tokens(text, model)).tokens

    # Turns that run

    def _run(self, running: RunningTurn) -> RunningTurn:
        session_id = running.turn.session_id
        self._running[session_id] = running
        task = running.start()
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._forget(session_id, task))
        return running

    def _forget(self, session_id: str, task: asyncio.Task[Turn]) -> None:
        self._tasks.discard(task)
        self._running.pop(session_id, None)
        self._conversations.pop(session_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Whoever waits for the turn gets it, too; but nobody may wait any more.
            logger.warning("a turn could not be written: %s", error, extra={"session": session_id})


async def _followed(running: RunningTurn) -> Turn:
    try:
        return await running.ended()
    except asyncio.CancelledError:
        running.cancel()
        raise
