"""The row type of the table of methods; kept apart so that namespaces and the table don't import each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckit_daemon.wire.base import NoParams, Params, Result

if TYPE_CHECKING:
    from ckit_daemon.wire.summary import Direction, Kind, Stability

Cost = Literal["instant", "long", "model", "control"]


@dataclass(frozen=True, slots=True)
class Method:
    """What the wire contract says about one method.

    Attributes:
        name: full name on the wire, `ckit/namespace/verb`.
        summary: one sentence for the protocol reference.
        params: model of the parameters.
        result: model of the answer; None for notifications.
        direction: who sends it.
        kind: request or notification.
        stability: experimental methods may change between minor versions.
        cost: `instant` methods skip the queue and must never block; `long` ones are queued and have a deadline;
            `model` ones mostly wait for a model or a person: they take no place of the `long` ones, have a bound of
            their own, and last as long as a turn may; `control` ones end or answer what those wait for, so that no
            number of them keeps one out.
        scope: requests with the same scope and the same `Params.scope_key` don't overlap; None: no restriction.
        feature: feature flag that switches the method off; None: always there.
    """

    name: str
    summary: str
    params: type[Params] = NoParams
    result: type[Result] | None = None
    direction: Direction = "clientToServer"
    kind: Kind = "request"
    stability: Stability = "stable"
    cost: Cost = "long"
    scope: str | None = None
    feature: str | None = None
