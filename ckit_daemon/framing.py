"""LSP base protocol framing (LSP 3.17, Base Protocol): bytes in, JSON documents and complaints out.

Lenient where the meaning is clear (header names in any case, bare line feeds), and able to find its place again after
a header or length that is wrong: it looks for the next Content-Length header.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckit_daemon.core.json import JsonValue

MAX_HEADER_BYTES = 16 * 1024
SKIPPABLE_FACTOR = 64
"""Oversized bodies up to this many times the limit are skipped; a longer one means that the stream is lost."""

MAX_PARTIAL_NAME = 32

HEADER_END = re.compile(rb"\r?\n\r?\n")
HEADER_START = re.compile(rb"content-length[ \t]*:", re.IGNORECASE)
CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)
LENGTH = re.compile(r"\d{1,18}")
ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape in a JSON string, a whole surrogate pair taken together; the group is half of one."""


@dataclass(frozen=True, slots=True)
class Message:
    """One JSON document and its size in bytes."""

    value: JsonValue
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not a message; `fatal` when nothing after it can be trusted."""

    code: Literal["parse_error", "invalid_request", "limit_exceeded"]
    message: str
    fatal: bool = False


Frame = Message | Fault


class Framer:
    """Cuts a stream of bytes into frames; its memory is bounded by the largest allowed message."""

    def __init__(self, max_body_bytes: Callable[[], int]) -> None:
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._need: int | None = None
        self._skip = 0
        self._lost = False
        self._suspect = False

    @property
    def waiting(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._need is not None or bool(self._buffer) or self._skip > 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes as they come, in pieces of any size, and yield the frames that they complete."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame
            if isinstance(frame, Fault) and frame.fatal:
                return

    def expire(self) -> Iterator[Frame]:
        """Give up on a Content-Length that is too large: what came is a whole JSON document and no more follows."""
        if self._need is None or not self._buffer or _parse(bytes(self._buffer)) is None:
            return
        need, got = self._need, len(self._buffer)
        self._buffer.clear()
        self._need = None
        yield Fault("parse_error", f"Content-Length says {need} bytes, but the message has {got}.")

    def _next(self) -> Frame | None:
        if self._skip:
            cut = min(self._skip, len(self._buffer))
            del self._buffer[:cut]
            self._skip -= cut
        if self._skip or (self._lost and not self._resynchronise()):
            return None
        if self._need is None:
            fault = self._header()
            if fault is not None:
                return fault
        return self._body()

    def _header(self) -> Fault | None:
        """Read a header if there is a whole one; sets what the body needs."""
        # Blank lines between messages belong to nobody and do no harm.
        del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        if not self._buffer:
            return None
        end = HEADER_END.search(self._buffer, 0, MAX_HEADER_BYTES)
        if end is None:
            if len(self._buffer) < MAX_HEADER_BYTES and self._buffer[:1].isalpha():
                return None
            return self._lose(_HeaderError("Expected a header with Content-Length.", restart=True), 1)
        try:
            length = _content_length(bytes(self._buffer[: end.start()]))
        except _HeaderError as error:
            return self._lose(error, end.end())
        del self._buffer[: end.end()]
        self._suspect = False
        limit = self._max_body_bytes()
        if length > limit * SKIPPABLE_FACTOR:
            message = f"Content-Length {length} is beyond all measure; the connection can't go on."
            return Fault("limit_exceeded", message, fatal=True)
        if length > limit:
            self._skip = length
            return Fault("limit_exceeded", f"The message has {length} bytes; the limit is {limit}.")
        self._need = length
        return None

    def _lose(self, error: _HeaderError, end: int) -> Fault | None:
        """Drop a broken header, and complain unless it is the rest of a message that was complained about."""
        start = HEADER_START.search(self._buffer, 0, end) if error.restart else None
        del self._buffer[: start.start() if start is not None and start.start() > 0 else end]
        self._lost = True
        if self._suspect:
            return self._header() if self._resynchronise() else None
        self._suspect = True
        return Fault("parse_error", error.message)

    def _resynchronise(self) -> bool:
        found = HEADER_START.search(self._buffer)
        if found is None:
            # The tail may hold the first half of the next header's name.
            del self._buffer[: max(0, len(self._buffer) - MAX_PARTIAL_NAME)]
            return False
        del self._buffer[: found.start()]
        self._lost = False
        return True

    def _body(self) -> Frame | None:
        if self._need is None or len(self._buffer) < self._need:
            return None
        size = self._need
        body = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        self._need = None
        if (parsed := _parse(body)) is not None:
            return Message(parsed.value, size)
        # A length that is too large has swallowed the beginning of the next header. What stands before that is then
        # a JSON document of its own, which it can't be inside a string of the document: nothing is smuggled in.
        end = _document_end(body)
        if end and _begins_header(body[end:].lstrip()) and (parsed := _parse(body[:end])) is not None:
            self._buffer[:0] = body[end:]
            return Message(parsed.value, size)
        # A length that is too small leaves the rest of the document behind: that is no second mistake.
        self._suspect = True
        return Fault("parse_error", "The message is not valid JSON in UTF-8.")


class _HeaderError(Exception):
    """A header without a usable length; `restart`: a good header may begin inside of it."""

    def __init__(self, message: str, *, restart: bool) -> None:
        super().__init__(message)
        self.message = message
        self.restart = restart


@dataclass(frozen=True, slots=True)
class _Parsed:
    value: JsonValue


def _content_length(header: bytes) -> int:
    lengths: set[str] = set()
    for line in header.decode("latin-1").splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            raise _HeaderError("A header line has no colon.", restart=True)
        field = name.strip().lower()
        if field == "content-length":
            lengths.add(value.strip())
        elif field == "content-type":
            charset = CHARSET.search(value)
            if charset and charset.group(1).lower() not in {"utf-8", "utf8"}:
                raise _HeaderError("The only charset is utf-8.", restart=False)
    if not lengths:
        raise _HeaderError("The header has no Content-Length.", restart=True)
    text = lengths.pop()
    if lengths or not LENGTH.fullmatch(text):
        raise _HeaderError("Content-Length must be one natural number.", restart=False)
    return int(text)


def _parse(data: bytes) -> _Parsed | None:
    try:
        return _Parsed(orjson.loads(data))
    except orjson.JSONDecodeError:
        pass
    # Editors cut texts in the middle of a character, and JavaScript then sends half of a surrogate pair. As all that
    # write UTF-8 do, we put U+FFFD in its place, which takes up as much room in UTF-16.
    whole = ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], data)
    if whole == data:
        return None
    try:
        return _Parsed(orjson.loads(whole))
    except orjson.JSONDecodeError:
        return None


def _document_end(data: bytes) -> int:
    """Return where the first JSON document ends, 0 when there is none."""
    try:
        text = data.decode()
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return 0
    return len(text[:end].encode())


def _begins_header(data: bytes) -> bool:
    name = b"content-length"
    return bool(data) and data[: len(name)].lower() == name[: len(data)]
