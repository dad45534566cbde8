"""Vectors as they are stored, and as they are computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.services.rag.ports import Vectors

NUMBER_BYTES: Final = 4


def rows(vectors: Vectors) -> list[bytes]:
    """Return each vector as it is stored: float32, little endian."""
    return [row.tobytes() for row in vectors.astype("<f4", copy=False)]


def matrix(vectors: Sequence[bytes]) -> Vectors:
    """Return stored vectors as the rows of a matrix."""
    import numpy as np  # noqa: PLC0415 - heavy; whoever has vectors has loaded it.

    return np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1)
