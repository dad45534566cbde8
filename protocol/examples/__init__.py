"""Examples of every method, written by hand; `tools.golden` records what a real daemon answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples import entity, file, generation, pipeline, prompt, provider, rag, repo, server, sessions, tools, turns
from examples.connection import CONVERSATIONS, INITIALIZE

if TYPE_CHECKING:
    from examples.model import DaemonExamples, MethodExamples

EXAMPLES: tuple[MethodExamples | DaemonExamples, ...] = (
    *server.EXAMPLES,
    *repo.EXAMPLES,
    *entity.EXAMPLES,
    *file.EXAMPLES,
    *prompt.EXAMPLES,
    *pipeline.EXAMPLES,
    *provider.EXAMPLES,
    *sessions.EXAMPLES,
    *turns.EXAMPLES,
    *tools.EXAMPLES,
    *generation.EXAMPLES,
    *rag.EXAMPLES,
)

__all__ = ["CONVERSATIONS", "EXAMPLES", "INITIALIZE"]
