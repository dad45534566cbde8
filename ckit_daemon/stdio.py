"""The two ends of the connection: a thread that reads and a writer that never lets its callers wait.

`take_over` gives the process private duplicates of standard input and output and points the public ones elsewhere, so
that a stray print, a library or a child process can neither write into the wire nor read from it.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.framing import Frame, Framer

logger = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
WRITE_BATCH_BYTES = 1024 * 1024
DIRECT_BYTES: int = getattr(select, "PIPE_BUF", 0)
"""A pipe that polls writable takes so many bytes without blocking (POSIX); Windows can't tell."""
HANGUP_POLL_SECONDS = 0.2


def take_over() -> tuple[int, int]:
    """Return private descriptors of standard input and output; afterwards 0 reads nothing and 1 is standard error."""
    read_fd, write_fd = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists on Windows only.

        for fd in (read_fd, write_fd):
            msvcrt.setmode(fd, os.O_BINARY)
    return read_fd, write_fd


class Writer:
    """Owns the way out. Messages leave whole and in the order of the calls; callers never wait for the client."""

    def __init__(self, fd: int, on_broken: Callable[[], None]) -> None:
        self._fd = fd
        self._on_broken = on_broken
        self._queue: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._poll = _poller(fd, "POLLOUT")
        self._busy = False
        self._closing = False
        self.broken = False
        self.buffered = 0
        self.bytes_written = 0
        self._thread = threading.Thread(target=self._run, name="ckit-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Send bytes now or queue them; bytes for a connection that is gone are dropped."""
        with self._changed:
            if self.broken or self._closing:
                return
            if not self._busy and not self._queue and len(data) <= DIRECT_BYTES and self._writable():
                # Handing over to the thread would cost more than the write itself.
                self._write_all(data)
                return
            self._queue.append(data)
            self.buffered += len(data)
            self._changed.notify_all()

    def wait_below(self, limit: int, timeout: float) -> bool:
        """Wait until fewer than `limit` bytes are queued; False when the timeout came first."""
        with self._changed:
            return self._changed.wait_for(lambda: self.broken or self.buffered < limit, timeout)

    def close(self, timeout: float) -> None:
        """Write out what is queued, if the client reads it within the timeout (seconds)."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing or self.broken)
                if not self._queue or self.broken:
                    return
                batch = bytearray()
                while self._queue and len(batch) < WRITE_BATCH_BYTES:
                    batch += self._queue.popleft()
                self._busy = True
            self._write_all(batch)
            with self._changed:
                self.buffered -= len(batch)
                self._busy = False
                self._changed.notify_all()

    def _write_all(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        try:
            while view:
                written = os.write(self._fd, view)
                self.bytes_written += written
                view = view[written:]
        except OSError:
            self._break()

    def _break(self) -> None:
        self.broken = True
        self._queue.clear()
        self._on_broken()

    def _writable(self) -> bool:
        return self._poll is not None and bool(self._poll.poll(0))


class Reader:
    """Reads frames in a thread of its own and hands them to a callback in that thread.

    While the callback says that it can't take more, nothing is read, so that memory stays bounded; a client that goes
    away meanwhile is noticed all the same.
    """

    def __init__(
        self,
        fd: int,
        framer: Framer,
        deliver: Callable[[list[Frame]], None],
        has_room: Callable[[float], bool],
        on_end: Callable[[], None],
        patience: Callable[[], float],
    ) -> None:
        """Prepare to read.

        Args:
            fd: what is read.
            framer: cuts it into frames.
            deliver: takes them.
            has_room: waits for so many seconds until more can be taken, and says whether it can.
            on_end: is called when there is no more to read.
            patience: says how many seconds to wait for the rest of a message that is complete but for its length.
        """
        self._fd = fd
        self._framer = framer
        self._deliver = deliver
        self._has_room = has_room
        self._on_end = on_end
        self._lock = threading.Lock()
        self._hangup = _poller(fd, "POLLHUP")
        self._patience = patience
        self._last_read = 0.0
        self.bytes_read = 0
        self._thread = threading.Thread(target=self._run, name="ckit-reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def tick(self) -> None:
        """Called now and then, to give up on the rest of a message that is complete but for its length."""
        with self._lock:
            idle = time.monotonic() - self._last_read >= self._patience()
            frames = list(self._framer.expire()) if idle else []
        if frames:
            self._deliver(frames)

    def _run(self) -> None:
        try:
            while data := os.read(self._fd, READ_BYTES):
                with self._lock:
                    self._last_read = time.monotonic()
                    self.bytes_read += len(data)
                    frames = list(self._framer.feed(data))
                if frames:
                    self._deliver(frames)
                while not self._has_room(HANGUP_POLL_SECONDS):
                    if self._client_is_gone():
                        return
        except OSError as error:
            logger.info("standard input can't be read any more: %s", error.strerror)
        finally:
            self._on_end()

    def _client_is_gone(self) -> bool:
        return self._hangup is not None and bool(self._hangup.poll(0))


if sys.platform == "win32":

    def _poller(fd: int, event: str) -> None:
        """Windows can't poll pipes: every write goes through the thread, and the parent's end is watched instead."""

else:

    def _poller(fd: int, event: str) -> select.poll | None:
        poll = select.poll()
        poll.register(fd, getattr(select, event))
        return poll
