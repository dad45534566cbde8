"""The items of a running turn on their way to the disk and then to the client; nothing is told before it is safe."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Generic, TypedDict, TypeVar, cast

from msgspec.structs import replace

from ckit_daemon.services.assistant.ids import new_id
from ckit_daemon.services.assistant.records import (
    AssistantMessage,
    Compaction,
    Item,
    ItemCompleted,
    ItemDelta,
    ItemStarted,
    Reasoning,
    TurnCompleted,
    TurnStarted,
)
from ckit_daemon.services.assistant.stream_masking import StreamMasker
from ckit_daemon.services.cancellation import uninterrupted
from ckit_daemon.services.clock import timestamp

if TYPE_CHECKING:
    from ckit_daemon.redaction import Redactor
    from ckit_daemon.services.assistant.ports import EventSink, SessionStore
    from ckit_daemon.services.assistant.records import ItemStatus, Turn

ItemT = TypeVar("ItemT", bound=Item)
S = TypeVar("S", AssistantMessage, Reasoning, Compaction)

SAVE_SECONDS: Final = 0.5
"""How much of a streamed text kill -9 may cost."""


class NewItem(TypedDict):
    """The fields that all items begin with."""

    id: str
    turn_id: str
    seq: int
    status: ItemStatus
    created_at: str


def new_item(turn_id: str, status: ItemStatus = "inProgress", *, item_id: str | None = None) -> NewItem:
    """Return the fields of an item that is new; without an id it gets one."""
    return {"id": item_id or new_id(), "turn_id": turn_id, "seq": 0, "status": status, "created_at": timestamp()}


class TurnWriter:
    """Writes one turn: its items in the order of their events, each on disk before the client hears of it.

    What was begun is done whole, even if the caller is cancelled meanwhile; items that are in progress are kept in
    `open`, so that whoever ends the turn can give them their final state.
    """

    def __init__(self, store: SessionStore, send: EventSink, turn: Turn, redactor: Redactor) -> None:
        self.turn = turn
        self.redactor = redactor
        self.open: dict[str, Item] = {}
        self._store = store
        self._send = send
        self._seq = 0
        # Parallel tools end at the same time; their events must leave in the order of their numbers.
        self._order = asyncio.Lock()

    async def start_turn(self) -> None:
        """Store the beginning of the turn, or take it over, and announce it; raises as `SessionStore.begin_turn`."""
        self.turn = await self._store.begin_turn(self.turn)
        self._seq = (await self._store.find(self.turn.session_id)).last_seq
        self._send(TurnStarted(session_id=self.turn.session_id, turn_id=self.turn.id, seq=self._seq, turn=self.turn))

    async def end_turn(self, turn: Turn) -> Turn:
        """Store the end of the turn and announce it."""
        self.turn, self._seq = await self._store.end_turn(turn)
        self._send(TurnCompleted(session_id=turn.session_id, turn_id=turn.id, seq=self._seq, turn=self.turn))
        return self.turn

    async def give_up_turn(self) -> None:
        """Leave the turn interrupted, because its beginning or its end can't be stored."""
        await self._store.give_up_turn(self.turn)

    async def begin(self, item: ItemT) -> ItemT:
        """Store an item in progress and announce it."""
        return await uninterrupted(self._begin(item))

    async def complete(self, item: ItemT) -> ItemT:
        """Store the final state of an item in progress and announce it; one that has ended already stays as it is."""
        return await uninterrupted(self._complete(item))

    async def add(self, item: ItemT) -> ItemT:
        """Store an item that is complete from the start, and announce its beginning and its end."""
        return await uninterrupted(self._add(item))

    async def save(self, item: ItemT) -> ItemT:
        """Store more of an item in progress, and tell nobody."""
        return await uninterrupted(self._save(item))

    def delta(self, item_id: str, offset: int, text: str) -> None:
        """Announce more text of an item."""
        self._send(
            ItemDelta(
                session_id=self.turn.session_id,
                turn_id=self.turn.id,
                seq=self._seq,
                item_id=item_id,
                offset=offset,
                text=text,
            )
        )

    async def _begin(self, item: ItemT) -> ItemT:
        async with self._order:
            item = await self._put(item)
            self.open[item.id] = item
            self._send(ItemStarted(session_id=self.turn.session_id, turn_id=self.turn.id, seq=item.seq, item=item))
        return item

    async def _complete(self, item: ItemT) -> ItemT:
        async with self._order:
            if self.open.pop(item.id, None) is None:
                # A tool that ends while its turn is being ended: the turn was faster, and an item ends once.
                return item
            item = await self._put(item)
            self._send(ItemCompleted(session_id=self.turn.session_id, turn_id=self.turn.id, seq=item.seq, item=item))
        return item

    async def _add(self, item: ItemT) -> ItemT:
        async with self._order:
            item = await self._put(item)
            ids = {"session_id": self.turn.session_id, "turn_id": self.turn.id}
            self._send(ItemStarted(**ids, seq=item.seq, item=item))
            self._send(ItemCompleted(**ids, seq=item.seq, item=item))
        return item

    async def _save(self, item: ItemT) -> ItemT:
        async with self._order:
            if item.id not in self.open:
                return item
            item = await self._put(item)
            self.open[item.id] = item
        return item

    async def _put(self, item: ItemT) -> ItemT:
        stored = cast("ItemT", await self._store.put_item(self.turn.session_id, item))
        self._seq = stored.seq
        return stored


class TextStream(Generic[S]):
    """An item whose text arrives in pieces: masked, announced at once, and saved twice a second."""

    def __init__(self, writer: TurnWriter, item: S) -> None:
        self._writer = writer
        self._masker = StreamMasker(writer.redactor)
        self._parts: list[str] = []
        self.length = 0
        """Characters announced."""
        self._saved = time.monotonic()
        self._saving: asyncio.Task[S] | None = None
        self.item = item

    async def begin(self) -> None:
        """Store the empty item and announce it."""
        self.item = await self._writer.begin(self.item)

    def push(self, text: str) -> None:
        """Announce more text.

        Raises:
            StorageError: what came before could not be saved.
            ConflictError: another daemon has taken over the session.
        """
        self._announce(self._masker.push(text))
        now = time.monotonic()
        if now - self._saved < SAVE_SECONDS:
            return
        if self._saving is not None:
            if not self._saving.done():
                return
            self._saving.result()
        self._saved = now
        self._saving = asyncio.create_task(self._writer.save(replace(self.item, text="".join(self._parts))))

    async def finish(self, status: ItemStatus, item: S | None = None) -> S:
        """Store the whole text and announce the item's end; `item` has its other fields where they changed."""
        self._announce(self._masker.finish())
        if self._saving is not None:
            await asyncio.wait([self._saving])
            # Where that failed, the whole text follows now, and fails as well or makes it good.
            self._saving.exception()
        self.item = replace(item or self.item, text="".join(self._parts), status=status)
        self.item = await self._writer.complete(self.item)
        return self.item

    async def close(self, status: ItemStatus) -> None:
        """Finish it if that was not done."""
        if self.item.id in self._writer.open:
            await self.finish(status)

    def _announce(self, text: str) -> None:
        if text:
            self._writer.delta(self.item.id, self.length, text)
            self._parts.append(text)
            self.length += len(text)
