"""`ckit demo`: the main job on the example repository, one step after the other."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.rule import Rule
from rich.text import Text

from ckit_daemon.cli import render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.commands import entities, graph, impact, inspect, validate
from ckit_daemon.cli.commands.init import read_tree
from ckit_daemon.cli.errors import OK, CommandError
from ckit_daemon.cli.session import parse, session
from ckit_daemon.cli.terminal import Terminal
from ckit_daemon.wire.entity import SearchParams, SearchResult
from ckit_daemon.wire.prompt import RenderParams, RenderResult
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

if TYPE_CHECKING:
    from ckit_daemon.cli.session import JsonObject, Session

_STORY: Final = "contexts/userstories/US-007-collect-from-a-locker.yaml"
_FEATURE: Final = "contexts/features/FEAT-003-reserve-and-collect.yaml"
_NOW: Final = "2025-11-20T09:00:00Z"
PROMPT_LINES: Final = 14
CHANGE_SECONDS: Final = 10.0


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
        with session(Terminal(folder, color=terminal.color, quiet=terminal.quiet, verbose=terminal.verbose)) as opened:
            _walk(opened, folder)
    return OK


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
    lines = parse(RenderResult, raw).prompt.splitlines()
    opened.terminal.out.print(Text("\n".join(lines[:PROMPT_LINES])))
    opened.terminal.out.print(Text(f"\u2026 {len(lines) - PROMPT_LINES} more lines", "dim"))

    _step(opened, "What next?", "")
    table = render.grid()
    for line, meaning in (
        ("ckit init my-product", "a repository of your own, which validates from the start"),
        ("ckit graph --open", "the interactive picture, in the browser, offline"),
        ("ckit validate --format sarif", "findings for CI; also github, junit and json"),
        ("ckit doctor", "what is missing on this machine, and how to get it"),
    ):
        table.add_row(Text(f"  {line}", "bold cyan"), meaning)
    opened.terminal.out.print(table)


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
