"""Search by meaning: how fast passages are indexed, and a daemon with a large index at work."""

from __future__ import annotations

import asyncio
import os
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson
import psutil

from ckit_daemon.core.progress import SILENT
from ckit_daemon.repo.opener import DiskRepositoryOpener
from ckit_daemon.services.rag.corpus import RepositoryReader
from ckit_daemon.services.rag.embedders.minilm import DIMENSION, NAME, MiniLmEmbedder
from ckit_daemon.services.rag.secrets import PassageRedactor
from ckit_daemon.settings import RagSettings
from ckit_daemon.storage.vectors import SqliteVectorCache
from tests.bench.engine import LARGE, open_repository
from tests.bench.live import MEGABYTE, PATIENCE_SECONDS, health_until_answered
from tests.bench.programs import daemon, fresh_state
from tests.bench.repos import EXAMPLE
from tests.bench.table import Aim, Row, at_least, at_most, compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.bench.client import Server
    from tests.bench.repos import BenchRepository

INDEX: Final = "ckit/rag/index"
SEARCH: Final = "ckit/rag/search"
ENOUGH: Final = 1_500
"""Passages with which the start of the vector store's process and of the model no longer count for much."""
COPIED: Final = 5_000
"""Made-up vectors that are written at once."""
TITLE: Final = b"title: Implement the loan rules as a library"


def indexing(repository: BenchRepository) -> Iterator[Row]:
    """Index a repository in a new daemon, against the embedder alone with the same texts before and after."""
    texts = passages(repository)
    before = asyncio.run(_embed(list(texts.values())))
    with fresh_state() as state, daemon(state) as server:
        open_repository(server, repository)
        answer = server.call(INDEX)
        assert answer.result["state"] == "ready", answer.result
        assert answer.result["embedded"] == answer.result["chunks"]
    after = asyncio.run(_embed(list(texts.values())))
    rate, alone = len(texts) / answer.seconds, 2 * len(texts) / (before + after)
    aim = at_least(0.6) if len(texts) >= ENOUGH else None
    yield compared("indexing", f"{len(texts):,} passages, by a new daemon", rate, alone, "the embedder", aim, unit="/s")


async def _embed(texts: Sequence[str]) -> float:
    """Return the seconds for some texts in the best order for the model, which is loaded by then."""
    embedder = MiniLmEmbedder()
    try:
        await embedder.embed(["Once, so that it is there."], interactive=False)
        began = time.perf_counter()
        await embedder.embed(texts, interactive=False)
        return time.perf_counter() - began
    finally:
        await embedder.aclose()


def passages(repository: BenchRepository) -> dict[str, str]:
    """What a daemon embeds of a repository, by hash."""

    async def read() -> dict[str, str]:
        store = await DiskRepositoryOpener().open(repository.root, SILENT)
        try:
            corpus = RepositoryReader(store, RagSettings, PassageRedactor()).read(store.snapshot, SILENT)
        finally:
            await store.aclose()
        return {digest: chunks[0].embedded for digest, chunks in corpus.by_hash.items()}

    return asyncio.run(read())


def searching(repository: BenchRepository, rounds: int, changes: int) -> Iterator[Row]:
    """Fill a daemon's vector store with made-up vectors, search it, change files, and look at its memory.

    Args:
        repository: what to index.
        rounds: how often all questions of the example's evaluation are asked.
        changes: how often a file is changed.
    """
    size = f"{repository.entities:,}"
    section = f"searching {size}"
    is_large = repository.entities >= LARGE

    def judged(bound: float) -> Aim | None:
        return at_most(bound) if is_large else None

    hashes = list(passages(repository))
    with fresh_state() as state:
        asyncio.run(_make_up_vectors(state / "cache" / "rag" / "vectors.db", hashes))
        with daemon(state) as server:
            open_repository(server, repository)
            began = time.perf_counter()
            filling = server.send(INDEX)
            healths = health_until_answered(server, filling)
            filled = server.wait_for(filling, began)
            assert filled.result["state"] == "ready", filled.result
            assert filled.result["embedded"] == filled.result["chunks"] >= len(hashes)
            yield Row(section, f"{len(hashes):,} vectors into the store", len(hashes) / filled.seconds, "/s")
            name = "ckit/health while it is filled"
            yield Row(section, f"{name}, p50 of {len(healths):,}", median(healths), "s", aim=judged(0.020))
            yield Row(section, f"{name}, p95", quantiles(healths, n=20)[-1], "s", aim=judged(0.020))
            yield Row(section, f"{name}, slowest", max(healths), "s", aim=judged(0.020))
            for mode in ("hybrid", "lexical"):
                seconds = _search(server, mode, rounds)
                yield Row(section, f"search, {mode}, p50 of {len(seconds)}", median(seconds), "s")
                yield Row(section, f"search, {mode}, p95", quantiles(seconds, n=20)[-1], "s", aim=judged(0.050))
            found = _change(server, repository, changes)
            yield Row(section, "written, told, found by meaning: p50", median(found), "s", aim=judged(0.5))
            yield Row(section, "written, told, found by meaning: slowest", max(found), "s", aim=judged(0.5))
            own = server.resident_bytes() / MEGABYTE
            children = [each.memory_info().rss for each in psutil.Process(server.pid).children(recursive=True)]
            assert children, "the vector store has no process"
            store = sum(children) / MEGABYTE
    yield Row("memory", f"{size} indexed and searched: the daemon", own, "MB", aim=judged(600))
    yield Row("memory", f"{size} indexed and searched: its vector store", store, "MB")
    yield Row("memory", f"{size} indexed and searched: both", own + store, "MB")


async def _make_up_vectors(path: Path, hashes: Sequence[str]) -> None:
    """Write a vector of length 1 for each hash, as if somebody had embedded them all."""
    random = np.random.default_rng(0)
    cache = SqliteVectorCache(path)
    try:
        for start in range(0, len(hashes), COPIED):
            some = hashes[start : start + COPIED]
            vectors = random.standard_normal((len(some), DIMENSION), np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            await cache.put(NAME, {each: row.tobytes() for each, row in zip(some, vectors, strict=True)})
    finally:
        await cache.aclose()


def _search(server: Server, mode: str, rounds: int) -> list[float]:
    lines = (EXAMPLE / ".context-kit" / "evaluation" / "questions.jsonl").read_bytes().splitlines()
    questions: list[str] = [orjson.loads(line)["question"] for line in lines]
    for question in questions[:5]:
        server.call(SEARCH, {"query": question, "mode": mode})
    seconds: list[float] = []
    for question in questions * rounds:
        answer = server.call(SEARCH, {"query": question, "mode": mode})
        assert answer.result["mode"] == mode, answer.result.get("degraded")
        seconds.append(answer.seconds)
    return seconds


def _change(server: Server, repository: BenchRepository, changes: int) -> list[float]:
    """Give a task one title after another; it takes from writing the file to finding what has really been embedded."""
    path = repository.edited
    sound, times = path.read_bytes(), path.stat()
    assert TITLE in sound
    seconds: list[float] = []
    try:
        for change in range(changes):
            title = f"Count the lighthouses of coast number {change} by helicopter"
            began = time.perf_counter()
            path.write_bytes(sound.replace(TITLE, f"title: {title}".encode()))
            server.notify("ckit/repo/didChange", {"paths": [path.relative_to(repository.root).as_posix()]})
            while not _is_found(server, title):
                assert time.perf_counter() - began < PATIENCE_SECONDS, "the change was never found"
            seconds.append(time.perf_counter() - began)
    finally:
        path.write_bytes(sound)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return seconds


def _is_found(server: Server, title: str) -> bool:
    hits = server.call(SEARCH, {"query": title, "mode": "vector", "topK": 1, "expand": "none"}).result["hits"]
    return bool(hits) and title in hits[0]["heading"]
