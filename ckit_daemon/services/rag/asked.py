"""What is looked for by meaning: embedded once, and compared with passages as often as needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.services.rag.ports import VectorHit
from ckit_daemon.services.rag.vectors import NUMBER_BYTES, matrix, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from ckit_daemon.services.rag.ports import Corpus, VectorCache, Vectors
    from ckit_daemon.services.rag.sides import Side

MORE: Final = 16
"""How many more vectors are looked for than are needed, since some may be of passages that are no more."""
MOST: Final = 16_384
"""So many are looked at, at the most: on a server there may be any number that only others have, or had."""


class AskedTexts:
    """Implements `ports.Asked`."""

    def __init__(
        self,
        side: Side,
        vectors: Vectors,
        cache: VectorCache,
        corpus: Callable[[], Corpus | None],
        noticing_damage: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Remember what to compare with.

        Args:
            side: the vectors of the passages.
            vectors: those of the texts, one row each.
            cache: where all vectors are kept.
            corpus: returns the passages that there are now.
            noticing_damage: turns what the store says into reasons to go on by words alone.
        """
        self._side = side
        self._vectors = vectors
        self._cache = cache
        self._corpus = corpus
        self._noticing_damage = noticing_damage

    async def nearest(self, limit: int) -> Sequence[VectorHit]:
        """Return the hashes of the passages nearest to the first text; see the port."""
        corpus = self._corpus()
        if corpus is None or limit < 1:
            return []
        vector = rows(self._vectors)[0]
        wanted = limit + MORE
        with self._noticing_damage():
            while True:
                found = await self._side.replica.query(vector, wanted)
                hits = [VectorHit(hash_, cosine) for hash_, cosine in found if hash_ in corpus.by_hash]
                if len(hits) >= limit or len(found) < wanted or wanted >= MOST:
                    return hits[:limit]
                wanted = min(4 * wanted, MOST)

    async def cosines(self, hashes: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Return the cosine of each text with each known hash; see the port."""
        asked = list(dict.fromkeys(hashes))
        if not asked:
            return {}
        with self._noticing_damage():
            known = dict(await self._cache.get(self._side.embedder.name, asked))
            if missing := [each for each in asked if each not in known]:
                # On a server there are vectors that somebody else has embedded.
                known |= await self._side.replica.get(missing)
        fit = {each: data for each, data in known.items() if len(data) == self._vectors.shape[1] * NUMBER_BYTES}
        if not fit:
            return {}
        cosines = matrix([*fit.values()]) @ self._vectors.T
        return {each: [float(cosine) for cosine in row] for each, row in zip(fit, cosines, strict=True)}
