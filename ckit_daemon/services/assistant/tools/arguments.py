"""What tools are called with: models of pydantic that refuse what their JSON Schema refuses, and name the fault."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic import JsonValue as AnyJson
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema

from ckit_daemon.core.errors import InvalidArgumentError
from ckit_daemon.services.misfits import as_fields, as_text, misfits

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from ckit_daemon.core.json import JsonObject

JsonArgument = Annotated[AnyJson, WithJsonSchema({})]
EntityIdArgument = Annotated[str, Field(min_length=1, max_length=200)]
EntityIds = Annotated[list[EntityIdArgument], Field(max_length=100)]


class _Terse(GenerateJsonSchema):
    """Leaves out what only repeats the names or says that a field may be left out: every prompt holds every schema."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - as pydantic asks.
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


class Arguments(BaseModel):
    """Base of what tools are called with: closed, immutable, camelCase outside of Python."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, defer_build=True
    )

    @classmethod
    def read(cls, arguments: JsonObject) -> Self:
        """Return the arguments, read as their JSON Schema says.

        Raises:
            InvalidArgumentError: they don't fit; names the fields, and no value is repeated.
        """
        try:
            return cls.model_validate_json(orjson.dumps(arguments), strict=True)
        except ValidationError as error:
            raise _invalid(error) from None

    @classmethod
    @cache
    def to_schema(cls) -> JsonObject:
        """Return the JSON Schema (2020-12) of the arguments."""
        schema: JsonObject = cls.model_json_schema(schema_generator=_Terse)
        schema.pop("title", None)
        schema.pop("description", None)
        return schema


def _invalid(error: ValidationError) -> InvalidArgumentError:
    named = misfits(error, "arguments")
    text = as_text(named, error.error_count())
    return InvalidArgumentError(f"The arguments don't fit: {text}.", details={"fields": as_fields(named)})
