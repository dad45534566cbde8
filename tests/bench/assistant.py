"""Turns of conversations: what the daemon adds to a stream, many sessions at once, and memory after many turns."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

import httpx
import orjson

from tests.bench.models import ModelProcess, pieces, sent
from tests.bench.programs import daemon, fresh_state
from tests.bench.repos import repository_of
from tests.bench.table import Row, at_least, at_most, compared

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.bench.client import Message, Server

MEGABYTE: Final = 1024 * 1024
EVENT: Final = "ckit/turn/event"
GAP_SECONDS: Final = 0.01
"""A hundred pieces a second, as a quick model writes them."""
TURNS_A_SESSION: Final = 10
AT_A_TIME: Final = 8
MANY: Final = 100
"""Sessions at once that the aim is about."""
STREAM: Final = "a turn's stream"
SMALL: Final = 42
"""Entities of the repository: it plays no part."""

_names = itertools.count()


class Talk:
    """A daemon with a model, and what it tells of its turns.

    Attributes:
        deltas: each text that was announced, with `time.perf_counter()` when it had been read.
    """

    def __init__(self, server: Server, root: Path) -> None:
        self.server = server
        self.root = root
        self.deltas: list[tuple[str, float]] = []
        server.heard = self._hear

    def session(self) -> str:
        """Make a session and return its id."""
        return self.server.call("ckit/session/create").result["session"]["id"]

    def start(self, session: str, text: str) -> int:
        """Begin a turn and return the id of the request."""
        return self.server.send("ckit/turn/start", {"sessionId": session, "text": text})

    def finish(self, request: int, stop: str = "endTurn") -> float:
        """Wait for the end of a turn and return when it was read, by `time.perf_counter()`."""
        answer = self.server.wait_for(request, 0.0)
        assert answer.result["turn"]["stopReason"] == stop, answer.result["turn"]
        return answer.seconds

    def turn(self, session: str, text: str) -> None:
        """Run a turn; `deltas` are its own afterwards."""
        self.deltas.clear()
        self.finish(self.start(session, text))

    def _hear(self, message: Message, arrived: float) -> None:
        if message["method"] == EVENT and (event := message["params"]["event"])["type"] == "itemDelta":
            self.deltas.append((event["text"], arrived))


@contextlib.contextmanager
def talking(model: ModelProcess, **config: Message) -> Generator[Talk]:
    """Start a daemon with this model and further settings; a first turn has loaded what turns need."""
    settings = {"assistant": {"turnsPerMinute": 100_000, **config.pop("assistant", {})}, **config}
    with fresh_state() as state, daemon(state) as server:
        root = repository_of(SMALL, state).root
        server.initialize(trusted=True, config={"models": model.settings(), **settings})
        server.call("ckit/repo/open", {"path": str(root)})
        talk = Talk(server, root)
        talk.turn(talk.session(), _pieces(10, 0))
        yield talk


def _pieces(count: int, gap: float) -> str:
    return pieces(count, gap, next(_names))


def turns(scale: int) -> Iterator[Row]:
    """Measure turns of one daemon; a scale of 1 takes seconds, one of 10 half a minute."""
    with ModelProcess() as model, talking(model) as talk:
        yield from _latency(talk, model, 100 * scale)
        yield from _rate(talk, model, 500 * scale, runs=3)
        yield from _many_sessions(talk, 10 * scale, 50)


def _latency(talk: Talk, model: ModelProcess, count: int) -> Iterator[Row]:
    """Stream the same pieces to a bare HTTP client and through the daemon, by turns."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(5):
        bare += _by_httpx(model, _pieces(count // 5, GAP_SECONDS))
        talk.turn(talk.session(), _pieces(count // 5, GAP_SECONDS))
        ours += [arrived - moment for text, arrived in talk.deltas for moment in sent(text)]
    assert len(ours) == len(bare) == count // 5 * 5
    yield compared(STREAM, f"piece sent to event read, p50 of {count:,}", median(ours), median(bare), "bare httpx")
    late, bare_late = (quantiles(times, n=20)[-1] for times in (ours, bare))
    yield compared(STREAM, "piece sent to event read, p95", late, bare_late, "bare httpx")
    yield Row(STREAM, "added to bare httpx, p50", median(ours) - median(bare), "s", aim=at_most(0.005))


def _by_httpx(model: ModelProcess, text: str) -> list[float]:
    found: list[float] = []
    url = f"{model.url}/chat/completions"
    with httpx.stream("POST", url, json=model.body(text), trust_env=False) as answer:
        for line in answer.iter_lines():
            arrived = time.perf_counter()
            if line.startswith("data: {"):
                for choice in orjson.loads(line.removeprefix("data: "))["choices"]:
                    found += [arrived - moment for moment in sent(choice["delta"].get("content") or "")]
    return found


def _rate(talk: Talk, model: ModelProcess, count: int, runs: int) -> Iterator[Row]:
    """Let the model write as fast as it can, for the daemon and for langchain's client alone, by turns."""
    ours: list[float] = []
    alone: list[float] = []
    for _ in range(runs):
        talk.turn(talk.session(), _pieces(count, 0))
        assert sum(len(sent(text)) for text, _ in talk.deltas) == count
        ours.append((len(talk.deltas) - 1) / (talk.deltas[-1][1] - talk.deltas[0][1]))
        alone.append(asyncio.run(_rate_by_langchain(model, _pieces(count, 0), count)))
    name = f"events of {count:,} pieces without a pause"
    yield compared(STREAM, name, median(ours), median(alone), "langchain's client", at_least(0.5), unit="/s")


async def _rate_by_langchain(model: ModelProcess, text: str, count: int) -> float:
    import httpx2  # noqa: PLC0415 - what openai speaks through.
    from langchain_openai import ChatOpenAI  # noqa: PLC0415 - takes a second that other rows need not wait for.
    from pydantic import SecretStr  # noqa: PLC0415 - as above.

    async with httpx2.AsyncClient(trust_env=False) as client:
        key = SecretStr("none")
        chat = ChatOpenAI(model="scripted", base_url=model.url, api_key=key, http_async_client=client)
        moments = [time.perf_counter() async for chunk in chat.astream(text) if chunk.text]
    assert len(moments) == count
    return (count - 1) / (moments[-1] - moments[0])


def _many_sessions(talk: Talk, sessions: int, count: int) -> Iterator[Row]:
    """Run one turn alone, then one in each of many sessions at once."""
    alone = min(_seconds(talk, [talk.session()], count) for _ in range(3))
    together = _seconds(talk, [talk.session() for _ in range(sessions)], count)
    name = f"{sessions} turns of {count} pieces, all answered"
    aim = at_least(5) if sessions >= MANY else None
    yield compared("sessions at once", name, together, sessions * alone, f"{sessions} x one alone", aim)


def _seconds(talk: Talk, sessions: list[str], count: int) -> float:
    talk.deltas.clear()
    began = time.perf_counter()
    requests = [talk.start(session, _pieces(count, GAP_SECONDS)) for session in sessions]
    ended = max(talk.finish(request) for request in requests)
    assert sum(len(sent(text)) for text, _ in talk.deltas) == len(sessions) * count
    return ended - began


def memory_after_turns(turns: int) -> Iterator[Row]:
    """Resident memory of the daemon after a tenth of the turns, and after all."""
    with ModelProcess() as model, talking(model) as talk:
        _run_turns(talk, turns // 10)
        early = talk.server.resident_bytes()
        _run_turns(talk, turns - turns // 10)
        late = talk.server.resident_bytes()
    name, reference = f"after {turns:,} turns", f"after {turns // 10:,}"
    yield compared("memory", name, late / MEGABYTE, early / MEGABYTE, reference, at_most(1.1), unit="MB")


def _run_turns(talk: Talk, turns: int) -> None:
    """Run turns in sessions of ten, some sessions at a time."""
    while turns > 0:
        sessions = [talk.session() for _ in range(min(AT_A_TIME, turns))]
        for _ in range(min(TURNS_A_SESSION, turns // len(sessions))):
            talk.deltas.clear()
            for request in [talk.start(session, _pieces(20, 0)) for session in sessions]:
                talk.finish(request)
            turns -= len(sessions)
