"""Hypothesis strategies for what clients might send: any JSON, JSON of a schema's form, and examples gone wrong."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from tests.support.client import Json


SLOW: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
"""What is not to be complained about where each value goes through a daemon."""


class Long(str):
    """A text that failures show by its length."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{self[:1]!r} * {len(self)}"


ODD_NUMBERS: Final = (0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 2**70, 1e308, -0.0, 0.5)
ODD_TEXTS: Final = (
    "",
    " \n\t",
    "\x00",
    "a\x00b",
    "\x1b[31m\x07\x08",
    "\u202eFEAT-001",
    "\ufeff",
    "\uffff",
    "🎉" * 60,
    "e\u0301",
    "../../outside",
    "/",
    "C:\\Windows\\win.ini",
    "file:///etc/passwd",
    "%s%n{0}{{x}}",
    "'; DROP TABLE sessions; --",
    "x" * 65,
    Long("x" * 100_000),
)


def _texts(most: int) -> SearchStrategy[str]:
    # A half of a surrogate pair can't be sent in UTF-8; how it is refused is a matter of the framing.
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=most)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from(ODD_NUMBERS)
    | st.integers(-(2**64), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(ODD_TEXTS)
    | _texts(30)
)

anything: Final[SearchStrategy[Any]] = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(ODD_TEXTS) | _texts(8), inner, max_size=4)
    ),
    max_leaves=10,
)
"""Any JSON value."""


@dataclass(frozen=True)
class Form:
    """The form of a method's parameters, and what means something in it.

    Attributes:
        schema: JSON Schema of the protocol.
        names: texts that name something, anywhere.
        usual: values by the name of their field, which are taken most of the time.
    """

    schema: Json
    names: Sequence[str]
    usual: Mapping[str, Sequence[Any]]

    def values(self) -> SearchStrategy[Any]:
        """Values of this form, some of them odd where the form leaves room."""
        return self._fitting(self.schema)

    def _fitting(self, schema: Json) -> SearchStrategy[Any]:
        if "$ref" in schema:
            return st.deferred(lambda: self._fitting(self.schema["$defs"][schema["$ref"].rpartition("/")[2]]))
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return st.one_of([self._fitting(each) for each in schema[choice]])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        return self._typed(schema)

    def _typed(self, schema: Json) -> SearchStrategy[Any]:
        match schema.get("type"):
            case "object":
                return self._objects(schema)
            case "array":
                most = min(schema.get("maxItems", 3), 3)
                each = self._fitting(schema.get("items", {}))
                return st.lists(each, min_size=schema.get("minItems", 0), max_size=most)
            case "string":
                most = schema.get("maxLength", 10**9)
                odd = [text for text in ODD_TEXTS if schema.get("minLength", 0) <= len(text) <= most]
                return st.sampled_from(self.names) | st.sampled_from(odd) | _texts(min(most, 40))
            case "integer":
                return _numbers(schema).map(int)
            case "number":
                return _numbers(schema)
            case "boolean":
                return st.booleans()
            case "null":
                return st.none()
            case _:
                return anything

    def _objects(self, schema: Json) -> SearchStrategy[Json]:
        if "properties" not in schema:
            return st.dictionaries(st.sampled_from(self.names) | st.sampled_from(ODD_TEXTS), anything, max_size=3)
        fields = {name: self._field(name, each) for name, each in schema["properties"].items()}
        needed = {name: each for name, each in fields.items() if name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional={n: each for n, each in fields.items() if n not in needed})

    def _field(self, name: str, schema: Json) -> SearchStrategy[Any]:
        usual = self.usual.get(name)
        fitting = self._fitting(schema)
        return (
            fitting if usual is None else st.integers(0, 3).flatmap(lambda n: st.sampled_from(usual) if n else fitting)
        )


def _numbers(schema: Json) -> SearchStrategy[float]:
    least, most = schema.get("minimum", -(2**64)), schema.get("maximum", 2**64 - 1)
    edges = [least, most, *(number for number in ODD_NUMBERS if least <= number <= most)]
    return st.sampled_from(edges)


@st.composite
def gone_wrong(draw: DrawFn, examples: Sequence[Any]) -> Any:
    """One of the examples with up to three of its values replaced, left out, wrapped or doubled."""
    value = copy.deepcopy(draw(st.sampled_from(examples)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(anything)
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "remove", "wrap", "double", "unknown"])):
            case "replace":
                holder[key] = draw(anything)
            case "remove":
                del holder[key]
            case "wrap":
                holder[key] = [holder[key]]
            case "double":
                holder[key] = [holder[key], copy.deepcopy(holder[key])]
            case _ if isinstance(holder, dict):
                holder[draw(_texts(12))] = draw(anything)
            case _:
                holder.insert(0, draw(anything))
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
