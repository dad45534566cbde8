"""A repository that hosts write marks into, and what must hold of its files whatever was killed."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final, cast

import yaml12

from tests.support.obedience import MARK
from tests.support.repositories import copy_example

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.client import Json
    from tests.support.host import Mark

SCRIPT: Final = "require('fs').appendFileSync('marks.txt', process.argv[2] + '\\n');"
PACKAGE: Final = {"scripts": {"mark": "node mark.cjs"}}


class MarkedRepository:
    """The example repository, with a script that writes a mark."""

    def __init__(self, root: Path) -> None:
        """Make it in a new folder."""
        self.root = copy_example(root)
        (root / "package.json").write_text(json.dumps(PACKAGE), "utf-8")
        (root / "mark.cjs").write_text(SCRIPT, "utf-8")
        self._before = self._files()

    def compare(self, marks: Mapping[int, Mark]) -> None:
        """See that each file is as it was, but for whole changes that somebody has allowed, each made once.

        Only while nothing is written.
        """
        # A journal that was never finished is of no use to anybody, and goes after a minute.
        left = [path.name for path in self.root.glob(".ckit-*") if path.suffix != ".tmp"]
        assert not left, "a change was neither completed nor taken back"
        found = self._files()
        assert self._before.keys() <= found.keys()
        entities = {path: cast("Json", yaml12.parse_yaml(data.decode())) for path, data in found.items()}
        new = {value["id"]: value for path, value in entities.items() if path not in self._before}
        for path, data in self._before.items():
            if data != found[path]:
                _compare_entity(cast("Json", yaml12.parse_yaml(data.decode())), entities[path])
        for identifier, task in new.items():
            assert task.keys() == {"id", "title", "status", "related"}
            feature = next(each for each in entities.values() if each["id"] == task["related"]["feature"])
            assert identifier in feature["tasks"]
        known = {entity["id"] for entity in entities.values()}
        for entity in entities.values():
            assert set(entity.get("tasks", [])) <= known
        self._compare_marks(found, marks)

    def _compare_marks(self, found: Mapping[str, bytes], marks: Mapping[int, Mark]) -> None:
        ran = self.root / "marks.txt"
        texts = [*(data.decode() for data in found.values()), ran.read_text("utf-8") if ran.exists() else ""]
        forms: defaultdict[int, list[str]] = defaultdict(list)
        for text in texts:
            for number, form in MARK.findall(text):
                forms[int(number)].append(form)
        assert forms.keys() <= marks.keys()
        for number, mark in marks.items():
            times = [*forms[number], *mark.calls]
            assert len(times) <= 1, f"mark {number} was made {len(times)} times: {mark}"
            assert set(times) <= mark.allowed, f"mark {number} was made in the form {times!r}: {mark}"
            assert times or not mark.made, f"mark {number} is not there: {mark}"

    def _files(self) -> dict[str, bytes]:
        folder = self.root / "contexts"
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _compare_entity(before: Json, after: Json) -> None:
    """Nothing but tasks and marks may have been added."""
    field = "tasks" if "tasks" in before else "notes"
    old: list[str] = before.get(field, [])
    new: list[str] = after[field]
    assert {**before, field: new} == after
    assert new[: len(old)] == old
    assert field == "tasks" or all(MARK.match(each) for each in new[len(old) :])
