"""The table of methods: one row each.

Dispatch, JSON Schemas, TypeScript types, the protocol reference and the golden messages all read this table. Adding a
method is one row in its namespace's file, one route and one pair of golden messages.
"""

from __future__ import annotations

from ckit_daemon.wire import (
    approval,
    code,
    entity,
    file,
    generation,
    pipeline,
    prompt,
    provider,
    rag,
    repo,
    server,
    session,
    spec,
    tool,
    turn,
)
from ckit_daemon.wire.row import Method

METHODS: tuple[Method, ...] = (
    *server.METHODS,
    *repo.METHODS,
    *entity.METHODS,
    *file.METHODS,
    *prompt.METHODS,
    *pipeline.METHODS,
    *provider.METHODS,
    *session.METHODS,
    *turn.METHODS,
    *tool.METHODS,
    *approval.METHODS,
    *spec.METHODS,
    *code.METHODS,
    *generation.METHODS,
    *rag.METHODS,
)

BY_NAME: dict[str, Method] = {method.name: method for method in METHODS}

__all__ = ["BY_NAME", "METHODS", "Method"]
