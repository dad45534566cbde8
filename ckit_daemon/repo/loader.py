"""From files to documents: reads what changed, keeps what did not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ckit_daemon.core import layout
from ckit_daemon.core.collector import paused_collector
from ckit_daemon.core.document import Document, read_yaml, unreadable
from ckit_daemon.core.errors import ContentRejectedError, PathNotAllowedError
from ckit_daemon.repo.files import FileReader, Stamp, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.progress import Progress

RACY_NS: Final = 2_000_000_000
"""A file that was written less than this before it was read may be written again within the same tick of the file
system's clock (2 s on FAT), so that its stamp says nothing."""
_BATCH: Final = 100
_PAUSE_SECONDS: Final = 50e-6


class Entry(NamedTuple):
    """A document with the state of its file when it was read."""

    stamp: Stamp | None
    """None for what is not worth a second look at its stamp: a file that could not be read."""
    read_ns: int
    document: Document

    def is_current(self, stamp: Stamp) -> bool:
        """Whether a file with this stamp surely still says what the document says."""
        return self.stamp == stamp and max(stamp.modified_ns, stamp.changed_ns) + RACY_NS < self.read_ns


@dataclass(slots=True)
class LoadStatistics:
    """What one load had to do."""

    files: int = 0
    read: int = 0
    parsed: int = 0
    seconds: float = 0.0
    cache_rejected: int = 0
    """Parts of the parse cache that were damaged or of another version."""


class Loader:
    """Turns stamped files into entries."""

    def __init__(self, reader: FileReader) -> None:
        self._reader = reader

    def load(
        self, found: Mapping[str, Stamp], known: Mapping[str, Entry], progress: Progress, statistics: LoadStatistics
    ) -> dict[str, Entry]:
        """Return the entries of all `found` files, from `known` where it is current. Files that vanish are left out.

        Raises:
            OperationCancelledError: `progress` says so.
        """
        entries: dict[str, Entry] = {}
        pending = list(found.items())
        statistics.files += len(pending)
        with paused_collector():
            for start in range(0, len(pending), _BATCH):
                progress.report(start, len(pending), "Reading files")
                stale: list[str] = []
                for path, stamp in pending[start : start + _BATCH]:
                    entry = known.get(path)
                    if entry is not None and entry.is_current(stamp):
                        entries[path] = entry
                    else:
                        stale.append(path)
                if stale:
                    # Long loops of small calls starve other threads of the interpreter lock; a real wait hands it over.
                    time.sleep(_PAUSE_SECONDS)
                # Reading many and then parsing many takes a quarter less than taking turns: caches stay warm.
                for path, fetched in [(path, self._fetch(path)) for path in stale]:
                    entry = _interpret(path, fetched, known.get(path), statistics)
                    if entry is not None:
                        entries[path] = entry
        return entries

    def read(self, path: str, known: Entry | None, statistics: LoadStatistics) -> Entry | None:
        """Read one file; a file with the text that is `known` keeps its document. None where the file is gone."""
        return _interpret(path, self._fetch(path), known, statistics)

    def _fetch(self, path: str) -> _Fetched | Document | None:
        read_ns = time.time_ns()
        try:
            data, stamp = self._reader.read_real(f"{self._reader.root}/{path}", path)
            return _Fetched(read_ns, stamp, decode(data, path))
        except FileNotFoundError:
            return None
        except ContentRejectedError as error:
            return unreadable(path, str(error.details["reason"]), error.message)
        except PathNotAllowedError as error:
            return unreadable(path, "file.unreadable", error.message)
        except OSError as error:
            return unreadable(path, "file.unreadable", f"{path!r} can't be read: {error.strerror}.")


class _Fetched(NamedTuple):
    read_ns: int
    stamp: Stamp
    text: str


def _interpret(
    path: str, fetched: _Fetched | Document | None, known: Entry | None, statistics: LoadStatistics
) -> Entry | None:
    if fetched is None:
        return None
    statistics.read += 1
    if isinstance(fetched, Document):
        return same_or(known, fetched)
    if known is not None and known.document.text == fetched.text and not known.document.failures:
        return Entry(fetched.stamp, fetched.read_ns, known.document)
    statistics.parsed += 1
    return Entry(fetched.stamp, fetched.read_ns, document_of(path, fetched.text))


def document_of(path: str, text: str) -> Document:
    """Make the document of a source file from its text."""
    return read_yaml(path, text) if path.lower().endswith(layout.YAML_SUFFIXES) else Document(path, text)


def same_or(known: Entry | None, document: Document) -> Entry:
    """An entry for a file that can't be read: the known one if it fails in the same way, so that nothing changes."""
    if known is not None and known.document.failures == document.failures:
        return known
    return Entry(None, 0, document)
