"""Structured logs through structlog: JSON or text, to standard error or a file, with request ids and redaction.

Modules log with the standard library. Records travel through a bounded queue to a thread of their own, so that
neither the event loop nor a worker ever waits for whoever reads standard error; structlog is imported by that thread
when the first record comes, because its import costs more than the rest of the daemon's own start-up code.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

import orjson

from ckit_daemon.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import TracebackType

    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import EventDict, WrappedLogger

    from ckit_daemon.settings import LogSettings

logger = logging.getLogger(__name__)

MAX_QUEUED_RECORDS = 10_000
CLOSE_SECONDS = 0.3

_request: ContextVar[dict[str, object] | None] = ContextVar("ckit_request", default=None)


def bind_request(**fields: object) -> None:
    """Add fields (request id, method) to every record that the current task and its threads will log."""
    _request.set(fields)


class Logs:
    """The logging of one daemon, from `start` to `close`."""

    def __init__(self, settings: LogSettings, stream: IO[str] | None = None) -> None:
        """Prepare logging to `stream`, or to what the settings name.

        Raises:
            OSError: the log file can't be opened.
        """
        self._settings = settings
        self._file = None if stream is not None else _opened(settings.file)
        self._sink = _Sink(stream or self._file or sys.stderr)
        self._sink.setFormatter(_LazyFormatter(settings.format))
        self._handler = _QueueHandler(queue.Queue(MAX_QUEUED_RECORDS))
        self._thread = threading.Thread(target=self._write, name="ckit-logs", daemon=True)
        self._hooks = sys.excepthook, threading.excepthook, sys.unraisablehook

    def start(self) -> None:
        """Take over the root logger."""
        root = logging.getLogger()
        root.addHandler(self._handler)
        root.setLevel(self._settings.level.upper())
        # pygls logs whole messages, params included; what matters of it is logged by the transport.
        logging.getLogger("pygls").setLevel(logging.CRITICAL)
        logging.captureWarnings(capture=True)
        # What Python prints of exceptions that nobody caught goes past the redaction.
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread
        sys.unraisablehook = _log_unraisable
        self._thread.start()

    def follow(self, settings: LogSettings) -> None:
        """Go on with other settings.

        Raises:
            OSError: the log file can't be opened; nothing has changed then.
        """
        before = self._settings
        if settings.file != before.file:
            former, self._file = self._file, _opened(settings.file)
            self._sink.setStream(self._file or sys.stderr)
            if former is not None:
                former.close()
        if settings.format != before.format:
            self._sink.setFormatter(_LazyFormatter(settings.format))
        logging.getLogger().setLevel(settings.level.upper())
        self._settings = settings

    def close(self) -> None:
        """Write what is queued, within a bounded time, and let go of the root logger."""
        logging.getLogger().removeHandler(self._handler)
        logging.captureWarnings(capture=False)
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._hooks
        if self._handler.dropped:
            self._handler.emit(
                logging.makeLogRecord(
                    {
                        "name": __name__,
                        "levelno": logging.WARNING,
                        "levelname": "WARNING",
                        "msg": f"{self._handler.dropped} log records were dropped",
                    }
                )
            )
        self._handler.stop()
        self._thread.join(CLOSE_SECONDS)
        if self._file is not None and not self._thread.is_alive():
            self._file.close()

    def _write(self) -> None:
        while (record := self._handler.next()) is not None:
            self._sink.handle(record)


def _opened(file: str) -> IO[str] | None:
    return Path(file).open("a", encoding="utf-8") if file else None


class _Sink(logging.StreamHandler[IO[str]]):
    """Says of a record that can't be written no more than where it comes from; Python would print all of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name.
        error = sys.exc_info()[1]
        with suppress(OSError, ValueError):
            self.stream.write(f"a record of {record.name} can't be logged: {type(error).__name__}\n")


class _QueueHandler(logging.Handler):
    """Notes the request that a record belongs to and queues it; never waits."""

    def __init__(self, records: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__()
        self._records = records
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        record.__dict__.update(_request.get() or {})
        try:
            self._records.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def next(self) -> logging.LogRecord | None:
        return self._records.get()

    def stop(self) -> None:
        try:
            self._records.put_nowait(None)
        except queue.Full:
            # The thread hangs on a reader that does not read; it is a daemon thread and ends with the process.
            return


class _LazyFormatter(logging.Formatter):
    """Formats with structlog, which is imported when there is something to format."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    @cached_property
    def _inner(self) -> ProcessorFormatter:
        structlog = _import_structlog()
        redactor = Redactor()

        def redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
            return redactor.mapping({**event})

        def dumps(event: MutableMapping[str, object], **_: object) -> str:
            return orjson.dumps(event, default=str).decode()

        renderer = (
            structlog.processors.JSONRenderer(serializer=dumps)
            if self._kind == "json"
            else structlog.dev.ConsoleRenderer(colors=False)
        )
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                renderer,
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        return self._inner.format(record)


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logger.critical("an exception was not caught", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _import_structlog():  # noqa: ANN202 - a module's type can't be written down.
    # structlog imports rich where it finds it, for coloured tracebacks that this process never prints; without
    # rich its import takes 60 instead of 260 ms.
    hidden = "rich" not in sys.modules
    if hidden:
        sys.modules["rich"] = None  # type: ignore[assignment] - the documented way to make an import fail.
    try:
        import structlog  # noqa: PLC0415 - see the module's docstring.
        import structlog.dev  # noqa: PLC0415
    finally:
        if hidden:
            del sys.modules["rich"]
    return structlog
