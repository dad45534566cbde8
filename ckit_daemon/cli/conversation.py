"""A turn as the person at the terminal sees it: text as it comes, tools as they run, what it took."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.client import Hooks
from ckit_daemon.cli.errors import FAILED, INTERRUPTED, NEGATIVE, OK, RequestError
from ckit_daemon.cli.markdown import Display, MarkdownStream
from ckit_daemon.cli.session import parse
from ckit_daemon.wire.session import ApprovalItem, AssistantMessage, ErrorItem, Reasoning, ToolCall, UserMessage
from ckit_daemon.wire.turn import (
    CancelParams,
    EventParams,
    ItemCompleted,
    ItemDelta,
    ItemStarted,
    StartParams,
    TurnCompleted,
    TurnResult,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.session import Item, Turn, Usage

_ARGUMENTS: Final = 100
"""Most characters of a tool's arguments on its line."""
_STOPS: Final[Mapping[str, str]] = {
    "maxTokens": "The answer was cut: it reached the longest that is allowed.",
    "maxToolCalls": "Stopped: the turn has run as many tools as it may.",
    "refusal": "The model refused to answer.",
    "cancelled": "Cancelled; what was said so far is kept.",
    "budget": "Stopped: the session's budget is used up.",
}
_EXITS: Final[Mapping[str | None, int]] = {"endTurn": OK, "error": FAILED, "cancelled": INTERRUPTED}


class Conversation:
    """Shows the events of turns. Text goes to standard output; without a terminal, all else to standard error."""

    def __init__(self, terminal: Terminal, *, answers: bool = True) -> None:
        """Show nothing yet; `answers` says whether the text itself is printed."""
        self._terminal = terminal
        self._answers = answers
        self._notes: Console = terminal.out if terminal.out.is_terminal and answers else terminal.err
        self.display = Display(self._notes)
        self._shown: dict[str, str] = {}
        self._stream: MarkdownStream | None = None
        self._failures: set[str] = set()
        """What was told of the turn's failures."""
        self._tools = 0

    def event(self, params: JsonObject) -> None:
        """Show what happened."""
        match parse(EventParams, params).event:
            case ItemStarted(item=item):
                self._item_started(item)
            case ItemDelta(item_id=item, offset=offset, text=text):
                self._more(item, offset, text)
            case ItemCompleted(item=item):
                self._item_completed(item)
            case TurnCompleted():
                self.display.clear()
            case _:
                self._wait("Thinking")

    def say(self, opened: Session, params: StartParams) -> Turn:
        """Have a turn, and show it. The first Ctrl-C cancels the turn, and so does the daemon's end.

        Raises:
            RequestError: the turn can't begin.
        """

        def cancel() -> None:
            opened.daemon.begin("ckit/turn/cancel", CancelParams(session_id=params.session_id).to_wire())

        started, self._tools = time.monotonic(), 0
        self._failures.clear()
        self._wait("Thinking")
        try:
            turn = parse(TurnResult, opened.request("ckit/turn/start", params, Hooks(interrupt=cancel))).turn
        except RequestError as error:
            if error.code == "budget_exceeded":
                error.hints = (
                    f"A copy with another budget: ckit sessions fork {params.session_id[:8]} --max-tokens N",
                )
            raise
        finally:
            # Also where the daemon has died: what was read must not vanish.
            self._close()
            self.display.clear()
        self._end(turn, time.monotonic() - started)
        return turn

    # Items

    def _item_started(self, item: Item) -> None:
        if isinstance(item, AssistantMessage):
            self._shown[item.id] = ""
            self._more(item.id, 0, item.text)
        elif isinstance(item, ToolCall):
            self._wait(f"{item.name} {_arguments(item.arguments)}")

    def _more(self, item: str, offset: int, text: str) -> None:
        shown = self._shown.get(item)
        # Whoever has missed something waits for the completed item.
        if shown is None or offset != len(shown) or not text:
            return
        self._shown[item] = shown + text
        self._write(text)

    def _write(self, text: str) -> None:
        if not self._answers:
            return
        if self._stream is None:
            self._stream = MarkdownStream(self._terminal.out, self.display)
            self.display.clear()
        self._stream.write(text)

    def _item_completed(self, item: Item) -> None:
        match item:
            case AssistantMessage():
                self._message_completed(item)
            case Reasoning() if item.text:
                self._note(Text(item.text.strip(), "dim italic"))
            case ToolCall():
                self._tools += 1
                self._note(_tool(item))
                self._wait("Thinking")
            case ApprovalItem():
                self._note(_approval(item))
            case ErrorItem():
                self._failed(item.failure.message)
            case UserMessage() if item.steering:
                self._note(Text.assemble(("you: ", "dim"), item.text))
            case _:
                pass

    def _message_completed(self, item: AssistantMessage) -> None:
        shown = self._shown.pop(item.id, "")
        if item.text.startswith(shown):
            rest = item.text[len(shown) :]
        else:
            # What was streamed is not what counts: say it all again.
            self._close()
            rest = item.text
        if rest:
            self._write(rest)
        self._close()
        if item.note:
            self._note(Text.assemble(("! ", "bold yellow"), item.note))

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self.display.clear()

    # Notes

    def _wait(self, text: str) -> None:
        if not self._terminal.quiet and not self._terminal.as_json and self._stream is None:
            self.display.wait(text)

    def _note(self, line: Text) -> None:
        if self._terminal.quiet or self._terminal.as_json:
            return
        self._close()
        self.display.clear()
        self._notes.print(line, soft_wrap=True)

    def _failed(self, message: str) -> None:
        """Tell of a failure, once; only JSON has a place of its own for it."""
        if self._terminal.as_json or message in self._failures:
            return
        self._failures.add(message)
        self._close()
        self.display.clear()
        self._notes.print(Text.assemble(("\u2718 ", "bold red"), message), soft_wrap=True)

    def _end(self, turn: Turn, seconds: float) -> None:
        self._close()
        if self._notes.is_terminal:
            self._note(Text(" "))
        stop = turn.stop_reason or ""
        if turn.failure is not None:
            self._failed(turn.failure.message)
        elif stop in _STOPS:
            self._note(Text(_STOPS[stop], "yellow"))
        parts = [
            turn.model,
            *([render.plural(self._tools, "tool run")] if self._tools else []),
            *usage_parts(turn.usage),
        ]
        self._note(Text(" \u00b7 ".join([*parts, f"{seconds:.1f} s"]), "dim"))


def exit_code(turn: Turn) -> int:
    """Return the command's exit code for how a turn ended."""
    return _EXITS.get(turn.stop_reason, NEGATIVE)


def _arguments(arguments: JsonObject) -> str:
    parts = [
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in arguments.items()
    ]
    line = " ".join(" ".join(parts).split())
    return line if len(line) <= _ARGUMENTS else f"{line[: _ARGUMENTS - 1]}\u2026"


def _tool(item: ToolCall) -> Text:
    marks = {"ok": ("\u2714", "green"), "denied": ("\u2718", "yellow"), "cancelled": ("\u25cb", "yellow")}
    mark, style = marks.get(item.result or "", ("\u2718", "red"))
    line = Text.assemble((f"{mark} ", style), (item.name, "cyan"), " ", (_arguments(item.arguments), "dim"))
    if item.result == "ok":
        return line if item.duration_ms is None else line.append(f"  {item.duration_ms:.0f} ms", "dim")
    return line.append(f"\n  {item.result or item.status}", style).append(
        f": {reason}" if (reason := _reason(item)) else ""
    )


def _reason(item: ToolCall) -> str:
    """Why a tool did not do it, in one line."""
    told = item.output.get("message") if isinstance(item.output, dict) else None
    return " ".join(str(told).split()) if told else next(iter(item.text.strip().splitlines()), "")


def _approval(item: ApprovalItem) -> Text:
    words = {"allowForSession": "allowed for this session", "allowOnce": "allowed once", "deny": "not allowed"}
    word = words.get(item.decision or "", {"expired": "nobody answered in time"}.get(item.state, item.state))
    return Text.assemble(("\u2502 ", "dim"), (f"{word}: {item.title}", "dim"))


def usage_parts(usage: Usage) -> list[str]:
    """Return what model calls took, in words."""
    about = "about " if usage.estimated else ""
    parts = [f"{about}{usage.input_tokens + usage.output_tokens:,} tokens"]
    if usage.cost:
        parts.append(f"${usage.cost:.4f}")
    if usage.cached:
        parts.append("kept answer")
    return parts
