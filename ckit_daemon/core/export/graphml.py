"""GraphML 1.0 (http://graphml.graphdrawing.org/specification.html)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from ckit_daemon.core.graph import Subgraph

_NAMESPACE: Final = "http://graphml.graphdrawing.org/xmlns"
_KEYS: Final = (
    ("id", "node"),
    ("type", "node"),
    ("title", "node"),
    ("status", "node"),
    ("file", "node"),
    ("rel", "edge"),
)
_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 can't hold even when it is escaped (section 2.2)."""
_NOT_NMTOKEN: Final = re.compile(r"[^A-Za-z0-9.:_-]|_(?=x[0-9A-F]{4,6}_)")


def to_graphml(subgraph: Subgraph, title: str) -> str:
    """Write a directed graph whose nodes and edges carry their facts as `data`."""
    root = ET.Element("graphml", xmlns=_NAMESPACE)
    for name, domain in _KEYS:
        ET.SubElement(root, "key", {"id": name, "for": domain, "attr.name": name, "attr.type": "string"})
    ET.SubElement(root, "key", {"id": "name", "for": "graph", "attr.name": "name", "attr.type": "string"})
    graph = ET.SubElement(root, "graph", edgedefault="directed")
    _put(graph, "name", title)
    for entity in subgraph.entities:
        node = ET.SubElement(graph, "node", id=_token(entity.id))
        _put(node, "id", entity.id)
        _put(node, "type", entity.type)
        _put(node, "title", entity.title)
        _put(node, "status", entity.status)
        _put(node, "file", entity.path)
    for edge in subgraph.edges:
        line = ET.SubElement(graph, "edge", source=_token(edge.source), target=_token(edge.target))
        _put(line, "rel", edge.rel)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _put(parent: ET.Element, key: str, value: str | None) -> None:
    if value is not None:
        ET.SubElement(parent, "data", key=key).text = _NOT_XML.sub("\ufffd", value)


def _token(identifier: str) -> str:
    # GraphML wants an NMTOKEN; other characters are written as SQL/XML does (ISO 9075-14, 9.1): `_x0020_`.
    return _NOT_NMTOKEN.sub(lambda match: f"_x{ord(match.group()):04X}_", identifier)
