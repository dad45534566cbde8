"""Renders Handlebars templates as Handlebars.js 4.7 does, within bounds.

A repository is not trusted: nested `#each` blocks and partials that include themselves can ask for more text than
fits in any memory. Handlebars has no budget of its own, so the values that are handed to it keep one: whatever is
repeated or printed passes them. All templates print HTML entities for `{{name}}`, as the reference does; `{{{name}}}`
prints what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final, SupportsIndex, cast, overload

from ckit_daemon.core.errors import InvalidArgumentError, LimitExceededError

if TYPE_CHECKING:
    from abc import ABCMeta
    from collections.abc import Iterable

    from dotpromptz_handlebars import HelperOptions

    from ckit_daemon.core.json import JsonObject, JsonValue

MAX_TEMPLATE_CHARACTERS: Final = 64 * 1024
MAX_BODIES: Final = 50_000
"""Block bodies, partials and passes of a loop that one rendering may go through."""
MAX_OUTPUT_CHARACTERS: Final = 16 * 1024 * 1024
MAX_NESTING: Final = 60

_MAX_SHOWN: Final = 200
# What the library raises for a template or helper call that makes no sense, besides ValueError.
_BROKEN: Final = (ValueError, TypeError, LookupError, RecursionError)


class _Depth(int):
    """The limit of nesting; since the library asks it once for every body it renders, it counts them too."""

    left: int = MAX_BODIES

    def __lt__(self, depth: int) -> bool:
        self.left -= 1
        if self.left < 0:
            raise LimitExceededError("The template repeats its blocks too often.", details={"limit": MAX_BODIES})
        return int(self) < depth


class _Printed:
    """Counts the characters that values add to one rendering."""

    def __init__(self) -> None:
        self._characters = 0

    def add(self, count: int) -> None:
        self._characters += count
        if self._characters > MAX_OUTPUT_CHARACTERS:
            raise LimitExceededError("The template prints too much text.", details={"limit": MAX_OUTPUT_CHARACTERS})


class _Text(str):
    """A text that is counted whenever it is printed."""

    __slots__ = ("printed",)
    printed: _Printed

    def __str__(self) -> str:
        self.printed.add(len(self))
        return super().__str__()


class _List(list["JsonValue"]):
    """A list that has a `length`, which templates written for JavaScript ask for.

    The library looks names up in mappings only, so this list passes for one; its items are those of its indexes.
    """

    def __contains__(self, key: object) -> bool:
        return key == "length" or super().__contains__(key)

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> JsonValue: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[JsonValue]: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> JsonValue:
        return len(self) if cast("object", index) == "length" else super().__getitem__(index)

    def keys(self) -> range:
        return range(len(self))

    def items(self) -> Iterator[tuple[int, JsonValue]]:
        return enumerate(self)


cast("ABCMeta", Mapping).register(_List)


def _guarded(value: JsonValue, printed: _Printed) -> JsonValue:
    if isinstance(value, str):
        text = _Text(value)
        text.printed = printed
        return text
    if isinstance(value, list):
        return _List(_guarded(item, printed) for item in value)
    if isinstance(value, dict):
        return {key: _guarded(item, printed) for key, item in value.items()}
    return value


class _Compiled:
    """A template ready to be rendered, by one thread at a time since it counts."""

    def __init__(self, source: str) -> None:
        from dotpromptz_handlebars import Handlebars  # noqa: PLC0415 - only rendering needs it, never the start-up.

        if len(source) > MAX_TEMPLATE_CHARACTERS:
            message = f"A template may have {MAX_TEMPLATE_CHARACTERS} characters at most."
            raise LimitExceededError(message, details={"limit": MAX_TEMPLATE_CHARACTERS})
        # Text of the template itself is not counted when it is printed: a long one may repeat less.
        self._bodies = min(MAX_BODIES, 4 * MAX_OUTPUT_CHARACTERS // max(len(source), 1))
        self._depth = _Depth(MAX_NESTING)
        self._lock = Lock()
        handlebars = Handlebars(max_depth=self._depth)
        for name, helper in HELPERS.items():
            handlebars.register_helper(name, helper)
        try:
            self._render = handlebars.compile(source)
        except _BROKEN as error:
            raise _broken(error) from error

    def render(self, context: JsonObject) -> str:
        guarded = _guarded(context, _Printed())
        with self._lock:
            self._depth.left = self._bodies
            try:
                return self._render(guarded)
            except _BROKEN as error:
                raise _broken(error) from error


_compiled = lru_cache(maxsize=128)(_Compiled)


def render_template(source: str, context: JsonObject) -> str:
    """Render a template.

    Raises:
        InvalidArgumentError: the template is broken.
        LimitExceededError: the template is too long, or what it renders is.

    """
    return _compiled(source).render(context)


def check_syntax(source: str) -> None:
    """Compile a template without rendering it. Raises as `render_template`."""
    _compiled(source)


def _broken(error: Exception) -> InvalidArgumentError:
    if isinstance(error, RecursionError):
        reason = f"its parts are nested more than {MAX_NESTING} deep"
    elif type(error) is ValueError and str(error):
        reason = str(error)[:_MAX_SHOWN]
    else:
        # The other types carry Python's words about the library's inside, which help nobody.
        reason = "a tag is incomplete"
    return InvalidArgumentError(f"The template can't be rendered: {reason}.")


# Helpers


def _has_items(args: list[JsonValue], _: HelperOptions) -> bool:
    """Whether the argument is a list or a mapping that holds anything."""
    return bool(args) and isinstance(args[0], (list, dict)) and len(args[0]) > 0


def _number(args: Iterable[JsonValue]) -> int:
    value = next(iter(args), None)
    return value if isinstance(value, int) else 0


def _increment(args: list[JsonValue], _: HelperOptions) -> int:
    """The number after the argument: what people count from one."""
    return _number(args) + 1


def _pad_task_id(args: list[JsonValue], _: HelperOptions) -> str:
    """The name of the step with this 0-based index: `T001`."""
    return f"T{_number(args) + 1:03d}"


def _log(_args: list[JsonValue], _: HelperOptions) -> str:
    """Nothing: the library's own helper of this name prints to standard output, which belongs to the protocol."""
    return ""


HELPERS: Final = {"hasItems": _has_items, "increment": _increment, "padTaskId": _pad_task_id, "log": _log}
