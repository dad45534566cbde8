"""Every code that a finding may have: one table for the engine, for editors and for the protocol's reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.document import Finding, Fix, Related, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import Path
    from ckit_daemon.core.text import Location


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. A code that ends with `*` stands for all that begin so."""

    code: str
    severity: Severity
    description: str
    advice: str


_E, _W = Severity.ERROR, Severity.WARNING
_TABLE: Final = (
    Code("file.too-large", _E, "The file is larger than the limit and was not read.", "Split the entity in two."),
    Code("file.binary", _E, "The file holds no text.", "Move it out of the folders of the context repository."),
    Code("file.not-utf8", _E, "The file is in another encoding than UTF-8.", "Save it again as UTF-8."),
    Code("file.unreadable", _E, "The file could not be opened.", "Check its permissions and that it is a plain file."),
    Code(
        "yaml.syntax",
        _E,
        "The text is no YAML.",
        "Close the bracket or quote, or mend the indentation, at the place shown.",
    ),
    Code(
        "yaml.alias-limit",
        _E,
        "Aliases expand the document beyond the limit.",
        "Write the values out instead of naming them with *.",
    ),
    Code("yaml.duplicate-key", _E, "A key stands twice in one mapping; the last one was read.", "Remove one of both."),
    Code(
        "yaml.multiple-documents",
        _E,
        "The file holds several documents; the first one was read.",
        "Give every entity its own file.",
    ),
    Code("yaml.tag", _W, "A tag was ignored.", "Remove the tag, or quote the value if it should be a text."),
    Code("yaml.key", _W, "A mapping or a sequence is used as a key and was ignored.", "Use a text as the key."),
    Code(
        "entity.not-a-mapping",
        _E,
        "The file of an entity holds something else than keys and values.",
        "Begin it with `id: ...`.",
    ),
    Code(
        "entity.no-id",
        _E,
        "An entity has no id that others could name.",
        "Add a text `id`, for instance `id: FEAT-001`.",
    ),
    Code(
        "entity.unknown-type",
        _E,
        "The folder of an entity belongs to no type.",
        "Move the file into the folder of its type, or add `.context/schemas/<type>.schema.json`.",
    ),
    Code(
        "entity.duplicate-id",
        _E,
        "Another file, earlier in the order of paths, defines the same id.",
        "Give one of both a new id.",
    ),
    Code(
        "schema.invalid",
        _E,
        "A schema is no valid JSON Schema, so that its type is not checked.",
        "Mend the schema at the reason given.",
    ),
    Code(
        "schema.*",
        _E,
        "A value breaks the keyword of its type's schema that the code names.",
        "Change the value to what the message asks for; `schema.required`: add the field.",
    ),
    Code(
        "reference.unresolved",
        _E,
        "A reference names an id that no entity has.",
        "Take the nearest id that is offered, or create the entity.",
    ),
    Code(
        "reference.wrong-type",
        _E,
        "A reference names an entity of a type that the field can't hold.",
        "Name an entity of the right type, or move the id to the field for its type.",
    ),
    Code(
        "reference.not-an-id",
        _E,
        "A reference field holds something that can't be an id.",
        "Write the id as a text, or a list of ids.",
    ),
    Code(
        "reference.not-listed",
        _W,
        "One side of a relation names the other, which does not name it back.",
        "Add the missing side, or remove the one that is there.",
    ),
    Code(
        "reference.disagrees",
        _W,
        "Two sides of a relation name different partners.",
        "Decide which side is right and change the other.",
    ),
    Code(
        "cycle.dependency",
        _E,
        "Dependencies lead back to where they started; each is shown in the shortest ring it is part of.",
        "Remove one dependency of the ring.",
    ),
    Code(
        "constitution.violation",
        _E,
        "An entity breaks a compliance rule; the severity is the rule's.",
        "Do what the rule asks for, or add an exception to the constitution.",
    ),
    Code(
        "constitution.invalid",
        _E,
        "A part of a constitution can't be applied.",
        "Mend the operator, value, type, rule id or date that the message names.",
    ),
    Code("rule.invalid", _E, "A consistency rule can't be understood.", "Mend the part that the message names."),
    Code(
        "rule.dead",
        _W,
        "A consistency rule can never fire, or never mark anything.",
        "Name a type, field, relation or value that exists.",
    ),
    Code(
        "template.syntax",
        _E,
        "A prompt template is no valid Handlebars.",
        "Close the block or the braces at the place shown.",
    ),
    Code(
        "template.unknown-field",
        _W,
        "A prompt template uses a field that no schema of its type knows.",
        "Mend the name, or add the field to the schema.",
    ),
)
CODES: Final = {code.code: code for code in _TABLE}


def code_of(code: str) -> Code:
    """The row for a code.

    Raises:
        KeyError: the table has no such code.

    """
    return CODES.get(code) or CODES[f"{code.partition('.')[0]}.*"]


def make(
    code: str,
    message: str,
    location: Location,
    *,
    entity: str | None = None,
    path: Path = (),
    related: Sequence[Related] = (),
    fixes: Sequence[Fix] = (),
) -> Finding:
    """A finding with the severity that the table gives to its code."""
    return Finding(code, code_of(code).severity, message, location, entity, path, tuple(related), tuple(fixes))
