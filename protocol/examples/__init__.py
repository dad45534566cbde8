"""Examples of every method, written by hand; `tools.golden` records what a real daemon answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples import entity, file, pipeline, prompt, repo, server
from examples.session import CONVERSATIONS, INITIALIZE

if TYPE_CHECKING:
    from examples.model import DaemonExamples, MethodExamples

EXAMPLES: tuple[MethodExamples | DaemonExamples, ...] = (
    *server.EXAMPLES,
    *repo.EXAMPLES,
    *entity.EXAMPLES,
    *file.EXAMPLES,
    *prompt.EXAMPLES,
    *pipeline.EXAMPLES,
)

__all__ = ["CONVERSATIONS", "EXAMPLES", "INITIALIZE"]
