"""What the daemon asks the person at the terminal: may this be done, and what is the key."""

from __future__ import annotations

import getpass
import json
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, cast

from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.session import parse
from ckit_daemon.wire.approval import RequestParams, RequestResult
from ckit_daemon.wire.provider import SecretRequestParams, SecretRequestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.cli.client import Answerer, JsonObject
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.approval import Approval

Decision = Literal["allowOnce", "allowForSession", "deny"]
_NOBODY: Final = "Nobody could be asked, since standard input is no terminal; a policy in the settings can allow it."
_GENERATED: Final = "code.apply"
"""What the daemon calls the writing of something generated."""
_DECISIONS: Final[Mapping[str, Decision]] = {"y": "allowOnce", "s": "allowForSession", "n": "deny"}


def _nothing() -> None:
    """Do nothing: no display is in the way."""


@dataclass
class Person:
    """Asks the person; where nobody can be asked, the answer is no.

    Args:
        terminal: Where they sit.
        allows: They have said on the command line that they allow what the command itself does.
        listeners: Who gets the parameters of which notification.
        make_room: Called before something is asked, to take displays that move out of the way.
    """

    terminal: Terminal
    allows: bool = False
    listeners: Mapping[str, Callable[[JsonObject], None]] = field(
        default_factory=dict[str, "Callable[[JsonObject], None]"]
    )
    make_room: Callable[[], None] = _nothing
    refused: set[str] = field(default_factory=set[str])
    """Keys that they did not give; nobody asks for them again before this is cleared."""

    @property
    def answerers(self) -> Mapping[str, Answerer]:
        """Which requests of the daemon are answered, and by what."""
        return {"ckit/approval/request": self._approve, "ckit/secret/request": self._secret}

    @property
    def is_there(self) -> bool:
        """Whether somebody can be asked."""
        return self.terminal.has_person

    def _approve(self, params: JsonObject) -> JsonObject:
        approval = parse(RequestParams, params).approval
        self.make_room()
        if self.allows:
            return RequestResult(decision="allowOnce").to_wire()
        if not self.is_there:
            self.terminal.note(f"Not allowed: {escape(approval.title)} {_NOBODY}")
            return RequestResult(decision="deny", note=_NOBODY).to_wire()
        self._show(approval)
        return self.ask(approval).to_wire()

    def _show(self, approval: Approval) -> None:
        err = self.terminal.err
        verb = {"write": "change files", "exec": "run a program"}.get(approval.tool_class, "read")
        err.print()
        err.print(
            Text.assemble(
                ("? ", "bold yellow"), (approval.title, "bold"), (f"  {approval.tool} wants to {verb}", "dim")
            )
        )
        if approval.command:
            err.print(Padding(Text.assemble(("$ ", "dim"), shlex.join(approval.command)), (0, 0, 0, 2)), soft_wrap=True)
        if approval.diff:
            err.print(Padding(render.diff(approval.diff), (0, 0, 0, 2)))
        if not approval.command and not approval.diff:
            err.print(Padding(Text(json.dumps(approval.arguments, indent=2, ensure_ascii=False)), (0, 0, 0, 2)))

    def ask(self, approval: Approval) -> RequestResult:
        """Ask about what is on the screen."""
        session = approval.session_id is not None
        # What is generated can be taken or left; another request makes something else.
        edits = approval.tool != _GENERATED
        for_session = f", yes for this [s]ession ({_scope(approval)})" if session else ""
        choices = f"[y]es{for_session}, [n]o{', [e]dit what it does' if edits else ''}"
        while True:
            try:
                answer = self.terminal.err.input(Text(f"  {choices}: ", "yellow")).strip()
            except EOFError:
                return RequestResult(decision="deny")
            except KeyboardInterrupt:
                # What is told next begins on a line of its own.
                self.terminal.err.print()
                raise
            letter, note = answer[:1].lower(), answer.partition(" ")[2].strip() or None
            if letter == "e" and edits:
                if edited := _edited(approval):
                    return RequestResult(decision="allowOnce", arguments=edited, note=note)
                self.terminal.err.print("  Nothing usable was changed.", style="yellow")
            elif letter in _DECISIONS and (letter != "s" or session):
                return RequestResult(decision=_DECISIONS[letter], note=note)
            else:
                self.terminal.err.print(
                    "  A word behind the letter tells the model why: n use another title", style="dim"
                )

    def _secret(self, params: JsonObject) -> JsonObject:
        wanted = parse(SecretRequestParams, params)
        self.make_room()
        if not self.is_there or wanted.reference in self.refused:
            return SecretRequestResult().to_wire()
        err = self.terminal.err
        err.print(Text.assemble(("? ", "bold yellow"), wanted.reason, (f"  {wanted.reference}", "dim")))
        try:
            value = getpass.getpass("  Key (kept in memory only; empty: none): ")
        except (EOFError, KeyboardInterrupt):
            # Without the key there is no answer, so that nothing needs to be cancelled.
            value = ""
            err.print()
        if not value.strip():
            self.refused.add(wanted.reference)
        return SecretRequestResult(value=value.strip() or None).to_wire()


def _scope(approval: Approval) -> str:
    """What a yes for the session allows."""
    if approval.command:
        return "this command line"
    if approval.files:
        return f"{approval.tool} on {'this file' if len(approval.files) == 1 else 'just these files'}"
    return f"{approval.tool} with these arguments"


def _edited(approval: Approval) -> JsonObject | None:
    """Let the person change the arguments in their editor; None where that gives no new ones."""
    import click  # noqa: PLC0415 - hardly anybody edits.

    before = json.dumps(approval.arguments, indent=2, ensure_ascii=False) + "\n"
    after = click.edit(before, extension=".json")
    try:
        value = json.loads(after or "null")
    except ValueError:
        return None
    return cast("JsonObject", value) if isinstance(value, dict) and value != approval.arguments else None
