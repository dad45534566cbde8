"""Copies what was said in a session into a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ckit_daemon.core.errors import NotFoundError
from ckit_daemon.services.assistant.ids import new_call_id, new_id
from ckit_daemon.services.assistant.records import NO_USAGE, ApprovalItem, ToolCall
from ckit_daemon.storage import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from ckit_daemon.services.assistant.records import Item, Session, Turn


def copy_turns(connection: sqlite3.Connection, source: str, new: Session, *, up_to_turn: str | None) -> Session:
    """Store `new` with copies of the ended turns of `source`, up to and including one of them.

    Turns and items get new ids. Approvals stay with the session that they were given in: what a person has allowed
    there is not allowed here, so the copied items go on to name the originals.

    Raises:
        NotFoundError: there is no such session, or no such turn that has ended.
    """
    rows.require_session(connection, source)
    turns = [turn for turn in rows.turns_of(connection, source) if turn.status != "running"]
    if up_to_turn is not None:
        turns = _until(turns, up_to_turn)
    renamed = {turn.id: new_id() for turn in turns}
    items = [item for item in rows.items_of(connection, source, 0, None) if item.turn_id in renamed]
    renamed |= {item.id: new_call_id() if isinstance(item, ToolCall) else new_id() for item in items}
    copy = replace(
        new, last_seq=len(items), turns=len(turns), usage=sum((turn.usage for turn in turns), start=NO_USAGE)
    )
    rows.insert_session(connection, copy)
    for number, turn in enumerate(turns, 1):
        rows.put_turn(connection, replace(turn, id=renamed[turn.id], session_id=copy.id, number=number))
    for seq, item in enumerate(items, 1):
        rows.put_item(connection, copy.id, _renamed(replace(item, seq=seq), renamed))
    return copy


def _until(turns: Sequence[Turn], last: str) -> list[Turn]:
    for count, turn in enumerate(turns, 1):
        if turn.id == last:
            return [*turns[:count]]
    raise NotFoundError("The session has no ended turn of this id.", details={"kind": "turn", "id": last})


def _renamed(item: Item, renamed: Mapping[str, str]) -> Item:
    copy = replace(item, id=renamed[item.id], turn_id=renamed[item.turn_id])
    match copy:
        case ToolCall(message_id=str(message)):
            return replace(copy, message_id=renamed.get(message, message))
        case ApprovalItem(tool_call_id=call):
            return replace(copy, tool_call_id=renamed.get(call, call))
        case _:
            return copy
