"""The child process that holds a vector store: reads calls from standard input and answers on standard output.

It ends when its input does, so that it never outlives the daemon for longer than one call takes.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

import msgspec

from ckit_daemon.services.rag.store.calls import (
    CALLS,
    LENGTH,
    Add,
    Answer,
    Delete,
    Done,
    Drop,
    Failed,
    Get,
    Known,
    Open,
    Query,
)
from ckit_daemon.services.rag.store.embedded import EmbeddedStore
from ckit_daemon.services.rag.store.server import ServerStore

if TYPE_CHECKING:
    from typing import BinaryIO

    from ckit_daemon.services.rag.store.calls import Call, Found, Ids, Nearest, Opened


class Store(Protocol):
    """A collection of vectors."""

    def open(self, call: Open) -> Opened:
        """Open it, or begin it."""
        ...

    def known(self, call: Known) -> Ids:
        """Say which of some ids are there."""
        ...

    def add(self, call: Add) -> Done:
        """Add vectors, or replace them."""
        ...

    def delete(self, call: Delete) -> Done:
        """Delete vectors."""
        ...

    def query(self, call: Query) -> Nearest:
        """Find the nearest vectors."""
        ...

    def get(self, call: Get) -> Found:
        """Read vectors."""
        ...

    def drop(self, call: Drop) -> Done:
        """Delete everything."""
        ...

    def explain(self, error: BaseException) -> Failed:
        """Say what an error of the store means."""
        ...

    def close(self) -> None:
        """Let go of its files."""
        ...


def main() -> None:
    """Answer calls until there are no more."""
    # Whatever prints something must not print it into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
    # All files are closed; to take the libraries down takes up to a second, and the daemon waits.
    os._exit(0)


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer each call of a stream in order; the first one must be `Open`."""
    store: Store | None = None
    try:
        while head := calls.read(LENGTH.size):
            call = CALLS.decode(calls.read(LENGTH.unpack(head)[0]))
            if isinstance(call, Open):
                store = ServerStore() if call.url else EmbeddedStore()
            if store is None:
                raise AssertionError("a store must be opened first")
            answer = msgspec.msgpack.encode(_answer(store, call))
            answers.write(LENGTH.pack(len(answer)) + answer)
            answers.flush()
    finally:
        if store is not None:
            store.close()


def _answer(store: Store, call: Call) -> Answer:
    try:
        return _obey(store, call)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of Rust is no Exception; the store knows what each means.
        return store.explain(error)


def _obey(store: Store, call: Call) -> Answer:
    match call:
        case Open():
            return store.open(call)
        case Known():
            return store.known(call)
        case Add():
            return store.add(call)
        case Delete():
            return store.delete(call)
        case Query():
            return store.query(call)
        case Get():
            return store.get(call)
        case Drop():
            return store.drop(call)
        case _:
            raise AssertionError(call)


if __name__ == "__main__":
    main()
