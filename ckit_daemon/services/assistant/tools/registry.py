"""The daemon's tools by name; the one place that lists the groups."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.assistant.tools import context, edit, entities, pipelines, rag, scripts, specs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.services.assistant.tools.base import AnyTool

_GROUPS: Final = (pipelines, scripts, context, entities, rag, edit, specs)

TOOLS: Final[Mapping[str, AnyTool]] = MappingProxyType(
    {tool.name: tool for tool in sorted((tool for group in _GROUPS for tool in group.TOOLS), key=lambda t: t.name)}
)
