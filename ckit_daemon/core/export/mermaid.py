"""Mermaid flowcharts (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ckit_daemon.core.export.style import caption, colours, tint

if TYPE_CHECKING:
    from ckit_daemon.core.graph import Subgraph


def to_mermaid(subgraph: Subgraph, title: str) -> str:
    """Write a flowchart from left to right with one class of nodes per entity type."""
    # Ids of entities may hold anything, and words like `end` break Mermaid: nodes are numbered instead.
    names = {entity.id: f"n{index}" for index, entity in enumerate(subgraph.entities)}
    lines = ["---", f"title: {json.dumps(title, ensure_ascii=False)}", "---", "flowchart LR"]
    for entity in subgraph.entities:
        label = "<br/>".join(_escape(line) for line in caption(entity))
        lines.append(f'  {names[entity.id]}["{label}"]:::{_class_name(entity.type)}')
    lines += (f'  {names[edge.source]} -->|"{_escape(edge.rel)}"| {names[edge.target]}' for edge in subgraph.edges)
    lines += (
        f"  classDef {_class_name(entity_type)} fill:{tint(colour)},stroke:{colour},color:#111827"
        for entity_type, colour in colours(subgraph.entities).items()
    )
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    # Mermaid's own entity codes: `#` and a number. They also keep Markdown and HTML from being interpreted.
    return re.sub(r"[\"#<>&`;\\*_\[\]{}|]", lambda match: f"#{ord(match.group())};", text)


def _class_name(entity_type: str) -> str:
    return "type" + re.sub(r"[^A-Za-z0-9]", lambda match: f"_{ord(match.group()):x}_", entity_type.capitalize())
