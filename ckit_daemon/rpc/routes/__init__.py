"""One route per method that clients call: the method's name and the function that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.rpc.dispatch import Route

_MODULES: Final[Mapping[str, str]] = {
    "ckit/health": "server",
    "ckit/metrics": "server",
    "ckit/capabilities": "server",
    "ckit/config/get": "server",
    "ckit/repo/open": "repo",
    "ckit/repo/close": "repo",
    "ckit/repo/list": "repo",
    "ckit/repo/inspect": "repo",
    "ckit/repo/validate": "repo",
    "ckit/repo/graph": "repo",
    "ckit/repo/paths": "repo",
    "ckit/repo/impact": "repo",
    "ckit/repo/didChange": "repo",
    "ckit/entity/get": "entity",
    "ckit/entity/list": "entity",
    "ckit/entity/search": "entity",
    "ckit/entity/create": "edit",
    "ckit/entity/update": "edit",
    "ckit/entity/rename": "edit",
    "ckit/entity/delete": "edit",
    "ckit/file/read": "file",
    "ckit/prompt/render": "prompt",
    "ckit/pipeline/list": "pipeline",
    "ckit/pipeline/run": "pipeline",
    "ckit/provider/list": "provider",
    "ckit/provider/models": "provider",
    "ckit/provider/test": "provider",
    "ckit/provider/clearCache": "provider",
    "ckit/session/create": "session",
    "ckit/session/list": "session",
    "ckit/session/get": "session",
    "ckit/session/rename": "session",
    "ckit/session/fork": "session",
    "ckit/session/archive": "session",
    "ckit/session/delete": "session",
    "ckit/session/export": "session",
    "ckit/session/compact": "session",
    "ckit/turn/start": "turn",
    "ckit/turn/cancel": "turn",
    "ckit/turn/steer": "turn",
    "ckit/tool/list": "tool",
    "ckit/tool/run": "tool",
    "ckit/approval/list": "approval",
    "ckit/approval/resolve": "approval",
    "ckit/spec/generate": "spec",
    "ckit/spec/promptify": "spec",
    "ckit/specLog/list": "spec",
    "ckit/specLog/get": "spec",
    "ckit/code/generate": "code",
    "ckit/code/apply": "code",
    "ckit/code/undo": "code",
    "ckit/entity/generate": "generation",
    "ckit/generation/explain": "generation",
    "ckit/rag/status": "rag",
    "ckit/rag/index": "rag",
    "ckit/rag/search": "rag",
    "ckit/rag/similar": "rag",
    "ckit/rag/query": "rag",
    "ckit/rag/check": "rag",
    "ckit/rag/clear": "rag",
}


class _Routes(Mapping[str, "Route"]):
    """The routes by method; a namespace is imported when one of its methods is first called."""

    def __getitem__(self, method: str) -> Route:
        module = import_module(f"{__name__}.{_MODULES[method]}")
        routes: Mapping[str, Route] = module.ROUTES
        return routes[method]

    def __contains__(self, method: object) -> bool:
        # The inherited way is to get the item, and that would import the engine on the event loop.
        return method in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


ROUTES: Final[Mapping[str, Route]] = _Routes()
