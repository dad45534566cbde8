"""`ckit health` and `ckit doctor`: what works, what is missing, and the command that mends it."""

from __future__ import annotations

import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from ckit_daemon import __version__
from ckit_daemon.cli import passages, render
from ckit_daemon.cli.app import command
from ckit_daemon.cli.errors import NEGATIVE, OK, CommandError
from ckit_daemon.cli.session import daemon, parse, session
from ckit_daemon.wire.base import NoParams
from ckit_daemon.wire.entity import ListParams, ListResult
from ckit_daemon.wire.provider import ProviderListResult
from ckit_daemon.wire.rag import StatusParams, StatusResult
from ckit_daemon.wire.server import HealthParams, HealthResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from ckit_daemon.cli.session import Session
    from ckit_daemon.cli.terminal import Terminal

State = Literal["ok", "missing", "broken"]
_MARKS: Final[Mapping[State, tuple[str, str]]] = {
    "ok": ("\u2714", "green"),
    "missing": ("\u25cb", "yellow"),
    "broken": ("\u2718", "bold red"),
}
_NODE: Final = {
    "Darwin": "brew install node",
    "Windows": "winget install OpenJS.NodeJS.LTS",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a capability needs. `broken`: nothing works; `missing`: this capability does not."""

    capability: str
    state: State
    detail: str
    fix: str = ""

    def as_json(self) -> dict[str, JsonValue]:
        """For `--json`."""
        shown: dict[str, JsonValue] = {"capability": self.capability, "state": self.state, "detail": self.detail}
        return {**shown, "fix": self.fix} if self.fix else shown


@command("health")
def health(terminal: Terminal) -> int:
    """Ask the daemon how it is.

    Exits with 1 if a component that everything needs has failed.
    """
    with daemon(terminal) as running:
        raw = running.request("ckit/health", HealthParams(fresh=True).to_wire())
    result = parse(HealthResult, raw)
    if terminal.as_json:
        terminal.print_json(raw)
    else:
        styles = {"ok": "green", "degraded": "yellow", "failed": "bold red", "disabled": "dim", "pending": "dim"}
        table = render.grid()
        for component in result.components:
            works = f" Works all the same: {', '.join(component.works)}." if component.works else ""
            table.add_row(
                Text(component.name), Text(component.status, styles[component.status]), Text(component.detail + works)
            )
        terminal.out.print(Text.assemble("ckit is ", (result.status, styles[result.status])))
        terminal.out.print(table)
        terminal.out.print(Text("  ".join(f"{name} {version}" for name, version in result.versions.items()), "dim"))
    return NEGATIVE if result.status == "failed" else OK


@command("doctor")
def doctor(terminal: Terminal) -> int:
    """Say what is missing for each capability, and how to mend it.

    Exits with 1 if something that everything needs is missing.
    """
    checks: list[Check] = []
    for check in _checks(terminal):
        checks.append(check)
        if not terminal.as_json:
            mark, style = _MARKS[check.state]
            line = Text.assemble((f"{mark} ", style), (f"{check.capability:<24}", "bold"), check.detail)
            if check.fix:
                line.append("\n    fix: ", "green").append(check.fix, "cyan")
            terminal.out.print(line, soft_wrap=True)
    if terminal.as_json:
        terminal.print_json({"checks": [check.as_json() for check in checks]})
    return NEGATIVE if any(check.state == "broken" for check in checks) else OK


def _checks(terminal: Terminal) -> Iterator[Check]:
    # An older Python than 3.11 does not get this far: pip refuses to install the package.
    yield Check("Python", "ok", f"{platform.python_version()} on {platform.system()}, ckit {__version__}")
    started = time.monotonic()
    try:
        with daemon(terminal) as running:
            seconds = time.monotonic() - started
            answer = running.request("ckit/health", HealthParams(fresh=True).to_wire())
            providers = running.request("ckit/provider/list", NoParams().to_wire())
    except CommandError as failure:
        fix = f"{sys.executable} -m pip install --force-reinstall ckit-daemon"
        yield Check("Daemon", "broken", " ".join([failure.message, *failure.hints]), fix)
        return
    yield Check("Daemon", "ok", f"starts in {seconds:.1f} s and answers")
    for component in parse(HealthResult, answer).components:
        if component.name in {"storage", "git"}:
            good = component.status == "ok"
            name = {"storage": "Cache", "git": "History"}[component.name]
            fix = {
                "storage": "export CKIT_PATHS_CACHE_DIR=DIR CKIT_PATHS_STATE_DIR=DIR   (folders that you may write)",
                "git": f"{sys.executable} -m pip install --force-reinstall pygit2",
            }[component.name]
            yield Check(name, "ok" if good else "missing", component.detail, "" if good else fix)
    yield from _repository(terminal)
    yield from _scripts()
    yield from _models(parse(ProviderListResult, providers))


def _models(result: ProviderListResult) -> Iterator[Check]:
    for provider in result.providers:
        if not provider.purposes:
            continue
        name, purposes = f"Model: {provider.name}", ", ".join(provider.purposes)
        if provider.kind == "offline":
            fix = "choose a model for conversations and generation, as README.md says under Models"
            yield Check("Language model", "missing", f"built-in rules answer instead, for {purposes}", fix)
        elif provider.status == "ready":
            yield Check(name, "ok", f"{provider.base_url or 'in this process'}, for {purposes}")
        else:
            yield Check(name, "missing", provider.reason or provider.status, f"ckit providers test {provider.name}")


def _repository(terminal: Terminal) -> Iterator[Check]:
    try:
        with session(terminal) as opened:
            yield from _content(opened)
    except CommandError as failure:
        if failure.code == "not_found":
            yield Check("Repository", "missing", failure.message, "ckit init DIR   (or look around with: ckit demo)")
        else:
            yield Check("Repository", "broken", failure.message)


def _content(opened: Session) -> Iterator[Check]:
    info, root = opened.repository, Path(opened.root)
    # Git names a folder relative to where the person is; quotes keep a path with spaces whole.
    folder = f'"{root}"'
    yield Check("Repository", "ok", f"{info.name}: {render.plural(info.entities, 'entity', 'entities')} in {root}")
    if not info.git:
        yield Check("Changes since a commit", "missing", "the repository is not under Git", f"git init {folder}")
    elif info.head is None:
        fix = f"git -C {folder} add -A && git -C {folder} commit -m 'Begin'"
        yield Check("Changes since a commit", "missing", "there is no commit yet", fix)
    else:
        yield Check("Changes since a commit", "ok", f"HEAD is {info.head[:10]}")
    found = parse(ListResult, opened.request("ckit/entity/list", ListParams(limit=10_000)))
    kinds = sorted({entity.type for entity in found.entities})
    yield _files(root, "Schemas", ".context/schemas", kinds, ".schema.json", {"governance": "constitution"})
    yield _files(root, "Prompts", ".context/templates/prompts", kinds, ".hbs", {})
    rules = root / ".context/rules/consistency.rules.yaml"
    if rules.is_file():
        yield Check("Consistency rules", "ok", ".context/rules/consistency.rules.yaml")
    else:
        fix = _copy(".context/rules/consistency.rules.yaml", root)
        yield Check("Consistency rules", "missing", "impact follows relations only", fix)
    yield _index(opened)


def _index(opened: Session) -> Check:
    name = "Search by meaning"
    try:
        status = parse(StatusResult, opened.request("ckit/rag/status", StatusParams()))
    except CommandError as failure:
        if failure.code != "capability_disabled":
            raise
        return Check(name, "missing", failure.message, "set features.rag = true, as README.md says under Configuration")
    detail = f"{passages.progress_text(status)}, embedded with {status.embedder}"
    match status.state:
        case "ready" | "building":
            return Check(name, "ok", detail)
        case "absent":
            return Check(name, "ok", f"{status.chunks:,} passages; the index is built when it is first needed")
        case "degraded" | "disabled":
            return Check(name, "missing", f"{status.reason or detail}; words are searched instead", "ckit rag index")


def _files(root: Path, capability: str, folder: str, kinds: list[str], suffix: str, names: Mapping[str, str]) -> Check:
    lacking = [kind for kind in kinds if not (root / folder / f"{names.get(kind, kind)}{suffix}").is_file()]
    if not lacking:
        return Check(capability, "ok", f"{folder}: one for each type in use")
    fix = _copy(f"{folder}/{names.get(lacking[0], lacking[0])}{suffix}", root)
    return Check(capability, "missing", f"{folder} has none for {', '.join(lacking)}", fix)


def _copy(path: str, root: Path) -> str:
    """The command that takes a file from a new repository into this one."""
    if platform.system() == "Windows":
        source, target = (path.replace("/", "\\") for path in (f"../ckit-new/{path}", str(root / path)))
        return f'ckit init ../ckit-new && xcopy "{source}" "{target}*"'
    return f'ckit init ../ckit-new && mkdir -p "{(root / path).parent}" && cp ../ckit-new/{path} "{root / path}"'


def _scripts() -> Iterator[Check]:
    node = shutil.which("node")
    manager = shutil.which("pnpm") or shutil.which("npm")
    name = "Repository scripts"
    if node is None:
        fix = _NODE.get(platform.system(), "sudo apt-get install nodejs npm")
        yield Check(name, "missing", "Node.js is not in PATH; the built-in pipelines work without it", fix)
    elif manager is None:
        yield Check(name, "missing", "neither pnpm nor npm is in PATH", "corepack enable pnpm")
    else:
        detail = f"{Path(manager).name} runs them, once you trust them: ckit pipeline run NAME --script"
        yield Check(name, "ok", detail)
