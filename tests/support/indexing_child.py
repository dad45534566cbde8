"""A process that is one daemon's index: it follows the corpus that it is told, searches all the while, and reports.

Standard input ends it; a test may also kill it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from ckit_daemon.core.errors import DegradedError
from tests.support.indexes import CountingEmbedder, a_corpus, an_index, embedded, some_texts

REPORT_SECONDS = 0.02


def tell(**what: object) -> None:
    """Say something, at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main(folder: Path, count: int, seconds: float) -> None:
    """Index and search until nobody listens."""
    texts = some_texts(count)
    corpus = a_corpus(texts)
    embedder = CountingEmbedder(seconds=seconds, dimension=64)
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    asked = wrong = 0
    async with an_index(folder, embedder) as index:
        index.follow(corpus)
        while not ended.done():
            status = index.status()
            if status.embedded:
                text = texts[asked * 37 % count]
                try:
                    hits = await index.search(embedded(text), 3)
                except DegradedError:
                    hits = []
                asked += bool(hits)
                # What is found first may be another passage as long as this one is missing, but never a false hit.
                wrong += sum(hit.hash not in corpus.by_hash or hit.similarity > 1.001 for hit in hits)
                whole = status.state == "ready"
                wrong += whole and bool(hits) and corpus.by_hash[hits[0].hash][0].text != text
            tell(
                state=status.state,
                writer=status.writer,
                embedded=status.embedded,
                made=len(embedder.texts),
                asked=asked,
                wrong=int(wrong),
            )
            await asyncio.sleep(REPORT_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
