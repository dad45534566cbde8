"""What health asks of a component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found.

    Attributes:
        status: `failed` only where the component does nothing any more.
        detail: for people; no path outside the repository and no secret.
        works: what still works although the component does not.
    """

    status: Literal["ok", "degraded", "failed", "disabled"]
    detail: str
    works: tuple[str, ...] = ()


class Probe(Protocol):
    """Checks one component by using it."""

    @property
    def name(self) -> str:
        """Stable name of the component."""
        ...

    @property
    def essential(self) -> bool:
        """Whether the daemon is not ready while this component has failed."""
        ...

    def check(self) -> ProbeResult:
        """Use the component and say how it went; runs in a worker thread."""
        ...
