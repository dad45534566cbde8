"""`ckit demo`: the main job on the example repository, one step after the other."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.rule import Rule
from rich.text import Text

from ckit_daemon.cli import chat_sessions, cited, passages, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.commands import entities, graph, impact, inspect, validate
from ckit_daemon.cli.commands.init import read_tree
from ckit_daemon.cli.conversation import Conversation
from ckit_daemon.cli.errors import OK, CommandError
from ckit_daemon.cli.person import Person
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import Terminal
from ckit_daemon.wire.approval import RequestResult
from ckit_daemon.wire.entity import SearchParams, SearchResult
from ckit_daemon.wire.prompt import RenderParams, RenderResult
from ckit_daemon.wire.rag import QueryParams
from ckit_daemon.wire.repo import (
    DidChangeParams,
    GraphParams,
    GraphResult,
    ImpactParams,
    ImpactResult,
    InspectParams,
    InspectResult,
    ValidateParams,
    ValidateResult,
)
from ckit_daemon.wire.spec import GenerateParams, GenerateResult
from ckit_daemon.wire.turn import StartParams

if TYPE_CHECKING:
    from ckit_daemon.cli.markdown import Display
    from ckit_daemon.cli.session import JsonObject, Session
    from ckit_daemon.wire.approval import Approval

_STORY: Final = "contexts/userstories/US-007-collect-from-a-locker.yaml"
_FEATURE: Final = "contexts/features/FEAT-003-reserve-and-collect.yaml"
_OFFLINE: Final = "offline/offline"
_SAID: Final = ("Where does it say how long an item waits?", "Set status of T-009 to done")
_REQUIREMENT: Final = "Members can pause notices while they travel"
_ASKED: Final = "Can people borrow when the internet is down?"
_NOW: Final = "2025-11-20T09:00:00Z"
PROMPT_LINES: Final = 14
CHANGE_SECONDS: Final = 10.0
INDEX_SECONDS: Final = 60.0


@command("demo")
def demo(terminal: Terminal) -> int:
    """Walk through the main job on a copy of the example repository.

    Touches nothing of yours.
    """
    if terminal.as_json:
        raise CommandError("The demo is for people; every command it shows has --json.", code="usage")
    # The daemon may hold a file of the copy for a moment longer on Windows.
    with tempfile.TemporaryDirectory(prefix="ckit-demo-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve() / "lantern"
        for path, text in read_tree(files("ckit_daemon") / "example"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        own = Terminal(folder, color=terminal.color, quiet=terminal.quiet, verbose=terminal.verbose)
        conversation = Conversation(own)
        visitor = _Visitor(own, listeners={"ckit/turn/event": conversation.event}, make_room=conversation.display.clear)
        # The built-in model answers everybody the same, and nothing of it stays among the person's own files.
        config: JsonObject = {
            "models": {"chat": _OFFLINE, "generation": _OFFLINE, "embeddings": ""},
            "paths": {"stateDir": temporary, "cacheDir": temporary},
        }
        with session(own, person=visitor, config=config) as opened:
            _walk(opened, folder)
            passages.await_index(opened, INDEX_SECONDS)
            _converse(opened, conversation)
            _cite(opened, conversation.display)
            _farewell(opened)
    return OK


class _Visitor(Person):
    """Says yes to everything, which is about a copy."""

    @property
    def is_there(self) -> bool:
        """Always, even without a terminal."""
        return True

    def ask(self, approval: Approval) -> RequestResult:  # noqa: ARG002 - whatever it is.
        """Say yes."""
        self.terminal.err.print("  Write this? The demo says yes.", style="yellow")
        return RequestResult(decision="allowOnce")


def _walk(opened: Session, folder: Path) -> None:
    _step(opened, "ckit inspect", "Lantern lends the books of a library. This repository says what it is and why.")
    inspect.show(opened, parse(InspectResult, opened.request("ckit/repo/inspect", InspectParams())))

    _step(opened, "ckit validate", "Are the files, their references and the constitution's rules in order?")
    _validate(opened)

    _step(opened, "ckit validate", f"Now somebody mistypes a feature's id and a status in {_STORY}.")
    sound = (folder / _STORY).read_text(encoding="utf-8")
    broken = sound.replace("feature: FEAT-003", "feature: FEAT-033").replace("status: proposed", "status: porposed")
    _change(opened, folder, _STORY, broken)
    _validate(opened)
    _change(opened, folder, _STORY, sound)

    _step(opened, "ckit impact", "An editor sets FEAT-003 to blocked, still unsaved. What has to be looked at again?")
    blocked = (folder / _FEATURE).read_text(encoding="utf-8").replace("status: in-progress", "status: blocked")
    document: JsonObject = {"uri": opened.uri(_FEATURE), "languageId": "yaml", "version": 1, "text": blocked}
    _tell(opened, "textDocument/didOpen", {"textDocument": document})
    raw = opened.request("ckit/repo/impact", ImpactParams(between="unsaved", depth=1))
    impact.show(opened, parse(ImpactResult, raw))
    _tell(opened, "textDocument/didClose", {"textDocument": {"uri": opened.uri(_FEATURE)}})

    _step(opened, "ckit graph FEAT-003", "How does it hang together?")
    raw = opened.request("ckit/repo/graph", GraphParams(ids=["FEAT-003"], depth=1))
    for tree in graph.trees(parse(GraphResult, raw), ["FEAT-003"]):
        opened.terminal.out.print(tree)

    _step(opened, 'ckit search "hold shelf"', "Where does it say how long an item waits?")
    raw = opened.request("ckit/entity/search", SearchParams(query='"hold shelf"', limit=3))
    entities.hits(opened, parse(SearchResult, raw))

    _step(opened, "ckit prompt T-007", "An assignment for a programmer or a model, from the repository's template.")
    raw = opened.request("ckit/prompt/render", RenderParams(id="T-007", now=_NOW))
    _begin(opened, parse(RenderResult, raw).prompt)


def _converse(opened: Session, conversation: Conversation) -> None:
    _step(
        opened, "ckit chat", "Ask in your own words. Without a language model, rules follow simple requests to tools."
    )
    chat = chat_sessions.begin(opened)
    for text in _SAID:
        opened.terminal.out.print(Text.assemble(("> ", "bold cyan"), (text, "bold")))
        conversation.say(opened, StartParams(session_id=chat.id, text=text))

    _step(
        opened, f'ckit spec FEAT-004 -r "{_REQUIREMENT}" --apply', "From entities to a specification, linked both ways."
    )
    params = GenerateParams(entities=["FEAT-004"], requirement=_REQUIREMENT, apply=True)
    result = parse(GenerateResult, opened.request("ckit/spec/generate", params))
    _begin(opened, result.markdown)
    opened.terminal.out.print(Text.assemble(("\n\u2714 ", "bold green"), (result.id, "bold"), f" is {result.path}"))
    _validate(opened)


def _cite(opened: Session, display: Display) -> None:
    _step(
        opened,
        f'ckit ask --cite "{_ASKED}"',
        "An answer from the repository alone. Its words are not those of the question: passages are found by meaning.",
    )
    passages.await_index(opened, INDEX_SECONDS)
    cited.answered(opened, QueryParams(question=_ASKED), display)


def _farewell(opened: Session) -> None:
    _step(opened, "What next?", "")
    table = render.grid()
    for line, meaning in (
        ("ckit init my-product", "a repository of your own, which validates from the start"),
        ("ckit chat", "a conversation; with a language model of your choice it understands more"),
        ("ckit graph --open", "the interactive picture, in the browser, offline"),
        ("ckit validate --format sarif", "findings for CI; also github, junit and json"),
        ("ckit rag status", "how far the index for search by meaning is; it is built when it is first needed"),
        ("ckit doctor", "what is missing on this machine, and how to get it"),
    ):
        table.add_row(Text(f"  {line}", "bold cyan"), meaning)
    opened.terminal.out.print(table)


def _begin(opened: Session, text: str) -> None:
    """Print the first lines of a text."""
    lines = text.splitlines()
    opened.terminal.out.print(Text("\n".join(lines[:PROMPT_LINES])))
    opened.terminal.out.print(Text(f"\u2026 {len(lines) - PROMPT_LINES} more lines", "dim"))


def _validate(opened: Session) -> None:
    validate.summarize(opened, parse(ValidateResult, opened.request("ckit/repo/validate", ValidateParams())))


def _change(opened: Session, folder: Path, path: str, text: str) -> None:
    (folder / path).write_text(text, encoding="utf-8", newline="\n")
    _tell(opened, "ckit/repo/didChange", DidChangeParams(paths=[path]).to_wire())


def _tell(opened: Session, method: str, params: JsonObject) -> None:
    """Tell the daemon about a change and wait until it has taken it in."""
    opened.daemon.notify(method, params)
    opened.daemon.next_change(timeout_seconds=CHANGE_SECONDS)


def _step(opened: Session, title: str, text: str) -> None:
    out = opened.terminal.out
    out.print()
    out.print(Rule(Text(title, "bold cyan"), align="left", style="dim"))
    if text:
        out.print(Text(text, "italic"))
        out.print()
