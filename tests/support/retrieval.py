"""Daemons that can search by meaning at once: the example is embedded once a run of the tests, and not for each."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.daemon import daemon
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.client import Client, Json

INDEX_SECONDS = 180
VECTORS = Path("rag") / "vectors.db"
"""In the cache folder: what takes time to compute, by the hash of the text, so that any copy of a repository has it."""


@functools.cache
def _embedded() -> Path:
    """The vectors of the example, computed by the command as people use it."""
    folder = Path(tempfile.mkdtemp(prefix="ckit-vectors-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = {"CKIT_CONFIG_FILE": os.devnull, "CKIT_PATHS_CACHE_DIR": str(folder), "CKIT_PATHS_STATE_DIR": str(folder)}
    command = [
        sys.executable,
        "-m",
        "ckit_daemon.cli.main",
        "rag",
        "index",
        "--repo",
        str(copy_example(folder / "repo")),
    ]
    subprocess.run(command, env={**os.environ, **own}, check=True, capture_output=True, timeout=300)
    return folder / VECTORS


def with_vectors(cache: Path) -> Path:
    """Put the vectors of the example into a cache folder that no daemon uses yet, and return it."""
    target = cache / VECTORS
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_embedded(), target)
    return cache


@asynccontextmanager
async def indexed(tmp_path: Path, **options: Any) -> AsyncGenerator[tuple[Client, Path]]:
    """A daemon that has the example open, all of which can be found by meaning."""
    root = copy_example(tmp_path / "example")
    cache = with_vectors(tmp_path / "cache")
    environment = {"CKIT_PATHS_CACHE_DIR": str(cache), "CKIT_PATHS_STATE_DIR": str(tmp_path / "state")}
    async with daemon({"protocolVersions": ["1.0"], **options}, environment=environment) as client:
        await client.request("ckit/repo/open", {"path": str(root)})
        await complete(client)
        yield client, root


async def complete(client: Client) -> Json:
    """Bring the index of the only open repository up to date, however busy the machine is, and return its state."""
    answer = client.expect("complete-index")
    client.send({"jsonrpc": "2.0", "id": "complete-index", "method": "ckit/rag/index"})
    async with asyncio.timeout(INDEX_SECONDS):
        status = (await answer)["result"]
    assert status["state"] == "ready", status
    return status
