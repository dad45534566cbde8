"""Names of tools as models have them: OpenAI takes letters, digits, `_` and `-` in a function's name, and no dot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_LENGTH: Final = 64
_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9_-]")


def model_names(names: Iterable[str]) -> Mapping[str, str]:
    """Return each tool's name for models; no two are the same, so that the mapping can be turned around.

    `pipeline.validate` becomes `pipeline_validate`. Of names that would become the same (`a.b` and `a_b`), the later
    ones in the order of the alphabet get a number.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names)):
        plain = _FORBIDDEN.sub("_", name)[:MAX_LENGTH]
        chosen, number = plain, 2
        while chosen in taken:
            suffix = f"_{number}"
            chosen, number = plain[: MAX_LENGTH - len(suffix)] + suffix, number + 1
        taken.add(chosen)
        found[name] = chosen
    return found
