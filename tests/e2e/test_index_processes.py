"""Three real processes on one index, which are killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.support.indexes import CountingEmbedder, a_corpus, an_index, nearest, some_texts, until_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

ROOT = Path(__file__).parents[2]
PASSAGES = 3000
SECONDS_EACH = 0.015
KILLS = 20
MOST_MADE = 60
"""The most that a victim embeds before it is killed. The other two go on meanwhile, and all twenty should find work."""
DIMENSION = 64
PATIENCE_SECONDS = 180.0


class Child:
    """One process, and what it said last."""

    def __init__(self, folder: Path, seconds: float = SECONDS_EACH) -> None:
        command = [sys.executable, "-m", "tests.support.indexing_child", str(folder), str(PASSAGES), str(seconds)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.said: dict[str, Any] = {"state": "", "writer": "", "embedded": 0, "made": 0, "asked": 0, "wrong": 0}
        self.reports = 0
        self._more = threading.Condition()
        # Whoever does not listen all the time makes it wait for a listener.
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def until(self, condition: Callable[[Child], bool]) -> None:
        """Wait until it has said something."""
        with self._more:
            assert self._more.wait_for(lambda: condition(self), PATIENCE_SECONDS), self.said

    def kill(self) -> None:
        """Kill it without a warning, and wait until its store is gone as well."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self._wait()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        assert not alive

    def end(self) -> None:
        """Let it end by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._wait()
        assert self.process.returncode == 0

    def _wait(self) -> None:
        self.process.wait(PATIENCE_SECONDS)
        self._listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        assert self.said["wrong"] == 0, self.said

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                # What was cut off was not said.
                self.said = json.loads(line) if line.endswith("\n") else self.said
                self.reports += 1
                self._more.notify_all()


@contextlib.contextmanager
def children(folder: Path, count: int) -> Generator[list[Child]]:
    started = [Child(folder) for _ in range(count)]
    try:
        yield started
    finally:
        for child in started:
            if child.process.poll() is None:
                child.kill()


def whole(child: Child) -> bool:
    """Whether everything can be found by meaning."""
    return child.said["state"] == "ready" and child.said["embedded"] == PASSAGES


def kill_one(running: list[Child], chance: random.Random) -> tuple[Child, bool]:
    """Kill whoever embeds, or any one once everything is there; return it, and whether it was embedding."""
    while (victim := next((child for child in running if child.said["writer"] == "this"), None)) is None:
        if all(map(whole, running)):
            victim = chance.choice(running)
            break
        time.sleep(0.01)
    made = victim.said["made"] + chance.randrange(1, MOST_MADE)
    victim.until(lambda child: child.said["made"] >= made or child.said["writer"] != "this")
    embeds = victim.said["writer"] == "this"
    victim.kill()
    return victim, embeds


def test_kill_9_twenty_times_while_indexing_and_while_two_others_read_leaves_a_whole_index(tmp_path: Path) -> None:
    chance = random.Random(4)
    with children(tmp_path, 3) as running:
        while_indexing = 0
        for _ in range(KILLS):
            victim, embeds = kill_one(running, chance)
            while_indexing += embeds
            running[running.index(victim)] = Child(tmp_path)
        print(f"{while_indexing} of {KILLS} kills while something was embedded")
        assert while_indexing > KILLS // 2
        for child in running:
            child.until(whole)
            child.until(lambda child: child.said["asked"] > 20)
            child.end()
    with contextlib.closing(sqlite3.connect(tmp_path / "vectors.db")) as vectors:
        assert vectors.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert vectors.execute("SELECT count(*) FROM vector").fetchone() == (PASSAGES,)
    asyncio.run(look_at(tmp_path))


async def look_at(folder: Path) -> None:
    """Find everything, without embedding anything."""
    embedder, texts = CountingEmbedder(dimension=DIMENSION), some_texts(PASSAGES)
    corpus = a_corpus(texts)
    async with an_index(folder, embedder) as index:
        status = await until_ready(index, corpus)
        assert (status.embedded, embedder.texts) == (PASSAGES, [])
        for text in texts[::30]:
            assert await nearest(index, corpus, text) == text
        assert len(await index.search("anything", PASSAGES)) == PASSAGES


def test_the_death_of_the_one_that_embeds_is_noticed_within_seconds(tmp_path: Path) -> None:
    with children(tmp_path, 2) as (first, second):
        first.until(lambda child: child.said["writer"] in {"this", "another"})
        second.until(lambda child: child.said["writer"] in {"this", "another"})
        writer, other = (first, second) if first.said["writer"] == "this" else (second, first)
        writer.kill()
        died = time.monotonic()
        other.until(lambda child: child.said["writer"] == "this")
        # It looks every second; the machine may be busy.
        assert time.monotonic() - died < 60
