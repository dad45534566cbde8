"""The parse cache: what a repository's files say, kept between runs in one file of the user's cache folder.

The file is a line of JSON that names its format, then lines of a checksum and a JSON array of rows. It is only a
cache: what is damaged, foreign or of another version is dropped and read from the source files again.
"""

from __future__ import annotations

import os
import tempfile
import time
import zlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import orjson

from ckit_daemon.core import yaml
from ckit_daemon.core.collector import paused_collector
from ckit_daemon.core.document import Document
from ckit_daemon.core.text import Position, Range
from ckit_daemon.core.yaml import Problem
from ckit_daemon.repo.files import Stamp
from ckit_daemon.repo.loader import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeAlias

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.progress import Progress
    from ckit_daemon.core.yaml.parse import ProblemCode
    from ckit_daemon.repo.loader import LoadStatistics

    _ProblemRow: TypeAlias = tuple[ProblemCode, str, int, int, int, int]
    _Row: TypeAlias = tuple[str, tuple[int, int, int, int], int, str, JsonValue, list[_ProblemRow], bool]

_FORMAT: Final = 1
_ROWS: Final = 300
_CHECKSUM_LENGTH: Final = 9
_PAUSE_SECONDS: Final = 50e-6
_PARSERS: Final = ("py-yaml12", "rapidyaml", "tree-sitter", "tree-sitter-yaml")


class ParseCache:
    """One repository's cache file. Reading and writing never fail: without a cache there is only more to do."""

    def __init__(self, file: Path, root: Path) -> None:
        self._file = file
        self._root = os.fspath(root)

    def load(self, progress: Progress, statistics: LoadStatistics) -> dict[str, Entry]:
        """Return what the cache holds, as far as it is whole and of this version.

        Raises:
            OperationCancelledError: `progress` says so.
        """
        entries: dict[str, Entry] = {}
        try:
            with self._file.open("rb") as file, paused_collector():
                if file.readline().rstrip(b"\n") != self._header():
                    statistics.cache_rejected += 1
                    return {}
                size = os.fstat(file.fileno()).st_size
                for line in file:
                    progress.report(file.tell(), size, "Reading the parse cache")
                    # As in the loader: other threads need the interpreter too.
                    time.sleep(_PAUSE_SECONDS)
                    try:
                        _unpack(line, entries)
                    except (ValueError, TypeError):
                        statistics.cache_rejected += 1
        except FileNotFoundError:
            return {}
        except OSError:
            statistics.cache_rejected += 1
        return entries

    def save(self, entries: Mapping[str, Entry]) -> bool:
        """Write the cache anew and say whether that worked. Nobody ever sees half a file."""
        temporary: Path | None = None
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=f"{self._file.name}.")
            temporary = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._header() + b"\n")
                for line in _pack(entries.values()):
                    file.write(line)
                    time.sleep(_PAUSE_SECONDS)
            temporary.replace(self._file)
        except OSError:
            if temporary is not None:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            return False
        return True

    def _header(self) -> bytes:
        return orjson.dumps({"format": _FORMAT, "root": self._root, "parsers": _parsers()})


def _parsers() -> list[str | int]:
    # Beside the libraries our own part of the reading counts: its source says which version that is.
    own = (Path(folder) for folder in yaml.__path__)
    sources = sorted(source for folder in own for source in folder.glob("*.py"))
    checksum = 0
    for source in sources:
        checksum = zlib.crc32(source.read_bytes(), checksum)
    return [*(version(name) for name in _PARSERS), checksum]


def _pack(entries: Iterable[Entry]) -> Iterator[bytes]:
    rows = [_row(entry) for entry in entries if entry.stamp is not None]
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        packed = _dump(part)
        if packed is None:
            packed = b"[" + b",".join(single[1:-1] for row in part if (single := _dump([row])) is not None) + b"]"
        packed += b"\n"
        yield b"%08x " % zlib.crc32(packed) + packed


def _dump(rows: list[_Row]) -> bytes | None:
    """Pack rows; None where JSON can't hold a value: infinity, not-a-number, an integer of more than 64 bits."""
    try:
        packed = orjson.dumps(rows)
    except TypeError:
        return None
    read = cast("list[list[JsonValue]]", orjson.loads(packed))
    same = all(after[4] == before[4] for before, after in zip(rows, read, strict=True))
    return packed if same else None


def _row(entry: Entry) -> _Row:
    document = entry.document
    problems: list[_ProblemRow] = [
        (problem.code, problem.message, start.line, start.column, end.line, end.column)
        for problem in document.problems
        for start, end in [problem.range]
    ]
    # Plain tuples, since orjson takes no named ones.
    size, modified_ns, changed_ns, inode = entry.stamp or Stamp(0, 0, 0, 0)
    stamp = (size, modified_ns, changed_ns, inode)
    return (document.path, stamp, entry.read_ns, document.text, document.value, problems, document.readable)


def _unpack(line: bytes, entries: dict[str, Entry]) -> None:
    """Read one line back; raises ValueError or TypeError for what `_pack` did not write."""
    packed = memoryview(line)[_CHECKSUM_LENGTH:].toreadonly()
    if line[:_CHECKSUM_LENGTH] != b"%08x " % zlib.crc32(packed):
        raise ValueError("the checksum is wrong")
    for path, stamp, read_ns, text, value, problems, readable in cast("list[_Row]", orjson.loads(packed)):
        document = Document(path, text, value, _problems(problems) if problems else (), readable)
        entries[path] = Entry(Stamp._make(stamp), read_ns, document)


def _problems(rows: list[_ProblemRow]) -> tuple[Problem, ...]:
    return tuple(
        Problem(code, message, Range(Position(line, column), Position(end_line, end_column)))
        for code, message, line, column, end_line, end_column in rows
    )
