"""Changes to plain values: what a document must say once it has been edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from ckit_daemon.core.json import JsonValue, Path

MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class SetValue:
    """Put `value` at `path`; mappings on the way are made where they are missing."""

    path: Path
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the key or the item at `path` away."""

    path: Path


@dataclass(frozen=True, slots=True)
class Append:
    """Add `value` at the end of the list at `path`, which is made where it is missing or null."""

    path: Path
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Insert:
    """Add `value` to a list before the item at `path`, whose last step is an index."""

    path: Path
    value: JsonValue


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Give the key at `path` another name; its value and its place stay."""

    path: Path
    key: str


Operation = SetValue | Remove | Append | Insert | RenameKey


def show_path(path: Path) -> str:
    """`related.features[0]`, as people write it."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the document"


def check_value(value: JsonValue, depth: int = 0) -> None:
    """Refuse what can't be written.

    Raises:
        InvalidArgumentError: nested beyond `MAX_DEPTH`, or a string with half of a surrogate pair.

    """
    if depth > MAX_DEPTH:
        raise InvalidArgumentError(f"A value may be nested {MAX_DEPTH} deep and no deeper.")
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidArgumentError("Half of a surrogate pair is no character.")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_value(key, depth)
            check_value(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_value(item, depth + 1)


def same(left: JsonValue, right: JsonValue) -> bool:
    """Whether two values say the same: `1`, `1.0` and `true` differ, and the order of keys doesn't matter."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    # A value that isn't equal to itself is "not a number", of which there is only one in YAML.
    return left == right or (left != left and right != right)  # noqa: PLR0124


def value_at(value: JsonValue, path: Path) -> JsonValue:
    """The value at `path`, None where there is none."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def nested(path: Path, value: JsonValue) -> JsonValue:
    """The mappings and lists that have nothing but `value` at `path`."""
    if not path:
        return value
    inner = nested(path[1:], value)
    step = path[0]
    return {step: inner} if isinstance(step, str) else [inner]


def apply(value: JsonValue, operation: Operation) -> JsonValue:
    """Return the value after an operation; `value` stays as it is.

    Raises:
        InvalidArgumentError: the path leads nowhere or into a value of the wrong type.

    """
    if not operation.path:
        raise InvalidArgumentError("The path is empty; name the field to change.")
    return _change(value, _renaming(value, operation) if isinstance(operation, RenameKey) else operation, 0)


def _change(value: JsonValue, operation: SetValue | Remove | Append | Insert, depth: int) -> JsonValue:
    path = operation.path
    if depth == len(path):
        return _changed_leaf(value, operation)
    step = path[depth]
    last = depth == len(path) - 1
    if value is None and not isinstance(operation, Remove):
        value = {} if isinstance(step, str) else []
    if isinstance(step, str):
        if not isinstance(value, dict):
            raise InvalidArgumentError(f"{show_path(path[:depth])} is no mapping, so it has no field '{step}'.")
        if isinstance(operation, Remove) and step not in value:
            raise InvalidArgumentError(f"There is no {show_path(path[: depth + 1])} to remove.")
        if isinstance(operation, Insert) and last:
            raise InvalidArgumentError(f"{show_path(path)} is no place in a list.")
        if isinstance(operation, Remove) and last:
            return {key: item for key, item in value.items() if key != step}
        return {**value, step: _change(value.get(step), operation, depth + 1)}
    if not isinstance(value, list):
        raise InvalidArgumentError(f"{show_path(path[:depth])} is no list, so it has no item {step}")
    adds = not isinstance(operation, Remove) and step == len(value)
    if not (0 <= step < len(value) or adds):
        raise InvalidArgumentError(f"{show_path(path[:depth])} has {len(value)} items and no item {step}")
    if isinstance(operation, Insert) and last:
        return [*value[:step], operation.value, *value[step:]]
    if isinstance(operation, Remove) and last:
        return [*value[:step], *value[step + 1 :]]
    item = None if adds else value[step]
    return [*value[:step], _change(item, operation, depth + 1), *value[step + 1 :]]


def _renaming(value: JsonValue, operation: RenameKey) -> SetValue:
    """The same as a change of the mapping that has the key."""
    *above, old = operation.path
    holder = value_at(value, (*above,))
    if not isinstance(holder, dict) or old not in holder:
        raise InvalidArgumentError(f"There is no key {show_path(operation.path)} to rename.")
    if operation.key != old and operation.key in holder:
        raise InvalidArgumentError(f"There is a key {show_path((*above, operation.key))} already.")
    return SetValue((*above,), {operation.key if key == old else key: item for key, item in holder.items()})


def _changed_leaf(value: JsonValue, operation: SetValue | Remove | Append | Insert) -> JsonValue:
    if isinstance(operation, SetValue):
        return operation.value
    if isinstance(operation, Append):
        if value is None:
            return [operation.value]
        if not isinstance(value, list):
            raise InvalidArgumentError(f"{show_path(operation.path)} is no list, so nothing can be appended to it.")
        return [*value, operation.value]
    raise AssertionError(operation)
