"""Chroma on a server that a team shares; runs in the child process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from ckit_daemon.services.assistant.providers.http import is_loopback
from ckit_daemon.services.rag.store.calls import Done, Failed, Opened
from ckit_daemon.services.rag.store.chroma import DIMENSION, EMBEDDER, ChromaCollection, close, configuration, settings

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

    from ckit_daemon.services.rag.store.calls import Add, Delete, Drop, Found, Get, Ids, Known, Nearest, Open, Query

MAX_REASON = 300
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class ServerStore:
    """One collection of a server."""

    def __init__(self) -> None:
        self._client: ClientAPI | None = None
        self._opened: ChromaCollection | None = None
        self._name = ""
        self._token = ""

    def open(self, call: Open) -> Opened:
        """Open the collection, made where there is none."""
        if call.dimension is None:
            raise AssertionError("a collection on a server needs a dimension")
        self._name, self._token = call.collection, call.token
        if is_loopback(urlsplit(call.url).hostname or ""):
            for name in list(os.environ):
                if name.lower() in PROXIES:
                    del os.environ[name]
        own = settings()
        import chromadb  # noqa: PLC0415 - takes half a second, and `settings` must come first.

        # Chroma's own authentication takes either header; so do the gateways that people put before it.
        headers = {"Authorization": f"Bearer {call.token}", "X-Chroma-Token": call.token} if call.token else {}
        self._client = chromadb.HttpClient(
            host=call.url, ssl=call.url.startswith("https:"), headers=headers, settings=own
        )
        collection = ChromaCollection(
            self._client.get_or_create_collection(
                call.collection,
                configuration=configuration(),  # pyright: ignore[reportArgumentType] - a TypedDict of theirs.
                metadata={EMBEDDER: call.embedder, DIMENSION: call.dimension},
                embedding_function=None,
            )
        )
        if (collection.embedder, collection.dimension) != (call.embedder, call.dimension):
            raise MismatchError(
                f"the collection {call.collection} holds vectors of {collection.embedder or 'an unknown embedder'} "
                f"with {collection.dimension} dimensions, and those of {call.embedder} have {call.dimension}; "
                "delete it, or name another one with rag.chromaCollection"
            )
        self._opened = collection
        return Opened(ids=None, count=collection.count, dimension=call.dimension, size=0)

    def known(self, call: Known) -> Ids:
        """Say which of some ids are there."""
        return self._collection.known(call)

    def add(self, call: Add) -> Done:
        """Add vectors, or replace them."""
        return self._collection.add(call)

    def delete(self, call: Delete) -> Done:
        """Delete vectors."""
        return self._collection.delete(call)

    def query(self, call: Query) -> Nearest:
        """Find the nearest vectors."""
        return self._collection.query(call)

    def get(self, call: Get) -> Found:
        """Read vectors."""
        return self._collection.get(call)

    def drop(self, call: Drop) -> Done:  # noqa: ARG002 - there is nothing to say.
        """Delete the collection."""
        if self._client is not None:
            self._client.delete_collection(self._name)
        return Done()

    def explain(self, error: BaseException) -> Failed:
        """Say what an error of the store means."""
        if isinstance(error, MismatchError):
            return Failed("mismatch", str(error))
        text = " ".join(str(error).split())
        if self._token:
            text = text.replace(self._token, "[REDACTED]")
        kind = type(error).__name__
        if kind == "NotFoundError" and self._opened is not None:
            # By somebody who clears the index, or with the data of the server. To open it again makes it anew.
            return Failed("damaged", "its collection was deleted")
        if isinstance(error, httpx.TransportError) or "could not connect" in text.lower():
            return Failed("server", "it can't be reached")
        if kind in {"ChromaAuthError", "AuthorizationError"} or any(
            word in text.lower() for word in ("unauthorized", "forbidden", "401", "403")
        ):
            return Failed("refused", "it refuses the token" if self._token else "it wants a token (rag.chromaToken)")
        return Failed("server", f"it says {text[:MAX_REASON] or kind}")

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            close(self._client)

    @property
    def _collection(self) -> ChromaCollection:
        if self._opened is None:
            raise AssertionError("a store must be opened first")
        return self._opened


class MismatchError(Exception):
    """A collection of this name holds other vectors."""
