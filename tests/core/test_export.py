from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.export import FORMATS, export
from ckit_daemon.core.graph import Subgraph
from ckit_daemon.core.snapshot import Snapshot

NASTY = '</script><b title="x">& \u2028 [y] {z} | `c` # 1; back\\slash'
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


def subgraph(*texts: tuple[str, str]) -> Subgraph:
    return Snapshot.of(read_yaml(path, text) for path, text in texts).graph.subgraph()


@pytest.fixture
def small() -> Subgraph:
    return subgraph(
        (
            "contexts/features/a.yaml",
            "id: FEAT-001\ntitle: Borrow\nstatus: done\nrequires: [svc-a]\nuserStories: [US-1]\n",
        ),
        ("contexts/userstories/a.yaml", "id: US-1\niWant: to borrow\nfeature: FEAT-001\n"),
        ("contexts/services/a.yaml", "id: svc-a\nname: Loans\n"),
    )


@pytest.fixture
def nasty() -> Subgraph:
    return subgraph(
        ("contexts/features/a.yaml", f"id: {json.dumps(NASTY)}\ntitle: {json.dumps(NASTY)}\nrequires: [end]\n"),
        ("contexts/services/a.yaml", 'id: end\nname: "control \\x01 and\\nline"\n'),
    )


class Page(HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[tuple[str | None, str]] = []
        self.styles: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self._open: str | None = None
        self._type: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"} or name.startswith("on")]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        self._open, self._type = tag, values.get("type")

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts.append((self._type, data))
        elif self._open == "style":
            self.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = None


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_picture_is_the_same_every_time(small: Subgraph, fmt: str) -> None:
    assert export(small, fmt, title="T") == export(small, fmt, title="T")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_empty_graph_gives_a_picture_in_every_format(fmt: str) -> None:
    assert export(Subgraph((), ()), fmt, title="Nothing")  # pyright: ignore[reportArgumentType]


def test_cytoscape_holds_every_entity_and_fact_once(small: Subgraph) -> None:
    picture = json.loads(export(small, "cytoscape", title="Lantern"))
    assert picture["data"] == {"name": "Lantern"}
    assert picture["elements"]["nodes"][0]["data"] == {
        "id": "FEAT-001",
        "type": "feature",
        "file": "contexts/features/a.yaml",
        "title": "Borrow",
        "status": "done",
    }
    facts = [
        (edge["data"]["source"], edge["data"]["rel"], edge["data"]["target"]) for edge in picture["elements"]["edges"]
    ]
    assert facts == [("FEAT-001", "has-story", "US-1"), ("FEAT-001", "requires", "svc-a")]


def test_cytoscape_never_names_an_edge_like_a_node(small: Subgraph) -> None:
    elements = json.loads(export(small, "cytoscape", title="T"))["elements"]
    ids = [item["data"]["id"] for kind in ("nodes", "edges") for item in elements[kind]]
    assert len(ids) == len(set(ids)) == 5


def test_mermaid_numbers_its_nodes_and_gives_each_type_a_class(small: Subgraph) -> None:
    lines = export(small, "mermaid", title='A "title"').splitlines()
    assert lines[:4] == ["---", 'title: "A \\"title\\""', "---", "flowchart LR"]
    assert '  n0["FEAT-001<br/>Borrow"]:::typeFeature' in lines
    assert '  n0 -->|"has-story"| n1' in lines
    assert sum(line.startswith("  classDef ") for line in lines) == 3


def test_mermaid_escapes_every_character_that_means_something_to_it(nasty: Subgraph) -> None:
    text = export(nasty, "mermaid", title="T")
    for label in re.findall(r'\["(.*)"\]:::', text):
        assert not re.search(r'["<>&`\[\]{}|\\]', label.replace("<br/>", ""))
    assert len(re.findall(r"^  n\d+\[", text, re.MULTILINE)) == 2


def test_dot_quotes_ids_and_labels(nasty: Subgraph) -> None:
    text = export(nasty, "dot", title='say "hi"')
    assert text.startswith('digraph "say \\"hi\\"" {')
    assert 'b title=\\"x\\"' in text
    assert "back\\\\slash" in text
    assert '"end" [label="end\\ncontrol \x01 and line"' in text


def test_graphml_is_read_back_with_every_fact(nasty: Subgraph) -> None:
    root = ET.fromstring(export(nasty, "graphml", title="T & U"))
    nodes = root.findall(f"{GRAPHML}graph/{GRAPHML}node")
    values = [{data.get("key"): data.text for data in node} for node in nodes]
    assert values[0]["id"] == NASTY
    assert values[1]["title"] == "control \ufffd and\nline"
    (edge,) = root.findall(f"{GRAPHML}graph/{GRAPHML}edge")
    assert edge.get("source") == nodes[0].get("id")
    assert edge.get("target") == "end"
    assert [data.text for data in edge] == ["requires"]
    assert all(re.fullmatch(r"[\w.:-]+", node.get("id") or "") for node in nodes)


def test_graphml_declares_every_key_it_uses(small: Subgraph) -> None:
    root = ET.fromstring(export(small, "graphml", title="T"))
    declared = {(key.get("for"), key.get("id")) for key in root.findall(f"{GRAPHML}key")}
    for owner in ("graph", "node", "edge"):
        used = {(owner, data.get("key")) for data in root.findall(f".//{GRAPHML}{owner}/{GRAPHML}data")}
        assert used <= declared


def test_html_allows_its_own_scripts_and_styles_by_hash_and_nothing_else(small: Subgraph) -> None:
    page = Page(export(small, "html", title="T"))
    policy = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    assert policy["default-src"] == "'none'"

    def hashes(parts: list[str]) -> str:
        digests = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    assert policy["script-src"] == hashes([text for kind, text in page.scripts if kind is None])
    assert set(policy["style-src"].split()) == set(hashes(page.styles).split())


def test_html_loads_nothing_and_has_no_inline_handlers(nasty: Subgraph) -> None:
    assert Page(export(nasty, "html", title=NASTY)).links == []


def test_R38_text_of_the_repository_cannot_leave_its_place_in_the_html(nasty: Subgraph) -> None:
    page = Page(export(nasty, "html", title=NASTY))
    kinds = [kind for kind, _ in page.scripts]
    assert kinds == ["application/json", None, None]
    data = json.loads(page.scripts[0][1])
    assert data["elements"]["nodes"][0]["data"]["title"] == NASTY
    assert data["data"]["name"] == NASTY
    assert data["hiddenRelations"] == ["governs"]


def test_every_type_has_a_colour_and_unknown_types_differ() -> None:
    graph = subgraph(("contexts/x/a.yaml", "id: a\n"), ("contexts/features/b.yaml", "id: b\n"))
    colours = json.loads(Page(export(graph, "html", title="T")).scripts[0][1])["colours"]
    assert set(colours) == {entity.type for entity in graph.entities}
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours.values())
