"""Small repositories for the tests of the engine: files by path, with `«` and `»` around a place to be found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import pytest

from ckit_daemon.core.document import Document, read_yaml
from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.text import Position, Range

if TYPE_CHECKING:
    from pathlib import Path

Files: TypeAlias = Mapping[str, str]

_ID = {"type": "string"}
_IDS = {"type": "array", "items": _ID}


def _schema(pattern: str, required: list[str], **properties: object) -> str:
    return json.dumps(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "required": ["id", *required],
            "properties": {"id": {"type": "string", "pattern": pattern}, **properties},
        }
    )


SCHEMAS = {
    ".context/schemas/feature.schema.json": _schema(
        "^FEAT-[0-9]{3,}$", [], status={"enum": ["proposed", "done"]}, title={"type": "string"}, userStories=_IDS
    ),
    ".context/schemas/userstory.schema.json": _schema("^US-[0-9]{3,}$", [], acceptanceCriteria={"type": "array"}),
    ".context/schemas/spec.schema.json": _schema("^SPEC-[0-9]{3,}$", []),
    ".context/schemas/task.schema.json": _schema(
        "^T-[0-9]{3,}$",
        [],
        owner={"type": "string"},
        related={
            "type": "object",
            "properties": {"feature": {"type": "string", "pattern": "^FEAT-[0-9]{3,}$"}, "spec": _ID, "service": _ID},
        },
    ),
    ".context/schemas/service.schema.json": _schema("^svc-", [], repository={"type": "string", "format": "uri"}),
    ".context/schemas/package.schema.json": _schema("^pkg-", []),
}


@pytest.fixture
def schemas() -> Files:
    """The schemas of the small repositories, by path."""
    return SCHEMAS


def document(path: str, text: str) -> Document:
    return read_yaml(path, text) if path.endswith((".yaml", ".yml")) else Document(path, text)


@pytest.fixture
def make_document() -> Callable[[str, str], Document]:
    """Read one file."""
    return document


@pytest.fixture
def make_snapshot() -> Callable[[Files], Snapshot]:
    """Make the snapshot of some files, with the schemas of the built-in types."""

    def make(files: Files) -> Snapshot:
        return Snapshot.of(document(path, text) for path, text in {**SCHEMAS, **files}.items())

    return make


@pytest.fixture
def load_folder() -> Callable[[Path], Snapshot]:
    """Make the snapshot of a folder on disk."""

    def load(root: Path) -> Snapshot:
        documents: list[Document] = []
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and name.startswith(("contexts/", ".context/")):
                documents.append(document(name, path.read_text(encoding="utf-8")))
        return Snapshot.of(documents)

    return load


@pytest.fixture
def unmark() -> Callable[[Files], tuple[Files, list[tuple[str, Range]]]]:
    """Take the marks out of some files and tell which places they marked."""

    def take(files: Files) -> tuple[Files, list[tuple[str, Range]]]:
        clean: dict[str, str] = {}
        places: list[tuple[str, Range]] = []
        for path, text in files.items():
            lines: list[str] = []
            for number, line in enumerate(text.split("\n")):
                plain = line.replace("«", "").replace("»", "")
                if "«" in line:
                    start = line.index("«")
                    end = line.replace("«", "").index("»")
                    places.append((path, Range(Position(number, start), Position(number, end))))
                lines.append(plain)
            clean[path] = "\n".join(lines)
        return clean, places

    return take
