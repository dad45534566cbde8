"""Moving files, and the texts that name them by their paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckit_daemon.core.document import Document, read_yaml
from ckit_daemon.core.edit.ids import id_in_name
from ckit_daemon.core.edit.plan import EditPlan
from ckit_daemon.core.edit.rename import Words, in_yaml, rename, stem
from ckit_daemon.core.layout import YAML_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckit_daemon.core.snapshot import Snapshot


def move(snapshot: Snapshot, moves: Iterable[tuple[str, str]], prose: Mapping[str, str]) -> EditPlan:
    """Plan what changes in texts when files or folders move from old to new paths; somebody else moves them.

    An entity whose file gets a name that begins with another id of its type gets that id, as by `rename`. Paths in
    YAML and in `prose` (texts of Markdown files and templates by path) follow.

    Raises:
        AlreadyExistsError: an entity has the new id already.
        ConflictError: several files claim the id, or a file can't be changed without changing something else.

    """
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    warnings: list[str] = []
    texts = dict(prose)
    for old, new in moves:
        plan = _move(snapshot, old, new, texts)
        for path, text in plan.after.items():
            before.setdefault(path, plan.before[path])
            after[path] = text
        warnings += plan.warnings
        texts |= {path: text for path, text in plan.after.items() if path in texts}
        changed = {path: text for path, text in plan.after.items() if path in snapshot.documents}
        snapshot = snapshot.with_changes({path: _document(path, text) for path, text in changed.items()})
    return EditPlan(before, after, warnings=tuple(dict.fromkeys(warnings)))


def _document(path: str, text: str) -> Document:
    return read_yaml(path, text) if path.endswith(YAML_SUFFIXES) else Document(path, text)


def _move(snapshot: Snapshot, old: str, new: str, prose: Mapping[str, str]) -> EditPlan:
    entity = snapshot.by_path.get(old)
    if entity is not None and snapshot.schemas.type_of_path(new) == entity.type and _begins_with(old, entity.id):
        identifier = id_in_name(snapshot, entity.type, stem(new))
        if identifier is not None and identifier != entity.id and not _begins_with(new, entity.id):
            plan = rename(snapshot, entity.id, identifier, prose, path=old, new_path=new)
            return EditPlan(plan.before, plan.after, warnings=plan.warnings)
    # A folder is named where a path leads into it; its name alone may be any word.
    is_folder = any(path.startswith(f"{old}/") for path in (*snapshot.documents, *prose))
    end = "(?=/)" if is_folder else r"(?![\w/-])"
    # A path may begin with `./` or climb to the root, and is no part of a longer one.
    pattern = re.compile(rf"(?<![\w./-])(?P<climb>(?:\.{{1,2}}/)*){re.escape(old)}{end}")
    words = _Paths(pattern, new)
    warnings: list[str] = []
    texts = dict(in_yaml(snapshot, old, words, warnings))
    texts |= {path: words.replace(text) for path, text in prose.items() if path not in snapshot.documents}
    known = {path: document.text for path, document in snapshot.documents.items()} | dict(prose)
    after = {path: text for path, text in texts.items() if text != known[path]}
    return EditPlan({path: known[path] for path in after}, after, warnings=tuple(warnings))


def _begins_with(path: str, identifier: str) -> bool:
    rest = stem(path).removeprefix(identifier)
    return rest != stem(path) and (not rest or rest[0] in "-.")


class _Paths(Words):
    """Replaces one path, and keeps what climbs to the root before it."""

    def __init__(self, pattern: re.Pattern[str], new: str) -> None:
        super().__init__({}, pattern)
        self._new = new

    def replace(self, text: str) -> str:
        return self._pattern.sub(lambda match: f"{match['climb']}{self._new}", text)
