"""Embeddings of providers, over real HTTP: what is sent, what is made of it, and what happens when it goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckit_daemon.core.errors import (
    CkitError,
    ContextTooLongError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    ProviderError,
    ProviderUnavailableError,
)
from ckit_daemon.services.rag.embedders.provider import ProviderEmbedder
from tests.support.gateways import gateways
from tests.support.model_server import Reply, model_server
from tests.support.model_server_embeddings import embedding_of

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.services.assistant.gateway import ModelGateway
    from tests.support.model_server_wire import Kind

pytestmark = pytest.mark.asyncio

TEXTS = ["The first text.", "Another one: größer."]
PATHS: dict[Kind, str] = {
    "openai": "/v1/embeddings",
    "azure": "/openai/deployments/scripted/embeddings",
    "ollama": "/api/embed",
}


def embedder(gateway: ModelGateway) -> ProviderEmbedder:
    async def get() -> ModelGateway:
        return gateway

    return ProviderEmbedder("test/scripted", get)


@pytest.mark.parametrize("kind", ["openai", "azure", "ollama"])
async def test_each_kind_of_provider_embeds_texts_as_texts(kind: Kind, tmp_path: Path) -> None:
    with model_server(kind) as server:
        server.key = None if kind == "azure" else "sk-secret-of-a-test"
        own = {} if kind == "azure" else {"apiKey": "env:CKIT_TEST_EMBEDDING_KEY"}
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("CKIT_TEST_EMBEDDING_KEY", "sk-secret-of-a-test")
            async with gateways(tmp_path, {"test": server}, provider=own) as built:
                vectors = await built.gateway.embed("test/scripted", TEXTS, priority="batch", request_id="r-7")
                (counted,) = built.metrics.snapshot(0).models
        np.testing.assert_allclose(vectors, [embedding_of(text, 32) for text in TEXTS], rtol=1e-6)
        (request,) = server.embeddings
        assert (request.path, request.body["input"]) == (PATHS[kind], TEXTS)
        assert request.headers["x-request-id"] == "r-7"
        assert (counted.provider, counted.model, counted.outcome, counted.count) == ("test", "scripted", "ok", 1)
        assert (counted.input_tokens, counted.output_tokens) == (11, 0)


async def test_an_embedder_s_vectors_have_the_length_of_one(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            vectors = await embedder(built.gateway).embed([*TEXTS, "  "], interactive=True)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        expected = np.array(embedding_of(TEXTS[0], 32))
        np.testing.assert_allclose(vectors[0], expected / np.linalg.norm(expected), rtol=1e-5)
        assert server.embeddings[0].body["input"][2] == "."


async def test_a_server_that_sends_numbers_and_no_usage_is_understood(tmp_path: Path) -> None:
    with model_server("ollama") as server:
        server.enqueue(Reply(vectors=[[3.0, 4.0]], usage=None))
        async with gateways(tmp_path, {"test": server}) as built:
            vectors = await embedder(built.gateway).embed(["one text of some words"], interactive=False)
            (counted,) = built.metrics.snapshot(0).models
        np.testing.assert_allclose(vectors, [[0.6, 0.8]], rtol=1e-6)
        assert counted.input_tokens == 7


async def test_the_background_tries_again_and_a_person_is_told_at_once(tmp_path: Path) -> None:
    with model_server() as server:
        down = Reply(status=503)
        async with gateways(tmp_path, {"test": server}) as built:
            server.enqueue(down, Reply(break_after=-1), Reply(status=429))
            assert len(await built.gateway.embed("test/scripted", TEXTS, priority="batch")) == 2
            assert (len(server.embeddings), built.metrics.answers.retries) == (4, 3)
            server.enqueue(down)
            with pytest.raises(ProviderUnavailableError, match="503"):
                await built.gateway.embed("test/scripted", TEXTS, priority="interactive")
            assert len(server.embeddings) == 5
            assert built.metrics.answers.retries == 3


async def test_a_provider_that_keeps_failing_is_left_alone(tmp_path: Path) -> None:
    with model_server() as server:
        server.respond = lambda _: Reply(status=503)
        async with gateways(tmp_path, {"test": server}, circuitFailures=2, maxRetries=5) as built:
            with pytest.raises(ProviderUnavailableError):
                await built.gateway.embed("test/scripted", TEXTS, priority="batch")
            asked = len(server.embeddings)
            with pytest.raises(ProviderUnavailableError, match="left alone"):
                await built.gateway.embed("test/scripted", TEXTS, priority="interactive")
        assert asked == len(server.embeddings) == 2
        assert built.gateway.circuits() == {"test": "open"}


async def test_a_provider_that_stalls_is_given_up_at_its_deadline_and_its_connection_closed(tmp_path: Path) -> None:
    with model_server("azure") as server:
        server.enqueue(Reply(stall_after=0))
        async with gateways(tmp_path, {"test": server}, firstOutputTimeoutSeconds=0.2) as built:
            with pytest.raises(DeadlineExceededError, match=r"firstOutputTimeoutSeconds"):
                await built.gateway.embed("test/scripted", TEXTS, priority="interactive")
            await server.wait_idle()
        assert server.closed_at


async def test_one_that_is_cancelled_leaves_no_request_behind(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(stall_after=0))
        async with gateways(tmp_path, {"test": server}) as built:
            task = asyncio.create_task(built.gateway.embed("test/scripted", TEXTS, priority="batch"))
            await server.wait_stalled()
            task.cancel()
            await asyncio.wait([task])
            await server.wait_idle()
            assert [each.outcome for each in built.metrics.snapshot(0).models] == ["cancelled"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401), ProviderError),
        (Reply(status=400), ContextTooLongError),
        (Reply(malformed_after=0), ProviderUnavailableError),
        (Reply(break_after=0), ProviderUnavailableError),
        (Reply(vectors=[[1.0, 2.0]]), ProviderUnavailableError),
        (Reply(vectors=[[1.0, 2.0], [1.0]]), ProviderUnavailableError),
        (Reply(vectors=[[1.0, 2.0], [0.0, 0.0]]), ProviderError),
    ],
    ids=["key", "long", "garbled", "cut", "too few", "uneven", "no direction"],
)
async def test_what_is_no_embedding_is_an_error_of_ours(reply: Reply, error: type[CkitError], tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(reply)
        async with gateways(tmp_path, {"test": server}, maxRetries=0) as built:
            with pytest.raises(error):
                await embedder(built.gateway).embed(TEXTS, interactive=False)


async def test_models_that_can_t_embed_are_refused_with_advice(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            with pytest.raises(InvalidArgumentError, match=r"Leave models\.embeddings empty"):
                await built.gateway.embed("offline/offline", TEXTS, priority="batch")
            with pytest.raises(NotFoundError, match="no provider 'nobody'"):
                await built.gateway.embed("nobody/model", TEXTS, priority="batch")
            with pytest.raises(ProviderError, match="does not know the model"):
                await built.gateway.embed("test/another", TEXTS, priority="batch")
