"""Language features while somebody types: each key changes the document, and the answer has to show that."""

from __future__ import annotations

import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.bench.engine import LARGE
from tests.bench.programs import daemon, fresh_state
from tests.bench.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.client import Message, Server
    from tests.bench.repos import BenchRepository

CAPABILITIES: Final[Message] = {
    "textDocument": {
        "diagnostic": {"relatedInformation": True},
        "hover": {"contentFormat": ["markdown"]},
        "codeLens": {},
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
    },
    "workspace": {"diagnostics": {"refreshSupport": True}, "didChangeWatchedFiles": {"dynamicRegistration": True}},
}
HALF_TYPED: Final = "estim\n"
"""What makes the document one that does not parse."""
LATENCY_SECONDS: Final = 0.030


class Question(NamedTuple):
    """What is asked, and where: at the end of a text in the document."""

    name: str
    method: str
    place: str


QUESTIONS: Final = (
    Question("hover", "textDocument/hover", "feature: FEAT-0"),
    Question("definition", "textDocument/definition", "feature: FEAT-0"),
    Question("completion of ids", "textDocument/completion", "feature: "),
    Question("completion of keys", "textDocument/completion", "estim"),
    Question("completion of values", "textDocument/completion", "status: "),
)


def typing(repository: BenchRepository, keys: int) -> Iterator[Row]:
    """Type into one document and ask after each key, with diagnostics on the way as VS Code asks for them."""
    with fresh_state() as state, daemon(state) as server:
        server.initialize(capabilities=CAPABILITIES, folders=[repository.root])
        document = _Document(server, repository)
        server.call("ckit/repo/validate", {"limit": 1})
        seconds: dict[str, list[float]] = {question.name: [] for question in QUESTIONS}
        found: list[float] = []
        told: list[float] = []
        for key in range(keys + 3):
            for question in QUESTIONS:
                began, asked = document.press(key)
                answer = server.wait_for(server.send(question.method, document.at(question.place)), began)
                assert answer.result, question.name
                diagnosed = server.wait_for(asked, began)
                # The first ones load what they stand on.
                if key >= 3:
                    seconds[question.name].append(answer.seconds)
                    found.append(diagnosed.seconds)
            began, asked = document.press(key)
            lenses = server.wait_for(server.send("textDocument/codeLens", document.itself()), began).result
            shown = [server.wait_for(server.send("codeLens/resolve", lens), began).seconds for lens in lenses]
            server.wait_for(asked, began)
            # Every other key puts the title back, and what did not change has no impact.
            if key >= 3 and len(shown) > 1:
                told.append(shown[-1])
    section = f"typing, {repository.entities:,}"
    aim = at_most(LATENCY_SECONDS) if repository.entities >= LARGE else None
    for name, measured in {**seconds, "diagnostics": found, "lens of its impact": told}.items():
        p95 = quantiles(measured, n=20)[-1]
        yield Row(section, f"key to {name}, p50 of {len(measured)}", median(measured), "s")
        yield Row(section, f"key to {name}, p95", p95, "s", aim=aim if name in seconds else None)


class _Document:
    """A task that is open in an editor."""

    def __init__(self, server: Server, repository: BenchRepository) -> None:
        self._server = server
        self._uri = repository.edited.as_uri()
        self._version = 1
        self._text = repository.edited.read_text("utf-8") + HALF_TYPED
        item = {"uri": self._uri, "languageId": "yaml", "version": 1, "text": self._text}
        server.notify("textDocument/didOpen", {"textDocument": item})

    def press(self, key: int) -> tuple[float, int]:
        """Type a letter into the title, or take it away again; ask for diagnostics, and tell when that began."""
        self._version += 1
        line = next(number for number, line in enumerate(self._text.split("\n")) if line.startswith("title: "))
        start = {"line": line, "character": 7}
        end = {"line": line, "character": 8 if key % 2 else 7}
        change = {"range": {"start": start, "end": end}, "text": "" if key % 2 else "x"}
        versioned = {"uri": self._uri, "version": self._version}
        began = time.perf_counter()
        self._server.notify("textDocument/didChange", {"textDocument": versioned, "contentChanges": [change]})
        return began, self._server.send("textDocument/diagnostic", self.itself())

    def at(self, place: str) -> Message:
        """The params of a request at the end of a text."""
        before = self._text[: self._text.index(place) + len(place)].split("\n")
        position = {"line": len(before) - 1, "character": len(before[-1])}
        return {**self.itself(), "position": position}

    def itself(self) -> Message:
        """The params of a request about the whole."""
        return {"textDocument": {"uri": self._uri}}
