"""`ckit ask`: one question, one answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from ckit_daemon.cli import attachments, chat_sessions, cited, options, passages
from ckit_daemon.cli.app import command
from ckit_daemon.cli.conversation import Conversation, exit_code
from ckit_daemon.cli.errors import CommandError
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import session
from ckit_daemon.wire.rag import QueryParams
from ckit_daemon.wire.session import GetParams
from ckit_daemon.wire.turn import StartParams

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.session import Turn
ITEMS: Final = 10_000


@command("ask")
def ask(
    terminal: Terminal,
    *,
    question: Annotated[
        list[str] | None, typer.Argument(help="What to ask (default: what standard input says).")
    ] = None,
    chosen: options.SessionId = None,
    latest: options.Latest = False,
    model: options.Model = None,
    attach: options.Attach = None,
    cite: Annotated[
        bool, typer.Option("--cite", help="Answer from the repository alone, and say where each claim is from.")
    ] = False,
    wait: passages.Wait = passages.WAIT_SECONDS,
) -> int:
    """Ask the assistant one question; the answer goes to standard output.

    Exits with 1 if the answer is not complete, and with --cite if the repository has none.
    """
    text = " ".join(question or []) or _from_input()
    if cite:
        if chosen is not None or latest:
            raise CommandError("--cite answers from the repository, not in a session.", code="usage")
        if attach:
            raise CommandError("--cite looks for its sources itself; nothing can be attached.", code="usage")
        return cited.ask(terminal, QueryParams(question=text, model=model), wait)
    conversation = Conversation(terminal, answers=not terminal.as_json)
    person = Person(terminal, listeners={"ckit/turn/event": conversation.event}, make_room=conversation.display.clear)
    with session(terminal, person=person) as opened:
        if chosen is not None:
            chat = chat_sessions.to_go_on(opened, chosen)
        elif latest:
            chat = chat_sessions.latest(opened)
        else:
            chat = chat_sessions.begin(opened, model=model)
        attached = attachments.read(opened, attach or [])
        turn = conversation.say(opened, StartParams(session_id=chat.id, text=text, attachments=attached, model=model))
        if terminal.as_json:
            terminal.print_json(_items(opened, turn))
    return exit_code(turn)


def _from_input() -> str:
    text = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    if not text:
        raise CommandError('There is no question: ckit ask "What is FEAT-001?"', code="usage")
    return text


def _items(opened: Session, turn: Turn) -> JsonObject:
    """The session with this turn and its items alone."""
    got = opened.request("ckit/session/get", GetParams(id=turn.session_id, limit=ITEMS))
    turns, items = (cast("list[JsonObject]", got[name]) for name in ("turns", "items"))
    return {
        **got,
        "turns": [each for each in turns if each["id"] == turn.id],
        "items": [each for each in items if each["turnId"] == turn.id],
    }
