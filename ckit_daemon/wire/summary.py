"""What initialize says about a method; apart from the table of methods, because that needs every model."""

from __future__ import annotations

from typing import Literal, NamedTuple

Direction = Literal["clientToServer", "serverToClient", "both"]
Kind = Literal["request", "notification"]
Stability = Literal["stable", "experimental"]


class MethodSummary(NamedTuple):
    """A row of the table of methods without its models; the fields are those of `wire.row.Method`."""

    name: str
    kind: Kind
    direction: Direction
    stability: Stability
    feature: str | None
