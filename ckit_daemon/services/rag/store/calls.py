"""What the daemon and the process of its vector store say to each other: one answer to each call, in order.

A message is its length in four bytes, big endian, and then MessagePack. Vectors are float32, little endian.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

import msgspec

LENGTH: Final = struct.Struct(">I")
MAX_ADDED: Final = 5461
"""Vectors that Chroma takes at once."""


class Call(msgspec.Struct, frozen=True, tag=True):
    """Base of all calls."""


class Open(Call, frozen=True):
    """Open the collection of an embedder; answered by `Opened`."""

    embedder: str
    folder: str = ""
    """Of this repository and embedder; replicas are below it. Empty: `url` counts."""
    fresh: bool = False
    """Whether to delete what an embedded store holds, because it is damaged."""
    url: str = ""
    """Base URL of a server."""
    token: str = ""
    collection: str = ""
    """Its name on a server."""
    dimension: int | None = None
    """What it must have; None while that is not known."""


class Known(Call, frozen=True):
    """Which of some ids are there; answered by `Ids`."""

    ids: list[str]


class Add(Call, frozen=True):
    """Add vectors, or replace them; answered by `Done`."""

    ids: list[str]
    vectors: list[bytes]


class Delete(Call, frozen=True):
    """Delete vectors; answered by `Done`."""

    ids: list[str]


class Query(Call, frozen=True):
    """Find the nearest vectors; answered by `Nearest`."""

    vector: bytes
    limit: int


class Get(Call, frozen=True):
    """Read vectors; answered by `Found`."""

    ids: list[str]


class Drop(Call, frozen=True):
    """Delete the collection, on a server or with its folder; answered by `Done`."""


class Answer(msgspec.Struct, frozen=True, tag=True):
    """Base of all answers."""


class Opened(Answer, frozen=True):
    """A collection is open."""

    ids: list[str] | None
    """All that it holds; None on a server, where `Known` says."""
    count: int
    dimension: int | None
    """None: it holds nothing yet."""
    size: int
    damage: str | None = None
    """Why what was there has been thrown away."""


class Done(Answer, frozen=True):
    """It was done."""

    size: int = 0
    """Bytes on this disk."""


class Ids(Answer, frozen=True):
    """Some ids."""

    ids: list[str]


class Nearest(Answer, frozen=True):
    """The nearest vectors, the nearest first."""

    ids: list[str]
    similarities: list[float]
    """Cosines."""


class Found(Answer, frozen=True):
    """Some vectors; those that are not there are left out."""

    ids: list[str]
    vectors: list[bytes]


Fault = Literal["damaged", "disk", "server", "refused", "mismatch"]


class Failed(Answer, frozen=True):
    """It was not done."""

    fault: Fault
    reason: str
    """For people; holds no path and no token."""


CALLS: Final = msgspec.msgpack.Decoder(Open | Known | Add | Delete | Query | Get | Drop)
ANSWERS: Final = msgspec.msgpack.Decoder(Opened | Done | Ids | Nearest | Found | Failed)
