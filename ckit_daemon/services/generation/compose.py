"""Texts composed from facts alone, for the offline provider: the same facts give the same text.

Nothing is invented: what the repository does not say is named as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.services.generation.compose_code import compose_code
from ckit_daemon.services.generation.compose_entity import compose_entity
from ckit_daemon.services.generation.compose_spec import compose_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.core.json import JsonObject

COMPOSERS: Final[Mapping[str, Callable[[JsonObject], str]]] = {
    "spec": compose_spec,
    "code": compose_code,
    "entity": compose_entity,
}
"""By task: what turns the material of a request into the answer. Specs are Markdown, the others JSON."""
