"""Indexing and searching with the built-in embedder, without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = """
import asyncio, json, socket, sys
from pathlib import Path
from ckit_daemon.services.rag.embedders.minilm import MiniLmEmbedder
from tests.support.indexes import a_corpus, an_index, until_ready

async def main():
    try:
        socket.create_connection(("127.0.0.1", 9), 5)
        cut = False
    except ConnectionRefusedError:
        cut = False
    except OSError:
        cut = True
    corpus = a_corpus(["Refunds are paid within ten days.", "Tools are lent for three weeks.", "The shop is closed."])
    embedder = MiniLmEmbedder()
    async with an_index(Path(sys.argv[1]), embedder) as index:
        status = await until_ready(index, corpus)
        (hit,) = await index.search("How do I get my money back?", 1)
        print(json.dumps([cut, status.embedded, corpus.by_hash[hit.hash][0].text]))
    await embedder.aclose()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_everything_works_with_the_network_cut_off(tmp_path: Path) -> None:
    namespace = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system gives nobody a network namespace")
    done = subprocess.run(
        [*namespace, sys.executable, "-c", CODE, tmp_path], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, 3, "Refunds are paid within ten days."]
