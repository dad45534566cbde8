"""Conditions of a constitution's compliance rules: a path into an entity, an operator and a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jsonschema_rs

from ckit_daemon.core.json import shorten, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.core.json import JsonValue, Path

MAX_PATTERN_BYTES: Final = 1 << 20
"""Memory that a compiled pattern may take."""

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
_LENGTH: Final = "length"


class Missing:
    """The absence of a value, which is not the same as null."""


MISSING: Final = Missing()


class ConditionError(ValueError):
    """A condition that makes no sense; `field` is the part of it that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def parse_path(text: str) -> Path:
    """Split `a.b[0].c` or the JSON pointer `/a/b/0/c` into steps.

    Raises:
        ConditionError: the text is neither.

    """
    if text.startswith("/"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]
        return tuple(int(step) if step.isdecimal() else step for step in steps)
    steps = _STEP.findall(text)
    written = "".join(step if step.startswith("[") else f".{step}" for step in steps)
    if not steps or written != (text if text.startswith("[") else f".{text}"):
        raise ConditionError("path", f"'{shorten(text)}' is no path; write it as a.b[0].c")
    return tuple(int(step[1:-1]) if step.startswith("[") else step for step in steps)


def value_at(data: JsonValue, path: Path) -> JsonValue | Missing:
    """The value at `path`; `length` as the last step also means the length of a list or a text."""
    current = data
    for number, step in enumerate(path):
        if isinstance(current, dict) and str(step) in current:
            current = current[str(step)]
        elif isinstance(current, list) and isinstance(step, int) and step < len(current):
            current = current[step]
        elif isinstance(current, (list, str)) and step == _LENGTH and number == len(path) - 1:
            current = len(current)
        else:
            return MISSING
    return current


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold for an entity."""

    text: str
    """The path as the constitution writes it."""
    path: Path
    operator: str
    value: JsonValue
    message: str | None
    _holds: Callable[[JsonValue | Missing], bool]

    @classmethod
    def of(cls, text: str, operator: str, value: JsonValue, message: str | None) -> Condition:
        """Compile a condition.

        Raises:
            ConditionError: the path, the operator or the value makes no sense.

        """
        build = OPERATORS.get(operator)
        if build is None:
            message = f"the operator '{shorten(operator)}' is unknown; there are {', '.join(OPERATORS)}"
            raise ConditionError("operator", message)
        return cls(text, parse_path(text), operator, value, message, build(value))

    def holds(self, data: JsonValue) -> bool:
        """Whether an entity's data fulfils the condition."""
        return self._holds(value_at(data, self.path))

    @property
    def place(self) -> Path:
        """The field that the condition looks at, without a `length` at its end."""
        return self.path[:-1] if len(self.path) > 1 and self.path[-1] == _LENGTH else self.path

    @property
    def demand(self) -> str:
        """What must hold, in words."""
        words = _WORDS[self.operator]
        return (
            f"'{self.text}' {words} {shown(self.value)}" if self.operator in _NEEDS_VALUE else f"'{self.text}' {words}"
        )


def _exists(_: JsonValue) -> Callable[[JsonValue | Missing], bool]:
    return lambda found: not isinstance(found, Missing) and found is not None


def _non_empty(_: JsonValue) -> Callable[[JsonValue | Missing], bool]:
    def holds(found: JsonValue | Missing) -> bool:
        if isinstance(found, str):
            return bool(found.strip())
        return bool(found) if isinstance(found, (list, dict)) else not isinstance(found, Missing) and found is not None

    return holds


def _same(left: JsonValue, right: JsonValue) -> bool:
    # In Python `True == 1`; in a repository they are different values.
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _equals(value: JsonValue) -> Callable[[JsonValue | Missing], bool]:
    return lambda found: not isinstance(found, Missing) and _same(found, value)


def _not_equals(value: JsonValue) -> Callable[[JsonValue | Missing], bool]:
    return lambda found: isinstance(found, Missing) or not _same(found, value)


def _includes(value: JsonValue) -> Callable[[JsonValue | Missing], bool]:
    def holds(found: JsonValue | Missing) -> bool:
        if isinstance(found, list):
            return any(_same(item, value) for item in found)
        return isinstance(value, str) and isinstance(found, (str, dict)) and value in found

    return holds


def _matches(value: JsonValue) -> Callable[[JsonValue | Missing], bool]:
    if not isinstance(value, str):
        raise ConditionError("value", f"'matches' needs a regular expression, not {shown(value)}")
    # Python's own engine backtracks and may take years over one short text. Rust's takes linear time, and the schema
    # validator brings it along together with the ECMA syntax that these files are written in.
    options = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES)
    try:
        pattern = jsonschema_rs.validator_for({"type": "string", "pattern": value}, pattern_options=options)
    except jsonschema_rs.ValidationError as error:
        message = f"{shown(value)} is no regular expression without look-around and back-references"
        raise ConditionError("value", message) from error
    return lambda found: isinstance(found, str) and pattern.is_valid(found)


def _compares(accept: Callable[[float, float], bool]) -> Callable[[JsonValue], Callable[[JsonValue | Missing], bool]]:
    def build(value: JsonValue) -> Callable[[JsonValue | Missing], bool]:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConditionError("value", f"the operator needs a number to compare with, not {shown(value)}")
        limit = value

        def holds(found: JsonValue | Missing) -> bool:
            if isinstance(found, (list, str)):
                return accept(len(found), limit)
            return isinstance(found, (int, float)) and not isinstance(found, bool) and accept(found, limit)

        return holds

    return build


OPERATORS: Final[dict[str, Callable[[JsonValue], Callable[[JsonValue | Missing], bool]]]] = {
    "exists": _exists,
    "nonEmpty": _non_empty,
    "equals": _equals,
    "notEquals": _not_equals,
    "includes": _includes,
    "matches": _matches,
    "greaterThan": _compares(lambda found, limit: found > limit),
    "lessThan": _compares(lambda found, limit: found < limit),
}
_WORDS: Final = {
    "exists": "must exist",
    "nonEmpty": "must not be empty",
    "equals": "must be",
    "notEquals": "must not be",
    "includes": "must include",
    "matches": "must match",
    "greaterThan": "must be (or have a length) greater than",
    "lessThan": "must be (or have a length) less than",
}
_NEEDS_VALUE: Final = frozenset(OPERATORS) - {"exists", "nonEmpty"}
