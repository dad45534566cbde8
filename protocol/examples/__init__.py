"""Examples of every method, written by hand; `tools.golden` records what a real daemon answers."""

from __future__ import annotations

from examples import entity, file, pipeline, prompt, repo, server
from examples.session import CONVERSATIONS, INITIALIZE

EXAMPLES = (
    *server.EXAMPLES,
    *repo.EXAMPLES,
    *entity.EXAMPLES,
    *file.EXAMPLES,
    *prompt.EXAMPLES,
    *pipeline.EXAMPLES,
)

__all__ = ["CONVERSATIONS", "EXAMPLES", "INITIALIZE"]
