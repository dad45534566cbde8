"""Reading single files of a repository: plain files inside it only, of bounded size, in UTF-8."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ckit_daemon.core.errors import ContentRejectedError, NotFoundError, StorageError
from ckit_daemon.repo.paths import contained, normalise, refuse

if TYPE_CHECKING:
    from pathlib import Path

FileFault = Literal["file.too-large", "file.binary", "file.not-utf8", "file.unreadable"]

BOM: Final = b"\xef\xbb\xbf"
_ATTEMPTS: Final = 3
# A FIFO must not block the open, a link put in place since the check must not be followed, and no child inherits it.
_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT")
)


class Stamp(NamedTuple):
    """What the file system says about a file; two equal stamps mean, almost surely, the same content."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Take the stamp from a status; a folder scan on Windows knows neither inode nor change time."""
        if os.name == "nt":
            return cls(status.st_size, status.st_mtime_ns, 0, 0)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class FileBytes(NamedTuple):
    """A file's content and its stamp from before it was read."""

    data: bytes
    stamp: Stamp


class FileReader:
    """Reads files below one root folder, which is given with its symbolic links resolved."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self.root = root
        self.max_bytes = max_bytes

    def locate(self, path: str) -> Path:
        """Return the real place of a client's path; raises PathNotAllowedError."""
        return contained(self.root, normalise(path))

    def read(self, path: str) -> FileBytes:
        """Read the file at a client's path.

        Raises:
            PathNotAllowedError: the path leaves the repository or names no plain file.
            NotFoundError: there is no such file.
            ContentRejectedError: the file is too large or does not stop changing.
            StorageError: the system refuses to read it.
        """
        real = self.locate(path)
        try:
            # Opening a device can have effects, so it is looked at first.
            if not stat.S_ISREG(real.stat().st_mode):
                raise refuse(path, "names no plain file")
            return self.read_real(os.fspath(real), path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(f"There is no file {path!r}.", details={"kind": "file", "path": path}) from error
        except OSError as error:
            raise StorageError(f"{path!r} can't be read: {error.strerror}.", details={"path": path}) from error

    def read_real(self, real: str, path: str) -> FileBytes:
        """Read a file whose place is known to be inside the repository; raises as `read`, and OSError."""
        for _ in range(_ATTEMPTS):
            descriptor = os.open(real, _FLAGS)
            try:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise refuse(path, "names no plain file")
                data = self._read_descriptor(descriptor, before.st_size, path)
                after = os.fstat(descriptor)
            finally:
                os.close(descriptor)
            if (len(data), before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                return FileBytes(data, Stamp.of(before))
        raise rejected(path, "file.unreadable", "the file changes faster than it can be read")

    def _read_descriptor(self, descriptor: int, size: int, path: str) -> bytes:
        if size <= self.max_bytes:
            data = os.read(descriptor, size + 1)
            # One call reads a plain file whole, unless it grew or a signal came.
            while len(data) <= self.max_bytes and len(data) != size:
                more = os.read(descriptor, self.max_bytes + 1 - len(data))
                if not more:
                    break
                data += more
            size = len(data)
        else:
            data = b""
        if size > self.max_bytes:
            message = f"the file has {size} bytes, and at most {self.max_bytes} are read"
            raise rejected(path, "file.too-large", message)
        return data


def decode(data: bytes, path: str) -> str:
    """Turn a file's bytes into text, without its byte order mark and with its line endings.

    Raises:
        ContentRejectedError: the bytes are no UTF-8 text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise rejected(path, "file.not-utf8", "the file is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise rejected(path, "file.binary", "the file is binary: it holds NUL bytes")
    try:
        return data.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} in line {line}; save it as UTF-8"
        raise rejected(path, "file.not-utf8", message) from error


def rejected(path: str, fault: FileFault, message: str) -> ContentRejectedError:
    """Make the error for a file whose content is not taken."""
    return ContentRejectedError(f"{path!r} is not read: {message}.", details={"path": path, "reason": fault})
