"""A process that writes turns without end and says what it was told is on disk; a test kills it."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from msgspec.structs import replace

from tests.support.conversations import a_message, a_question, a_store, a_turn, an_approval


def tell(*words: str) -> None:
    """Say what is acknowledged, at once."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


async def main(folder: Path, session_id: str) -> None:
    """Write, each item twice, as a message that arrives bit by bit."""
    async with a_store(folder) as store:
        for number in itertools.count():
            prefix = f"{session_id}-{number}"
            turn = await store.begin_turn(a_turn(f"{prefix}-turn", session_id))
            tell("turn", turn.id)
            for count in range(3):
                item = f"{prefix}-{count}"
                await store.put_item(session_id, a_question(f"{item}-q", turn.id, text=item))
                tell("item", f"{item}-q", item)
                await store.put_item(session_id, a_message(f"{item}-m", turn.id, status="inProgress", text="begun"))
                tell("item", f"{item}-m", "begun")
                await store.put_approval(replace(an_approval(f"{item}-a", session_id), turn_id=turn.id))
                tell("approval", f"{item}-a")
                await store.put_item(session_id, a_message(f"{item}-m", turn.id, text="ended"))
                tell("item", f"{item}-m", "ended")
            await store.end_turn(replace(turn, status="completed", stop_reason="endTurn"))
            tell("ended", turn.id)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
