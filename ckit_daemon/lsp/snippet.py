"""Snippets, as LSP writes them (LSP 3.17, Snippet Syntax), for YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.edit.scalars import write_scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonValue

_SPECIAL: Final = re.compile(r"[\\$}]")
_IN_CHOICE: Final = re.compile(r"[\\,|]")


def escape(text: str) -> str:
    """Text that stands for itself."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def placeholder(number: int, text: str) -> str:
    """A place to type at, with what stands there at first."""
    return f"${{{number}:{escape(text)}}}"


def written(values: Sequence[JsonValue], *, flow: bool = False) -> list[str]:
    """The scalars among some values, as they are written in YAML; `flow` says that they stand within brackets."""
    return [write_scalar(value, flow=flow) for value in values if not isinstance(value, (dict, list))]


def choice(number: int, options: Sequence[str]) -> str:
    """A place with several texts to choose from."""
    listed = ",".join(_IN_CHOICE.sub(r"\\\g<0>", option) for option in options)
    return f"${{{number}|{listed}|}}"
