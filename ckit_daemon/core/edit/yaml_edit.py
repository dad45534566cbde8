"""Edits of YAML text that leave every byte outside the edited place as it is.

Each operation is made on the concrete syntax tree, and the result is read again: it must say what the operation asks
for and nothing else, or the edit is refused. So a place that these rules don't understand (an aliased value, an odd
layout) costs a refusal and never a wrong file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from ckit_daemon.core.edit.splices import Splices
from ckit_daemon.core.edit.values import (
    Append,
    Insert,
    Operation,
    Remove,
    RenameKey,
    SetValue,
    apply,
    check_value,
    nested,
    same,
    show_path,
    value_at,
)
from ckit_daemon.core.errors import ConflictError
from ckit_daemon.core.json import Path
from ckit_daemon.core.yaml import SourceTree, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckit_daemon.core.json import JsonValue
    from ckit_daemon.core.yaml import Parsed

KeyOrder: TypeAlias = Callable[[Path], Sequence[str]]
"""The usual order of the keys of the mapping at a path; empty where there is none."""


def no_order(_path: Path) -> Sequence[str]:
    """The key order of documents that no schema describes."""
    return ()


def edit_yaml(text: str, operations: Iterable[Operation], key_order: KeyOrder = no_order) -> str:
    """Return `text` after `operations`, one after the other.

    Raises:
        InvalidArgumentError: an operation's path or value makes no sense for this document.
        ConflictError: the text can't be read, or the edit can't be made without changing something else.

    """
    before = read(text)
    for operation in operations:
        if isinstance(operation, RenameKey):
            check_value(operation.key)
        elif not isinstance(operation, Remove):
            check_value(operation.value)
        intended = apply(before.value, operation)
        if same(intended, before.value):
            continue
        text = _edit(text, before.value, operation, key_order)
        before = check(text, intended, before, f"{show_path(operation.path)} can't be edited by itself")
    return text


def read(text: str) -> Parsed:
    """Read the text that is to be edited.

    Raises:
        ConflictError: it can't be read.

    """
    parsed = parse(text)
    if not parsed.readable:
        problem = parsed.problems[0]
        line = problem.range.start.line + 1
        raise ConflictError(f"The file can't be edited before its YAML is mended: {problem.message} (line {line}).")
    return parsed


def check(text: str, intended: JsonValue, before: Parsed, message: str) -> Parsed:
    """Read an edited text and make sure that it says what was intended.

    Raises:
        ConflictError: it says anything else, or has a problem that it did not have.

    """
    after = parse(text)
    if not after.readable or not same(after.value, intended) or len(after.problems) > len(before.problems):
        raise ConflictError(f"{message}: the same text is used elsewhere (an alias), or its layout is too unusual.")
    return after


def _edit(text: str, value: JsonValue, operation: Operation, key_order: KeyOrder) -> str:
    splices = Splices(SourceTree(text))
    path = operation.path
    match operation:
        case Remove():
            splices.remove(path)
        case RenameKey():
            splices.rename_key(path, operation.key)
        case SetValue():
            _set(splices, value, path, operation.value, key_order)
        case Append():
            present = value_at(value, path)
            if isinstance(present, list) and present:
                splices.insert_item(path, len(present), operation.value)
            else:
                _set(splices, value, path, [operation.value], key_order)
        case Insert():
            parent, index = path[:-1], path[-1]
            present = value_at(value, parent)
            if isinstance(present, list) and present and isinstance(index, int):
                splices.insert_item(parent, index, operation.value)
            else:
                _set(splices, value, parent, [operation.value], key_order)
    return splices.result()


def _set(splices: Splices, value: JsonValue, path: Path, new: JsonValue, key_order: KeyOrder) -> None:
    """Replace what stands at `path`, or put it into the nearest ancestor that exists."""
    if splices.replace(path, new):
        return
    for length in range(len(path) - 1, -1, -1):
        parent, step = path[:length], path[length]
        holder = value_at(value, parent)
        inner = nested(path[length + 1 :], new)
        if isinstance(holder, dict) and holder and isinstance(step, str):
            splices.insert_key(parent, step, inner, key_order(parent))
            return
        if isinstance(holder, list) and holder:
            splices.insert_item(parent, len(holder), inner)
            return
        if parent and splices.replace(parent, nested((step,), inner)):
            return
    raise ConflictError(f"There is no place in the text for {show_path(path)}.")
