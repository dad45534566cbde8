"""What initialize says about the contract; generated, because the models would double the time to start."""

from __future__ import annotations

from ckit_daemon.wire.summary import MethodSummary

SCHEMA_HASH = "b6c6a5ce0e8a8ad659d61fea2f2ade8bf57cfe03db77cc5b1bbd2e4f715d7848"
METHODS: tuple[MethodSummary, ...] = (
    MethodSummary("ckit/health", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/metrics", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/capabilities", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/config/get", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/repo/open", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/repo/close", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/repo/list", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/repo/inspect", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/repo/validate", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/repo/graph", "request", "clientToServer", "stable", "graph"),
    MethodSummary("ckit/repo/paths", "request", "clientToServer", "stable", "graph"),
    MethodSummary("ckit/repo/impact", "request", "clientToServer", "stable", "impact"),
    MethodSummary("ckit/repo/didChange", "notification", "both", "stable", None),
    MethodSummary("ckit/entity/get", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/entity/list", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/entity/search", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/entity/create", "request", "clientToServer", "stable", "edits"),
    MethodSummary("ckit/entity/update", "request", "clientToServer", "stable", "edits"),
    MethodSummary("ckit/entity/rename", "request", "clientToServer", "stable", "edits"),
    MethodSummary("ckit/entity/delete", "request", "clientToServer", "stable", "edits"),
    MethodSummary("ckit/file/read", "request", "clientToServer", "stable", None),
    MethodSummary("ckit/prompt/render", "request", "clientToServer", "stable", "prompts"),
    MethodSummary("ckit/pipeline/list", "request", "clientToServer", "stable", "pipelines"),
    MethodSummary("ckit/pipeline/run", "request", "clientToServer", "stable", "pipelines"),
)
