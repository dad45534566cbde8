"""One HTML file with an interactive picture; it works offline and from a disk."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

import orjson

from ckit_daemon.core.export.cytoscape import network
from ckit_daemon.core.export.style import colours
from ckit_daemon.core.relations import GOVERNS

if TYPE_CHECKING:
    from ckit_daemon.core.graph import Subgraph
    from ckit_daemon.core.json import JsonObject

_ESCAPES: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def to_html(subgraph: Subgraph, title: str) -> str:
    """Write the page. Its policy (CSP level 2) allows its own three scripts and styles by hash and nothing else."""
    library, script, style = _part("cytoscape.min.js"), _part("picture.js"), _part("picture.css")
    # Cytoscape adds a style sheet of this id unless it is there; the policy forbids adding one.
    library_style = ".__________cytoscape_container { position: relative; }"
    data: JsonObject = {
        **network(subgraph, title),
        "colours": dict(colours(subgraph.entities)),
        # Everything is governed by something: these lines would hide the others.
        "hiddenRelations": [GOVERNS],
    }
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(library)} {_hash(script)}",
            f"style-src {_hash(style)} {_hash(library_style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return Template(_part("picture.html")).substitute(
        title=escape(title),
        policy=policy,
        library=library,
        script=script,
        style=style,
        library_style=library_style,
        data=orjson.dumps(data).decode().translate(_ESCAPES),
    )


def _part(name: str) -> str:
    text = files("ckit_daemon.core.export").joinpath("picture", name).read_text(encoding="utf-8")
    # A browser hashes what its parser hands it, in which line ends are LF.
    return text.replace("\r\n", "\n")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
