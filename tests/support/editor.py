"""An editor for tests: documents that are open in a real daemon, and the schemas of a small repository."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pygls import uris

from tests.support.daemon import daemon, spawned

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from tests.support.client import Client, Json

WATCHES: Json = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


def _schema(pattern: str, **properties: Json) -> str:
    identifier = {"type": "string", "pattern": pattern, "description": "The name of it."}
    return json.dumps(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "required": ["id"],
            "properties": {"id": identifier, **properties},
            "additionalProperties": False,
        }
    )


_TEXT: Json = {"type": "string"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_TITLE: Json = {"type": "string", "minLength": 1, "description": "What it is called."}
_STATUS: Json = {"enum": ["todo", "doing", "done"], "default": "todo", "description": "Where it stands."}
_SERVICES: Json = {"type": "object", "properties": {"services": _TEXTS, "packages": _TEXTS}}

SCHEMAS = {
    f".context/schemas/{name}.schema.json": text
    for name, text in {
        "feature": _schema(
            "^FEAT-[0-9]{3,}$",
            title=_TITLE,
            status=_STATUS,
            urgent={"type": "boolean", "description": "Whether it can't wait."},
            userStories={**_TEXTS, "description": "The stories that it is made of."},
            specs=_TEXTS,
            tasks=_TEXTS,
            requires=_TEXTS,
            produces=_TEXTS,
            notes={"type": "array", "items": {"type": "object", "properties": {"by": _TEXT, "text": _TEXT}}},
        ),
        "userstory": _schema("^US-[0-9]{3,}$", title=_TITLE, status=_STATUS, feature=_TEXT, impacts=_SERVICES),
        "spec": _schema(
            "^SPEC-[0-9]{3,}$",
            title=_TITLE,
            related={"type": "object", "properties": {"features": _TEXTS, "services": _TEXTS}},
        ),
        "task": _schema(
            "^T-[0-9]{3,}$",
            title=_TITLE,
            status=_STATUS,
            owner=_TEXT,
            steps=_TEXTS,
            related={
                "type": "object",
                "description": "What it belongs to.",
                "properties": {"feature": _TEXT, "spec": _TEXT, "service": _TEXT},
            },
        ),
        "service": _schema(
            "^svc-",
            name=_TITLE,
            api={"type": "object", "properties": {"version": _TEXT}},
            dependencies=_TEXTS,
            consumers=_TEXTS,
            repository={"type": "string", "format": "uri"},
        ),
        "package": _schema("^pkg-", name=_TITLE, uses=_SERVICES),
    }.items()
}


class Editor:
    """What an editor does with the documents of one or more repositories."""

    def __init__(self, client: Client, *roots: Path) -> None:
        self.client = client
        self.root = roots[0]
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}

    def uri(self, path: str | Path) -> str:
        return (self.root / path).as_uri()

    def open(self, path: str | Path, text: str | None = None) -> str:
        """Open a document, with other text than on disk if that is given; returns its URI."""
        uri = self.uri(path)
        self.texts[uri] = (self.root / path).read_bytes().decode() if text is None else text
        self.versions[uri] = 1
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": self.texts[uri]}
        self.client.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def type(self, path: str | Path, text: str) -> None:
        """Replace the text of an open document."""
        uri = self.uri(path)
        self.texts[uri] = text
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def close(self, path: str | Path) -> None:
        uri = self.uri(path)
        del self.texts[uri], self.versions[uri]
        self.client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def carry_out(self, edit: Json) -> None:
        """Do what a workspace edit says: to open documents in the editor, to all others on the disk."""
        for uri, edits in (edit.get("changes") or {}).items():
            self._change(uri, edits)
        touched: list[str] = []
        for change in edit.get("documentChanges") or ():
            match change.get("kind"):
                case "create":
                    assert not _file(change["uri"]).exists()
                    _file(change["uri"]).write_bytes(b"")
                case "rename":
                    _file(change["oldUri"]).rename(_file(change["newUri"]))
                case "delete":
                    _file(change["uri"]).unlink()
                case _:
                    document = change["textDocument"]
                    assert document["version"] == self.versions.get(document["uri"])
                    self._change(document["uri"], change["edits"])
            touched += [change[key] for key in ("uri", "oldUri", "newUri") if key in change]
        self.saw(*touched)

    def saw(self, *touched: str) -> None:
        """Tell the daemon about files that changed on the disk."""
        changes = [{"uri": uri, "type": 2} for uri in touched]
        self.client.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def _change(self, uri: str, edits: list[Json]) -> None:
        if uri in self.texts:
            self.type(_file(uri), edited(self.texts[uri], edits))
        else:
            _file(uri).write_bytes(edited(_file(uri).read_bytes().decode(), edits).encode())
            self.saw(uri)

    async def ask(self, method: str, path: str | Path, place: str | None = None, **more: Any) -> Any:
        """Ask about a document: at the first `place` in its text, where `¦` marks the very spot."""
        uri = self.uri(path)
        params: Json = {"textDocument": {"uri": uri}, **more}
        if place is not None:
            before, _, after = place.partition("¦")
            offset = self.texts[uri].index(before + after) + len(before)
            params["position"] = position_at(self.texts[uri], offset)
        return await self.client.request(f"textDocument/{method}", params)


def position_at(text: str, offset: int) -> Json:
    """Where an offset is, in UTF-16 units."""
    lines = text[:offset].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return {"line": len(lines) - 1, "character": len(lines[-1].encode("utf-16-le")) // 2}


def edited(text: str, edits: list[Json]) -> str:
    """A text after some edits whose ranges are in UTF-16 units."""
    starts = [0]
    for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text):
        starts.append(starts[-1] + len(line.encode("utf-16-le")) // 2)
    units = text.encode("utf-16-le")

    def offset(place: Json) -> int:
        return 2 * (starts[place["line"]] + place["character"])

    for edit in sorted(edits, key=lambda edit: offset(edit["range"]["start"]), reverse=True):
        start, end = offset(edit["range"]["start"]), offset(edit["range"]["end"])
        units = units[:start] + edit["newText"].encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le")


def _file(uri: str) -> Path:
    path = uris.to_fs_path(uri)
    assert path is not None
    return Path(path)


def text_at(text: str, where: Json) -> str:
    """The text in a range of UTF-16 units."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def cut(line: str, start: int, end: int | None = None) -> str:
        return line.encode("utf-16-le")[2 * start : None if end is None else 2 * end].decode("utf-16-le")

    start, end = where["start"], where["end"]
    if start["line"] == end["line"]:
        return cut(lines[start["line"]], start["character"], end["character"])
    first, last = cut(lines[start["line"]], start["character"]), cut(lines[end["line"]], 0, end["character"])
    return "\n".join([first, *lines[start["line"] + 1 : end["line"]], last])


@contextlib.asynccontextmanager
async def editor(
    *roots: Path, capabilities: Json | None = None, options: Json | None = None, process: bool = False
) -> AsyncGenerator[Editor]:
    """An editor whose workspace folders are these, with a daemon in this process or in one of its own."""
    folder = roots[0].parent
    params: Json = {
        "capabilities": merged(WATCHES, capabilities or {}),
        "workspaceFolders": [{"uri": root.as_uri(), "name": root.name} for root in roots],
    }
    if process:
        async with spawned(folder, initialize=False) as running:
            await running.client.initialize(options, **params)
            yield Editor(running.client, *roots)
            return
    async with daemon(initialize=False, environment={"CKIT_PATHS_CACHE_DIR": str(folder / "cache")}) as client:
        await client.initialize(options, **params)
        yield Editor(client, *roots)


def small_repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A repository of these files, with a small schema for each built-in type where they bring none."""
    for path, text in {**SCHEMAS, **files}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return folder


def merged(left: Json, right: Json) -> Json:
    """Both objects in one, also below."""
    both = json.loads(json.dumps(left))
    for key, value in right.items():
        both[key] = merged(both[key], value) if isinstance(both.get(key), dict) and isinstance(value, dict) else value
    return both
