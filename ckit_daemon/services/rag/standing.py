"""How an index stands: what is wrong with it, what is done about that, and when it is tried again."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ckit_daemon.services.rag.filling import Filler
    from ckit_daemon.services.rag.ports import Corpus
    from ckit_daemon.services.rag.records import IndexState

FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 60.0
HOPELESS: Final = 2
"""So many failures in a row are no longer a damaged file."""
CANCELLED: Final = "Indexing was cancelled; it goes on with the next change or with ckit/rag/index."
CHANGED: Final = "The embedder has changed, and the index is made anew."
MENDING: Final = "The index was damaged and is filled again from what was embedded before."


@dataclass(slots=True)
class Standing:
    """What can be said of an index besides how many of its passages are embedded."""

    paused: bool = False
    """A person has cancelled it."""
    problem: str | None = None
    """Why the last attempt failed, until one goes well."""
    mending: str | None = None
    """Why it is filled although it was complete before."""
    complete: Corpus | None = None
    """The passages that are all there."""
    _failures: int = 0
    _left: int = 0

    def damaged(self, why: object) -> None:
        """Note a damage of the store. What is damaged time and again is not mended by beginning once more."""
        self.problem = MENDING if self._failures < HOPELESS else f"The vector store does not work: {why}."
        self.mending = MENDING
        self.complete = None

    def failed(self, left: int | None) -> float:
        """Note that an attempt has failed with so many passages left; return the seconds until the next one."""
        self._left = sys.maxsize if left is None else left
        seconds = min(FIRST_RETRY_SECONDS * math.ldexp(1, self._failures), LONGEST_RETRY_SECONDS)
        self._failures += 1
        return seconds

    def went_well(self) -> None:
        """Note that an attempt has done all that it could."""
        self._failures = 0

    def completed(self, corpus: Corpus) -> None:
        """Note that all passages are there."""
        self.complete = corpus
        self.problem = self.mending = None

    def progressed(self, left: int) -> None:
        """Note how many passages are left: once it works again, how far it is says more than what was wrong."""
        if left < self._left:
            self.problem = None

    def state(self, corpus: Corpus | None, filler: Filler | None, most: int) -> tuple[IndexState, str | None]:
        """Return the state and the reason for it; `most` passages are searched by meaning."""
        if self.problem is not None:
            return "degraded", f"{self.problem} It is tried again by itself."
        if corpus is None:
            return "absent", "Nothing has been indexed yet; ckit rag index, or ckit/rag/index, does that."
        if self.paused:
            return "degraded", CANCELLED
        if self.complete is not corpus:
            waits = filler is not None and filler.writer == "another"
            waiting = "Another daemon embeds; its vectors are taken over." if waits else None
            return "building", self.mending or waiting
        if len(corpus.by_hash) > most:
            return "ready", f"Only {most} passages are searched by meaning (rag.maxPassages), the others by words."
        if filler is not None and filler.refused:
            return "ready", f"{len(filler.refused)} passages are searched by words only: the embedder refuses them."
        return "ready", None
