"""Builder templates: starting points of new entities, with `{{placeholders}}` to fill."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, cast

from ckit_daemon.core.edit.values import Operation, Remove, SetValue
from ckit_daemon.core.edit.yaml_edit import edit_yaml, read
from ckit_daemon.core.errors import ConflictError, InvalidArgumentError, NotFoundError
from ckit_daemon.core.layout import BUILDER_TEMPLATES, YAML_SUFFIXES
from ckit_daemon.core.text import TextEdit, apply_edits, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.json import JsonObject, JsonValue, Path
    from ckit_daemon.core.snapshot import Snapshot

METADATA: Final = "_template"
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


def find_template(snapshot: Snapshot, name: str, entity_type: str) -> Document:
    """The builder template with this file name, with or without its suffix.

    Raises:
        NotFoundError: there is none.
        InvalidArgumentError: it makes entities of another type.

    """
    known = {
        path.removeprefix(f"{BUILDER_TEMPLATES}/"): document
        for path, document in snapshot.documents.items()
        if path.startswith(f"{BUILDER_TEMPLATES}/") and path.endswith(YAML_SUFFIXES)
    }
    wanted = name.removeprefix(f"{BUILDER_TEMPLATES}/")
    document = next((known[file] for file in (wanted, *(wanted + end for end in YAML_SUFFIXES)) if file in known), None)
    if document is None:
        raise NotFoundError(f"There is no builder template {name}.", details={"templates": list(known)})
    made = about(document).get("entityType")
    if isinstance(made, str) and made != entity_type:
        raise InvalidArgumentError(f"The template {name} makes a {made}, not a {entity_type}.")
    return document


def templates_of(snapshot: Snapshot, entity_type: str) -> Iterator[Document]:
    """Yield the builder templates that make entities of a type, or of any."""
    for path, document in snapshot.documents.items():
        if path.startswith(f"{BUILDER_TEMPLATES}/") and path.endswith(YAML_SUFFIXES):
            made = about(document).get("entityType")
            if isinstance(document.value, dict) and made in {None, entity_type}:
                yield document


def about(document: Document) -> JsonObject:
    """What a builder template says about itself: `name`, `description`, `entityType`."""
    metadata = document.value.get(METADATA) if isinstance(document.value, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def fill(document: Document, values: Mapping[str, JsonValue], data: JsonObject) -> str:
    """The text of a template without its metadata, with `values` for its placeholders and `data` over its fields.

    Raises:
        ConflictError: the template can't be read.

    """
    if not isinstance(document.value, dict):
        raise ConflictError(f"{document.path} is no template: it is no mapping.", details={"path": document.path})
    try:
        text = _quoted(document.text)
        value = cast("JsonObject", read(text).value)
        operations: list[Operation] = [Remove((METADATA,))] if METADATA in value else []
        for path, old in _strings({key: item for key, item in value.items() if key != METADATA}):
            new = _filled(old, values)
            if new != old:
                operations.append(SetValue(path, new))
        operations += _merged(value, data, ())
        return edit_yaml(text, operations)
    except ConflictError as error:
        raise ConflictError(f"{document.path}: {error.message}", details={"path": document.path}) from error


def placeholders(value: JsonValue) -> list[str]:
    """The names of the placeholders that are left in a value, each once."""
    return list(dict.fromkeys(name for _, text in _strings(value) for name in _PLACEHOLDER.findall(text)))


def without_placeholders(text: str) -> str:
    """The text with a space in the place of each placeholder."""
    return _PLACEHOLDER.sub(" ", text)


def _quoted(text: str) -> str:
    """Put quotes around placeholders that stand bare, where YAML sees a mapping in a mapping."""
    edits: list[TextEdit] = []
    lines = split_lines(text)
    for problem in read(text).problems:
        (line, start), (end_line, end) = problem.range
        found = lines[line][start:end] if problem.code == "yaml.key" and line == end_line else ""
        if _PLACEHOLDER.fullmatch(found):
            edits.append(TextEdit(problem.range, json.dumps(found)))
    return apply_edits(text, edits)


def _filled(text: str, values: Mapping[str, JsonValue]) -> JsonValue:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole and whole[1] in values:
        return values[whole[1]]

    def shown(match: re.Match[str]) -> str:
        value = values.get(match[1], match[0])
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return _PLACEHOLDER.sub(shown, text)


def _strings(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _merged(value: JsonObject, data: JsonObject, path: Path) -> Iterator[SetValue]:
    for key, item in data.items():
        present = value.get(key)
        if isinstance(present, dict) and isinstance(item, dict) and item:
            yield from _merged(present, item, (*path, key))
        else:
            yield SetValue((*path, key), item)
