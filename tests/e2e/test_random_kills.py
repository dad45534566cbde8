"""kill -9 at random moments of turns, tool runs and approvals: nothing that was told is lost, or there twice."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.conversations import integrity
from tests.support.daemon import spawned
from tests.support.host import Host, Person
from tests.support.logs import MARKS
from tests.support.marked_repository import MarkedRepository
from tests.support.model_server import model_server
from tests.support.obedience import obey
from tests.support.talk import ASK, CALL, EVENT, options_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.client import Json
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.asyncio

KILLS = 100
LANES = 3
"""People who use the one database at the same time, each with a repository."""

LIFE_SECONDS = 300.0
"""Within which each moment comes, also on a busy machine."""

CONTEXT_TOKENS = 24_000
"""So few that long conversations are summarized."""

KINDS = (
    "turn",
    "message interrupted",
    "toolCall read interrupted",
    "toolCall write interrupted",
    "toolCall exec interrupted",
    "approval interrupted",
    "approval pending",
)
"""What some of the kills must have come upon."""


def event(kind: str, item: str = "") -> Callable[[Json], bool]:
    """Whether a message is an event of this kind, about an item of this kind."""

    def holds(message: Json) -> bool:
        found = message["params"]["event"] if message.get("method") == EVENT else {}
        return found.get("type") == kind and item in {"", found.get("item", {}).get("kind")}

    return holds


def request(method: str) -> Callable[[Json], bool]:
    """Whether a message is a request of the daemon."""
    return lambda message: message.get("method") == method


MOMENTS: dict[str, tuple[Callable[[Json], bool], int]] = {
    "anything": (lambda _: True, 60),
    "an answer": (lambda message: "method" not in message, 20),
    "the beginning of a turn": (event("turnStarted"), 4),
    "the end of a turn": (event("turnCompleted"), 3),
    "a piece of text": (event("itemDelta"), 20),
    "a tool that is asked for": (event("itemStarted", "toolCall"), 4),
    "a tool that has ended": (event("itemCompleted", "toolCall"), 4),
    "a question to the person": (request(ASK), 3),
    "the decision of the person": (event("itemCompleted", "approval"), 3),
    "a call of the client's tool": (request(CALL), 3),
}
"""What a kill waits for, and how many of it at the most."""


@dataclass
class Moment:
    """When to kill: so many seconds after so many messages of a kind."""

    name: str
    count: int
    delay: float
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, chance: random.Random) -> Moment:
        """Choose one."""
        name = chance.choice([*MOMENTS])
        delay = chance.choice((0.0, chance.uniform(0, 0.003), chance.uniform(0, 0.03)))
        return cls(name, chance.randrange(MOMENTS[name][1]) + 1, delay)

    def watch(self, message: Json) -> None:
        """Count a message."""
        self.count -= MOMENTS[self.name][0](message)
        if self.count <= 0:
            self.reached.set()


class Place:
    """One database, and the people who use it."""

    def __init__(self, folder: Path, server: ModelServer, seed: int) -> None:
        self.folder = folder
        self.people = [
            Person(
                random.Random(seed + lane),
                MarkedRepository(folder / f"{lane}" / "repository"),
                itertools.count(lane * 10**6),
            )
            for lane in range(LANES)
        ]
        self._options = options_for(
            server, {"assistant": {"turnsPerMinute": 100_000}}, answers=[ASK, CALL], trusted=True
        )
        self._environment = {
            "CKIT_PATHS_STATE_DIR": str(folder / "state"),
            "CKIT_PATHS_CACHE_DIR": str(folder / "cache"),
            # A process that is killed writes down no coverage, so that it need not be slowed down by it.
            "COVERAGE_PROCESS_CONFIG": "",
            "COVERAGE_PROCESS_START": "",
        }

    async def die(self, person: Person) -> None:
        """Run a daemon, talk to it, and kill it."""
        moment = Moment.of(person.chance)
        print(person.repository.root.parent.name, moment.count, moment.name, f"{moment.delay * 1000:.1f} ms")
        async with spawned(person.repository.root.parent, self._options, environment=self._environment) as daemon:
            host = Host(daemon.client, person, moment.watch)
            working = asyncio.create_task(host.work(lambda: self.look(person)))
            reached = asyncio.create_task(moment.reached.wait())
            try:
                await asyncio.wait({working, reached}, timeout=LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if moment.reached.is_set():
                    await asyncio.sleep(moment.delay)
                host.alone = True
                daemon.process.kill()
                await daemon.exit_code()
                await daemon.client.closed.wait()
                await working
            finally:
                working.cancel()
                reached.cancel()
            assert moment.reached.is_set(), f"{moment} never came"
            if host.failure is not None:
                raise host.failure
            log = daemon.log.read_text("utf-8").splitlines()
            assert not [line for line in log if any(mark in line for mark in MARKS)]

    def look(self, person: Person) -> None:
        """Look at what is on disk."""
        person.repository.compare(person.marks)
        assert integrity(self.folder / "state") == "ok"

    async def end(self, person: Person) -> None:
        """See everything once more, and take what was interrupted to its end."""
        async with spawned(person.repository.root.parent, self._options, environment=self._environment) as daemon:
            host = Host(daemon.client, person, lambda _: None)
            await host.take_up()
            for ledger in person.left:
                await host.compare(ledger)
            for ledger in person.sessions:
                if ledger.interrupted is not None:
                    await host.resume(ledger)
                    await host.compare(ledger)
            if host.failure is not None:
                raise host.failure
            self.look(person)


async def test_R04_kill_9_at_a_hundred_random_moments_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    seed = int(os.environ.get("CKIT_TEST_SEED") or random.SystemRandom().getrandbits(32))
    # pytest shows it where the test fails.
    print(f"CKIT_TEST_SEED={seed}")
    kills = itertools.count(1)
    with model_server("ollama") as server:
        server.respond = obey
        server.models = {"scripted": CONTEXT_TOKENS}
        place = Place(tmp_path, server, seed)

        async def live(person: Person) -> None:
            while next(kills) <= KILLS:
                await place.die(person)
            await place.end(person)

        async with asyncio.TaskGroup() as lives:
            for person in place.people:
                lives.create_task(live(person))
    torn = sum((person.found for person in place.people), Counter[str]())
    print(dict(torn))
    assert not [kind for kind in KINDS if not torn[kind]], "the kills came at no such moment"
