"""Finds the JSON in an answer and checks it against its schema."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

import jsonschema_rs
import orjson

from ckit_daemon.core.json import is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.json import JsonObject, JsonValue

FENCED: Final = re.compile(r"```[ \t]*+(?:json[c5]?)?[ \t]*+\r?\n(.*?)(?:\r?\n[ \t]*```|\Z)", re.DOTALL | re.IGNORECASE)
MAX_PROBLEMS: Final = 20
MAX_STARTS: Final = 50
"""Brackets at which JSON may begin; most texts have one before it, a hostile one has nothing else."""
DECODER: Final = json.JSONDecoder()


def parse(text: str, schema: JsonObject) -> tuple[JsonValue, list[str]]:
    """Return the JSON value in an answer and what is wrong with it by its schema, which is nothing if it fits.

    What counts is the whole answer, else a fenced block, else the first object or list in it.
    """
    validator = jsonschema_rs.validator_for(schema)
    best: JsonValue = None
    problems: list[str] | None = None
    for value in _candidates(text):
        found = [_problem(error) for error in validator.iter_errors(value)]
        if not found:
            return value, []
        if problems is None or len(found) < len(problems):
            best, problems = value, found
    return best, ["There is no JSON in the answer."] if problems is None else problems[:MAX_PROBLEMS]


def _candidates(text: str) -> Iterator[JsonValue]:
    for part in (text, *FENCED.findall(text)):
        try:
            yield orjson.loads(part)
        except ValueError:
            continue
    for start in islice(re.finditer(r"[{\[]", text), MAX_STARTS):
        try:
            value, _ = DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if is_plain(value):
            yield cast("JsonValue", value)
        return


def _problem(error: jsonschema_rs.ValidationError) -> str:
    path = "/".join(str(step) for step in error.instance_path)
    return f"{path or 'The answer'}: {error.message}"
