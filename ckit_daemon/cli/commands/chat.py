"""`ckit chat`: a conversation with the assistant."""

from __future__ import annotations

import importlib
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markdown import Markdown
from rich.markup import escape
from rich.text import Text

from ckit_daemon.cli import attachments, chat_sessions, options, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.conversation import Conversation
from ckit_daemon.cli.errors import OK, CommandError
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import parse, session
from ckit_daemon.wire.base import NoParams
from ckit_daemon.wire.provider import ProviderListResult
from ckit_daemon.wire.session import (
    CompactParams,
    CompactResult,
    ForkParams,
    GetParams,
    GetResult,
    ListParams,
    SessionResult,
)
from ckit_daemon.wire.turn import StartParams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ckit_daemon.cli.session import Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.session import Attachment, Mode
    from ckit_daemon.wire.session import Session as ChatSession

_PROMPT: Final = "> "
_KEPT: Final = "What was said is kept: `ckit chat --continue` goes on with it."


class ChatMode(StrEnum):
    """How the assistant takes its part."""

    GENERAL = "general"
    IMPROVEMENT = "improvement"
    CLARIFICATION = "clarification"


@command("chat")
def chat(
    terminal: Terminal,
    *,
    chosen: options.SessionId = None,
    latest: options.Latest = False,
    model: options.Model = None,
    mode: Annotated[
        ChatMode | None,
        typer.Option("--mode", help="general answers; improvement looks for what could be better; clarification asks."),
    ] = None,
) -> int:
    """Talk with the assistant about the repository.

    Whatever would change a file or run a program is shown first and waits for your answer. Ctrl-C cancels a turn,
    Ctrl-D leaves; /help lists what else there is. Without a terminal each line of standard input is a message.
    """
    if terminal.as_json:
        raise CommandError("A chat is for people; `ckit ask --json` is for programs.", code="usage")
    conversation = Conversation(terminal)
    person = Person(terminal, listeners={"ckit/turn/event": conversation.event}, make_room=conversation.display.clear)
    with session(terminal, person=person) as opened:
        if chosen is not None:
            current = chat_sessions.to_go_on(opened, chosen)
        elif latest:
            current = chat_sessions.latest(opened)
        else:
            current = None
        Chat(opened, person, conversation, current, model, None if mode is None else mode.value).run()
    return OK


@dataclass
class Chat:
    """A conversation at the terminal; its session begins with the first message."""

    opened: Session
    person: Person
    conversation: Conversation
    session: ChatSession | None
    model: str | None
    mode: Mode | None
    attached: list[Attachment] = field(default_factory=list["Attachment"])
    """What goes with the next message."""

    def run(self) -> None:
        """Take messages and commands until there are no more."""
        self._greet()
        for line in _lines():
            text = line.strip()
            try:
                if text.startswith("/"):
                    self._run_command(text)
                elif text:
                    self._say(text)
            except EOFError:
                return
            except CommandError as failure:
                if failure.code == "daemon_ended":
                    raise CommandError(failure.message, hints=[*failure.hints, _KEPT], code=failure.code) from failure
                self.opened.terminal.err.print(f"[bold red]error[/]: {escape(failure.message)}", soft_wrap=True)
                for hint in failure.hints:
                    self._tell(hint)
            except KeyboardInterrupt:
                self._tell("Cancelled.")

    def _greet(self) -> None:
        info = self.opened.repository
        # The answer is of no use; but the daemon gets ready for a turn while the person types.
        self.opened.daemon.begin("ckit/provider/list", NoParams().to_wire())
        self._tell(f"{info.name}: {render.plural(info.entities, 'entity', 'entities')}. /help lists commands.")
        if self.session is not None:
            self._introduce(self.session)

    def _say(self, text: str) -> None:
        # Whoever did not give a key a moment ago may have found it since.
        self.person.refused.clear()
        if self.session is None:
            self.session = chat_sessions.begin(self.opened)
        attached, self.attached = self.attached, []
        params = StartParams(
            session_id=self.session.id, text=text, attachments=attached, model=self.model, mode=self.mode
        )
        self.conversation.say(self.opened, params)

    def _run_command(self, line: str) -> None:
        name, _, rest = line[1:].partition(" ")
        if name not in _COMMANDS:
            known = " ".join(f"/{known}" for known in _COMMANDS)
            raise CommandError(f"There is no command /{name}.", hints=(f"Commands: {known}",), code="usage")
        _COMMANDS[name][0](self, rest.strip())

    def help(self, _: str) -> None:
        """Say what there is."""
        table = render.grid()
        for name, (_method, usage, meaning) in _COMMANDS.items():
            table.add_row(Text(f"/{name} {usage}", "cyan"), meaning)
        table.add_row(Text("Ctrl-C", "cyan"), "cancel the turn that runs")
        table.add_row(Text("Ctrl-D", "cyan"), "leave; the session is kept")
        self.opened.terminal.err.print(table)

    def choose_model(self, wanted: str) -> None:
        """Say which model answers, or choose another one."""
        providers = parse(ProviderListResult, self.opened.request("ckit/provider/list", NoParams()))
        known = ", ".join(provider.name for provider in providers.providers)
        if wanted:
            if wanted.partition("/")[0] not in known.split(", "):
                raise CommandError(f"There is no provider for '{wanted}'.", hints=(f"Providers: {known}",))
            if not options.names_model(wanted):
                raise CommandError(f"'{wanted}' names no model: /model {wanted.strip('/')}/MODEL", code="usage")
            self.model = wanted
            self._tell(f"From now on {wanted} answers.")
            return
        current = self.model or (self.session.model if self.session else None) or providers.chat
        self._tell(f"{current} answers. Providers: {known}")

    def choose_mode(self, wanted: str) -> None:
        """Say which mode it is, or choose another one."""
        if not wanted:
            self._tell(f"The mode is {self.mode or (self.session.mode if self.session else ChatMode.GENERAL)}.")
            return
        if wanted not in set(ChatMode):
            raise CommandError(f"The modes are {', '.join(ChatMode)}.", code="usage")
        self.mode = ChatMode(wanted).value
        self._tell(f"The mode is {wanted} from now on.")

    def list_sessions(self, _: str) -> None:
        """List the sessions about this repository."""
        params = ListParams(repository=self.opened.repository.id)
        self.opened.terminal.err.print(chat_sessions.table(chat_sessions.select(self.opened, params)))

    def switch(self, beginning: str) -> None:
        """Go on with another session."""
        find, latest = chat_sessions.to_go_on, chat_sessions.latest
        self.session = find(self.opened, beginning) if beginning else latest(self.opened)
        self.model = self.mode = None
        self._introduce(self.session)

    def attach(self, named: str) -> None:
        """Give the model something with the next message."""
        if not named:
            raise CommandError("Name entities or files: /attach FEAT-001 docs/notes.md:10-20", code="usage")
        self.attached += attachments.read(self.opened, shlex.split(named))
        self._tell(f"With the next message go {render.plural(len(self.attached), 'attachment')}.")

    def fork(self, title: str) -> None:
        """Go on with a copy of the session."""
        if self.session is None:
            raise CommandError("There is nothing to copy yet.", code="conflict")
        params = ForkParams(id=self.session.id, title=title or None)
        self.session = parse(SessionResult, self.opened.request("ckit/session/fork", params)).session
        self._introduce(self.session)

    def begin(self, _: str) -> None:
        """Leave the session; the next message begins another one."""
        self.session = None
        self._tell("The next message begins a new session.")

    def resume(self, _: str) -> None:
        """Go on with an interrupted turn."""
        turn = _interrupted(self.opened, self.session) if self.session else None
        if self.session is None or turn is None:
            raise CommandError("No turn of this session was interrupted.", code="conflict")
        self.conversation.say(self.opened, StartParams(session_id=self.session.id, resume=turn))

    def compact(self, instructions: str) -> None:
        """Replace what the model gets of the session by a summary."""
        if self.session is None:
            raise CommandError("There is nothing to summarize yet.", code="conflict")
        params = CompactParams(id=self.session.id, instructions=instructions or None)
        result = parse(CompactResult, self.opened.request("ckit/session/compact", params))
        self.opened.terminal.out.print(Markdown(result.item.text))
        self._tell(f"The model gets this from now on: {result.before_tokens:,} tokens became {result.after_tokens:,}.")

    def leave(self, _: str) -> None:
        """Leave, as Ctrl-D does."""
        raise EOFError

    def _introduce(self, chosen: ChatSession) -> None:
        self._tell(f"This is '{chosen.title}' ({render.plural(chosen.turns, 'turn')}).")
        if _interrupted(self.opened, chosen):
            self._tell("Its last turn was interrupted; /resume goes on with it.")

    def _tell(self, text: str) -> None:
        self.opened.terminal.note(escape(text))


_COMMANDS: Final[Mapping[str, tuple[Callable[[Chat, str], None], str, str]]] = {
    "help": (Chat.help, "", "this list"),
    "model": (Chat.choose_model, "[PROVIDER/MODEL]", "which model answers, or choose another one"),
    "mode": (Chat.choose_mode, "[MODE]", "general, improvement or clarification"),
    "sessions": (Chat.list_sessions, "", "the sessions about this repository"),
    "session": (Chat.switch, "[ID]", "go on with another one; without an id with the latest"),
    "new": (Chat.begin, "", "begin another one"),
    "fork": (Chat.fork, "[TITLE]", "go on with a copy, and leave this one as it is"),
    "attach": (Chat.attach, "ID|FILE[:FROM-TO]...", "give the model entities, files or lines with the next message"),
    "resume": (Chat.resume, "", "go on with a turn that was interrupted"),
    "compact": (Chat.compact, "[WHAT MATTERS]", "replace what the model gets of the session by a summary"),
    "exit": (Chat.leave, "", "leave"),
}


def _lines() -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    with suppress(ImportError):
        # Gives `input` keys to edit the line and a history; Windows has its own.
        importlib.import_module("readline")
    while True:
        try:
            yield input(_PROMPT)
        except KeyboardInterrupt:
            print("\nCtrl-D leaves.", file=sys.stderr)
        except EOFError:
            print()
            return


def _interrupted(opened: Session, session: ChatSession) -> str | None:
    """The id of the last turn, if it was interrupted."""
    got = parse(GetResult, opened.request("ckit/session/get", GetParams(id=session.id, replay_from=session.last_seq)))
    last = got.turns[-1] if got.turns else None
    return last.id if last is not None and last.status == "interrupted" else None
