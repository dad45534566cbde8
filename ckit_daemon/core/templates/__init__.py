"""Prompt templates: rendering, syntax, and the fields that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ckit_daemon.core import layout
from ckit_daemon.core.document import Finding, Severity
from ckit_daemon.core.errors import CkitError, LimitExceededError
from ckit_daemon.core.shapes import SCALAR, Shape
from ckit_daemon.core.templates.engine import check_syntax, render_template
from ckit_daemon.core.templates.fields import BUILT_IN, PARTIALS, unknown_fields
from ckit_daemon.core.templates.scan import Tag, find_fault, range_of, scan
from ckit_daemon.core.text import START, Location, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckit_daemon.core.document import Document
    from ckit_daemon.core.snapshot import Snapshot

__all__ = ["PROVIDED", "TEMPLATE_SUFFIX", "render_template", "template_findings"]

TEMPLATE_SUFFIX: Final = ".hbs"
PROVIDED: Final = ("_file", "timestamp", "outputFile", "entity", "entityType")
"""What a template may read besides the fields of its entity."""


def template_findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What is wrong with the prompt templates: `template.syntax` and `template.unknown-field`."""
    prefix = f"{layout.PROMPT_TEMPLATES}/"
    return tuple(
        finding
        for path, document in snapshot.documents.items()
        if path.startswith(prefix) and path.endswith(TEMPLATE_SUFFIX) and not document.failures
        for finding in _findings(snapshot, document, path.removeprefix(prefix).removesuffix(TEMPLATE_SUFFIX))
    )


def _findings(snapshot: Snapshot, document: Document, name: str) -> Iterator[Finding]:
    try:
        check_syntax(document.text)
    except CkitError as error:
        # A text that is too long to be a template is not searched either.
        fault = None if isinstance(error, LimitExceededError) else find_fault(document.text)
        where = START if fault is None else range_of(document.text, fault.start, fault.end)
        yield Finding("template.syntax", Severity.ERROR, error.message, Location(document.path, where))
        return
    for start, end, name_used in _unknown_helpers(document.text):
        message = f"no helper has the name '{name_used}'; there are {', '.join(sorted(BUILT_IN))}"
        where = range_of(document.text, start, end)
        yield Finding("template.syntax", Severity.ERROR, sentence(message), Location(document.path, where))
    root, entity = _shapes(snapshot, name)
    provided = {**dict.fromkeys(PROVIDED, SCALAR), "entity": entity}
    whose = "of any type" if name == layout.CHECKLIST else f"of {name}"
    for unknown in unknown_fields(document.text, root, provided):
        message = f"no schema {whose} knows the field '{unknown.path}'; add it to the schema or correct its name"
        where = range_of(document.text, unknown.start, unknown.end)
        yield Finding("template.unknown-field", Severity.WARNING, sentence(message), Location(document.path, where))


def _unknown_helpers(source: str) -> Iterator[tuple[int, int, str]]:
    for tag in scan(source):
        if isinstance(tag, Tag) and tag.opener not in PARTIALS:
            for word in tag.words:
                if word.called and word.text not in BUILT_IN:
                    yield word.start, word.start + len(word.text), word.text


def _shapes(snapshot: Snapshot, name: str) -> tuple[Shape, Shape]:
    """What the context of a template holds at its top, and what an `entity` in it is."""
    if name != layout.CHECKLIST:
        schema = snapshot.schemas[name]
        shape = None if schema is None else schema.shape
        return shape, shape
    # A checklist serves entities of every type, and has their fields under `entity` alone.
    known = [snapshot.schemas[entity_type] for entity_type in snapshot.schemas.types()]
    described = [part for schema in known if schema is not None for part in schema.shape or ()]
    return (), tuple(described) or None
