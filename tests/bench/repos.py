"""Context repositories of any size: the example that ships with ckit, many times over under other ids."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
EXAMPLE: Final = PROJECT / "ckit_daemon" / "example"
CACHE: Final = PROJECT / ".cache" / "bench"

_ID_LINE = re.compile(r"^id: *(\S+)$", re.MULTILINE)
_NUMBERED = re.compile(r"([A-Z]+)-(\d+)")
_FILLER = """\
id: {id}
title: Tidy the shelf marks of branch {number}
status: todo
owner: "@tomas"
doneCriteria:
  - Unit tests pass
"""


@dataclass(frozen=True, slots=True)
class BenchRepository:
    """A repository on disk; `entities` counts all but the constitution."""

    root: Path
    entities: int
    feature: str = "FEAT-001"
    """Id of a feature in the middle of things, whose impact is asked for."""

    @property
    def edited(self) -> Path:
        """A file that the benchmark may change, if it puts it back."""
        return next((self.root / "contexts" / "tasks").glob("T-001-*.yaml"))


def repository_of(entities: int, folder: Path | None = None) -> BenchRepository:
    """Make a repository of exactly so many entities, or return the one that is there already."""
    sources = sorted(path for path in EXAMPLE.rglob("*") if path.is_file() and not _is_private(path))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (*sources, Path(__file__)))).hexdigest()[:8]
    root = (folder or CACHE / "repositories") / f"{entities}-{digest}"
    if not root.exists():
        unfinished = root.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        for source in sources:
            target = unfinished / source.relative_to(EXAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not _is_scaled(source):
                target.write_bytes(source.read_bytes())
        _write_entities([path for path in sources if _is_scaled(path)], unfinished, entities)
        _make_old(unfinished)
        unfinished.rename(root)
    return BenchRepository(root, entities)


def _is_private(path: Path) -> bool:
    return "__pycache__" in path.parts or "generated" in path.relative_to(EXAMPLE).parts


def _is_scaled(path: Path) -> bool:
    parts = path.relative_to(EXAMPLE).parts
    return parts[0] == "contexts" and parts[1] != "governance"


def _write_entities(sources: list[Path], root: Path, entities: int) -> None:
    texts = {path.relative_to(EXAMPLE): path.read_text(encoding="utf-8") for path in sources}
    ids = [match.group(1) for text in texts.values() if (match := _ID_LINE.search(text))]
    longest_first = sorted(ids, key=len, reverse=True)
    mention = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    copies, rest = divmod(entities, len(texts))
    for copy in range(copies):
        for path, text in texts.items():
            # The first copy keeps its ids, because documents and settings of the example mention them.
            name, content = ((mention.sub(lambda m: _renamed(m[0], copy), part)) for part in (path.name, text))  # noqa: B023
            (root / path).with_name(name).write_text(content, encoding="utf-8", newline="\n")
    for number in range(rest):
        filler = f"T-9{number:05d}0"
        path = root / "contexts" / "tasks" / f"{filler}.yaml"
        path.write_text(_FILLER.format(id=filler, number=number + 1), encoding="utf-8", newline="\n")


def _renamed(entity: str, copy: int) -> str:
    if copy == 0:
        return entity
    numbered = _NUMBERED.fullmatch(entity)
    return f"{numbered[1]}-{copy}{numbered[2]}" if numbered else f"{entity}-{copy}"


def _make_old(root: Path) -> None:
    """Set every file's time back: what was written a moment ago no cache may trust."""
    then = time.time() - 3600
    for path in root.rglob("*"):
        os.utime(path, (then, then))
