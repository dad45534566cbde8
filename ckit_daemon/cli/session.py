"""An open repository in a running daemon."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from ckit_daemon import __version__
from ckit_daemon.cli.client import Daemon, Hooks
from ckit_daemon.cli.errors import RequestError
from ckit_daemon.wire.base import WorkDone
from ckit_daemon.wire.repo import OpenParams, OpenResult, RepositoryInfo
from ckit_daemon.wire.version import SUPPORTED_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Generator

    from pydantic import JsonValue

    from ckit_daemon.cli.person import Person
    from ckit_daemon.cli.terminal import Terminal
    from ckit_daemon.wire.base import Params, WireModel

    JsonObject = dict[str, JsonValue]
    M = TypeVar("M", bound=WireModel)


@dataclass(frozen=True)
class Session:
    """A daemon with one open repository."""

    terminal: Terminal
    daemon: Daemon
    repository: RepositoryInfo
    root: str
    """The repository's folder."""

    def request(self, method: str, params: Params, hooks: Hooks | None = None) -> JsonObject:
        """Return a result of the protocol as it came; a bar on the terminal shows long work that has no hooks."""
        if hooks is not None or not isinstance(params, WorkDone):
            return self.daemon.request(method, params.to_wire(), hooks)
        with self.terminal.progress(method) as show:
            return self.daemon.request(method, params.to_wire(), Hooks(progress=show))

    def uri(self, path: str) -> str:
        """The URI of a file of the repository, for links."""
        return f"{self.repository.root_uri.rstrip('/')}/{quote(path)}"


@contextmanager
def daemon(
    terminal: Terminal, *, trusted: bool = False, person: Person | None = None, config: JsonObject | None = None
) -> Generator[Daemon]:
    """Start a daemon and introduce the command.

    Args:
        terminal: How to talk to the person.
        trusted: Whether the repository's own scripts may run.
        person: Answers what the daemon asks, and hears of its events.
        config: Settings that weigh more than all others.
    """
    answerers = person.answerers if person else None
    listeners = person.listeners if person else None
    with Daemon(verbose=terminal.verbose, answerers=answerers, listeners=listeners) as running:
        running.initialize(
            {
                "clientInfo": {"name": "ckit", "version": __version__},
                "protocolVersions": list(SUPPORTED_VERSIONS),
                "trusted": trusted,
                "config": config or {},
            }
        )
        yield running


@contextmanager
def session(
    terminal: Terminal,
    *,
    trusted: bool = False,
    watch: bool = False,
    person: Person | None = None,
    config: JsonObject | None = None,
) -> Generator[Session]:
    """Start a daemon, as `daemon` does, and open the repository around the chosen folder.

    Raises:
        CommandError: no daemon, or no repository.
    """
    with daemon(terminal, trusted=trusted, person=person, config=config) as running:
        params = OpenParams(path=str(terminal.repo.absolute()), watch=watch)
        try:
            with terminal.progress("Opening the repository") as show:
                raw = running.request("ckit/repo/open", params.to_wire(), Hooks(progress=show))
        except RequestError as error:
            if error.code == "not_found":
                error.hints = ("Choose one with --repo DIR, or try `ckit demo`.",)
            raise
        info = parse(OpenResult, raw).repository
        yield Session(terminal, running, info, url2pathname(urlsplit(info.root_uri).path))


def parse(model: type[M], raw: JsonObject) -> M:
    """Read a result; fields that a newer daemon adds are ignored."""
    return model.model_validate(raw, extra="ignore")
