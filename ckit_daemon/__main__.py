"""Starts the daemon: command line and process set-up."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys

SWITCH_INTERVAL_SECONDS = 0.001
"""Threads that compute let the event loop have its turn after a millisecond instead of five."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    from ckit_daemon import __version__  # noqa: PLC0415 - imports come after the collector is off.

    result = argparse.ArgumentParser(
        prog="ckit-daemon", description="Serves context repositories over LSP on standard input and output."
    )
    result.add_argument("--version", action="version", version=f"ckit-daemon {__version__}")
    result.add_argument("--stdio", action="store_true", help="accepted for editors; stdio is the only transport")
    result.add_argument("--clientProcessId", type=int, metavar="PID", help="end when this process ends")
    result.add_argument("--log-level", choices=("debug", "info", "warning", "error"), help="lowest level to log")
    result.add_argument("--log-file", metavar="FILE", help="append the log to a file instead of standard error")
    return result


def main() -> None:
    """Run the daemon and end the process with its exit code."""
    # Taken first, so that a parent that dies while the daemon starts is missed as well.
    parent = os.getppid()
    arguments = parser().parse_args()
    from ckit_daemon.stdio import take_over  # noqa: PLC0415 - `--version` and `--help` need standard output.

    read_fd, write_fd = take_over()
    # Nothing that start-up allocates is garbage: collecting would only cost time, now and on every full collection.
    gc.disable()
    from ckit_daemon.app import App  # noqa: PLC0415
    from ckit_daemon.config import load  # noqa: PLC0415
    from ckit_daemon.logs import Logs  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    options = {"level": arguments.log_level, "file": arguments.log_file}
    configuration = load().with_client({"log": {k: v for k, v in options.items() if v is not None}})
    try:
        logs = Logs(configuration.settings.log)
    except OSError as error:
        sys.stderr.write(f"ckit-daemon: the log file can't be opened: {error.strerror}\n")
        sys.exit(2)
    logs.start()

    async def serve() -> int:
        app = App(configuration, client_pid=arguments.clientProcessId, own_process=True, parent=parent, logs=logs)
        return await app.serve(read_fd, write_fd)

    try:
        code = asyncio.run(serve())
    except Exception as error:  # noqa: BLE001 - Python itself would print all of it, past the redaction.
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    logs.close()
    sys.stderr.flush()
    # Worker threads may still compute for a client that is gone; the interpreter would wait for them.
    os._exit(code)


if __name__ == "__main__":
    main()
