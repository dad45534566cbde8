"""Giving an entity another id, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.core.edit.entities import edit_document, find_entity
from ckit_daemon.core.edit.ids import check_free, check_id
from ckit_daemon.core.edit.plan import EditPlan
from ckit_daemon.core.edit.values import SetValue, same, value_at
from ckit_daemon.core.edit.yaml_edit import check, edit_yaml
from ckit_daemon.core.errors import AlreadyExistsError, ConflictError, InvalidArgumentError
from ckit_daemon.core.layout import YAML_SUFFIXES
from ckit_daemon.core.mentions import is_telling, whole_words
from ckit_daemon.core.relations import split_version
from ckit_daemon.core.yaml import Parsed, parse

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue, Path
    from ckit_daemon.core.snapshot import Snapshot


def rename(
    snapshot: Snapshot,
    old: str,
    new: str,
    prose: Mapping[str, str],
    *,
    path: str | None = None,
    new_path: str | None = None,
) -> EditPlan:
    """Plan to give the entity `old` the id `new`.

    Changes the entity, every reference in every YAML file, whole-word mentions there and in `prose` (texts of
    Markdown files and templates by path), and the file's name where it begins with the id. An id that is a plain word,
    such as `search`, is changed in references alone. Where several files claim the id, `path` says which one gets
    the new one; the references stay with the others. `new_path` says where its file goes if somebody else has chosen.

    Raises:
        NotFoundError: there is no such entity.
        InvalidArgumentError: the new id is the old one, breaks the schema's rules or belongs to another type.
        AlreadyExistsError: the new id or file name is taken.
        ConflictError: several files claim the id, or a file can't be changed without changing something else.

    """
    entity = find_entity(snapshot, old, path)
    if new == old:
        raise InvalidArgumentError(f"{old} has this id already.")
    check_id(snapshot, entity.type, new)
    check_free(snapshot, new, present=old)
    warnings: list[str] = []
    if new_path is None:
        new_path = _new_path(snapshot, entity, new)
    if len(snapshot.definitions[old]) > 1:
        warnings.append(f"other files claim the id {old} too, so references to it are left as they are")
        texts = {entity.path: edit_document(snapshot, entity.document, [SetValue(("id",), new)])}
    elif not is_telling(old):
        warnings.append(f"'{old}' is an ordinary word, so mentions of it in texts are left as they are")
        texts = dict(_in_references(snapshot, entity, new))
    else:
        words = Words({stem(entity.path): stem(new_path), old: new})
        texts = dict(in_yaml(snapshot, old, words, warnings))
        texts |= {name: words.replace(text) for name, text in prose.items() if name not in snapshot.documents}
    before = {name: _text(snapshot, prose, name) for name in texts}
    after = {name: text for name, text in texts.items() if text != before[name]}
    renames = ((entity.path, new_path),) if new_path != entity.path else ()
    before = {name: text for name, text in before.items() if name in after or name == entity.path}
    return EditPlan(before, after, renames=renames, warnings=tuple(warnings))


class Words:
    """Replaces whole words."""

    def __init__(self, words: Mapping[str, str], pattern: re.Pattern[str] | None = None) -> None:
        """Begin; a pattern of one's own finds the words in another way."""
        self._words = words
        self._pattern = pattern or whole_words(words)

    def replace(self, text: str) -> str:
        """The text with all of them replaced."""
        return self._pattern.sub(lambda match: self._words[match.group()], text)

    def replace_in(self, value: JsonValue) -> JsonValue:
        """The value with all of them replaced, keys included."""
        if isinstance(value, str):
            return self.replace(value)
        if isinstance(value, list):
            return [self.replace_in(item) for item in value]
        if isinstance(value, dict):
            return {self.replace(key): self.replace_in(item) for key, item in value.items()}
        return value


def in_yaml(snapshot: Snapshot, old: str, words: Words, warnings: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the path and the new text of every YAML file and template that holds `old` in its text."""
    for path, document in snapshot.documents.items():
        if old not in document.text:
            continue
        text = words.replace(document.text)
        if path.endswith(YAML_SUFFIXES):
            if document.readable:
                text = _verified(document, text, words)
            elif text != document.text:
                warnings.append(f"{path} is no valid YAML; the id was changed in its text")
        elif not path.endswith(".hbs"):
            continue
        yield path, text


def _verified(document: Document, text: str, words: Words) -> str:
    """The replaced text, mended where an escape before a word hid its beginning, and checked to say what it should."""
    before, parsed = Parsed(document.value, document.problems), parse(text)
    intended = words.replace_in(before.value)
    if not same(parsed.value, intended):
        changes = [SetValue(path, value) for path, value in _differences(parsed.value, intended)]
        text = edit_yaml(text, changes)
    try:
        check(text, intended, before, "the id can't be changed here")
    except ConflictError as error:
        raise ConflictError(f"{document.path}: {error.message}", details={"path": document.path}) from error
    return text


def _differences(present: JsonValue, intended: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    if isinstance(present, dict) and isinstance(intended, dict):
        for key in present.keys() & intended.keys():
            yield from _differences(present[key], intended[key], (*path, key))
    elif isinstance(present, list) and isinstance(intended, list):
        for index, (left, right) in enumerate(zip(present, intended, strict=False)):
            yield from _differences(left, right, (*path, index))
    elif path and not same(present, intended):
        yield path, intended


def _in_references(snapshot: Snapshot, entity: Entity, new: str) -> Iterator[tuple[str, str]]:
    changes: dict[str, list[SetValue]] = {entity.path: [SetValue(("id",), new)]}
    for path in sorted(snapshot.referrers.get(entity.id, ())):
        referrer = snapshot.by_path[path]
        for reference in referrer.references:
            if reference.target == entity.id:
                version = ""
                if reference.relation.versioned:
                    _, version = split_version(str(value_at(referrer.data, reference.path)))
                value = f"{new}@{version}" if version else new
                changes.setdefault(path, []).append(SetValue(reference.path, value))
    for path, operations in changes.items():
        yield path, edit_document(snapshot, snapshot.documents[path], operations)


def _new_path(snapshot: Snapshot, entity: Entity, new: str) -> str:
    folder, _, name = entity.path.rpartition("/")
    rest = name.removeprefix(entity.id)
    if rest == name or not rest.startswith((".", "-")):
        return entity.path
    new_path = f"{folder}/{new}{rest}"
    # A file system that ignores case can't tell the two names apart, so there the old one stays.
    if new_path.casefold() == entity.path.casefold():
        return entity.path
    if any(path.casefold() == new_path.casefold() for path in snapshot.documents):
        raise AlreadyExistsError(f"The file {new_path} exists already.", details={"path": new_path})
    return new_path


def stem(path: str) -> str:
    """A file's name without its suffix."""
    return path.rpartition("/")[2].rpartition(".")[0]


def _text(snapshot: Snapshot, prose: Mapping[str, str], path: str) -> str:
    document = snapshot.documents.get(path)
    return prose[path] if document is None else document.text
