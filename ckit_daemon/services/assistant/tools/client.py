"""Tools that the client runs: the daemon checks the arguments, asks for the approval, and calls back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, cast

import jsonschema_rs

from ckit_daemon.core.errors import DegradedError, InvalidArgumentError
from ckit_daemon.services.assistant.tools.base import AnyTool, Output, Plan

if TYPE_CHECKING:
    from ckit_daemon.core.errors import CkitError
    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.assistant.ports import Client
    from ckit_daemon.services.assistant.records import ClientTool
    from ckit_daemon.services.assistant.tools.base import ToolContext
    from ckit_daemon.settings import Settings

METHOD: Final = "ckit/tool/call"
_MAX_PROBLEMS: Final = 20
_MAX_MESSAGE: Final = 240


class RemoteTool(AnyTool):
    """A tool of a session's client."""

    def __init__(self, tool: ClientTool, client: Client) -> None:
        self._client = client
        self._schema = tool.input_schema
        self.name = tool.name
        self.description = tool.description
        self.tool_class = tool.tool_class

    def refusal(self, settings: Settings, *, trusted: bool) -> CkitError | None:
        """Return that the client does not answer calls, if it doesn't."""
        del settings, trusted
        if self._client.answers(METHOD):
            return None
        return DegradedError(
            f"The client gave this tool to the session and does not answer {METHOD}.",
            details={"tool": self.name, "method": METHOD, "option": "initializationOptions.ckit.answers"},
        )

    def input_schema(self) -> JsonObject:
        """Return the schema that the client gave."""
        return self._schema

    def check(self, arguments: JsonObject) -> None:
        """Refuse arguments that don't fit the schema; no value is repeated.

        Raises:
            InvalidArgumentError: they don't, or the schema itself can't be used.
        """
        try:
            validator = jsonschema_rs.validator_for(self._schema, retriever=_fetch_nothing)
            found = [*validator.iter_errors(arguments)][:_MAX_PROBLEMS]
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise InvalidArgumentError(
                f"The schema that the client gave for {self.name} can't be used.", details={"tool": self.name}
            ) from error
        if not found:
            return
        fields: list[JsonValue] = [
            {"field": ".".join(map(str, each.instance_path)) or "arguments", "problem": _problem(each)}
            for each in found
        ]
        texts = [f"{each['field']}: {each['problem']}" for each in cast("list[dict[str, str]]", fields)]
        raise InvalidArgumentError(f"The arguments don't fit: {'; '.join(texts)}.", details={"fields": fields})

    async def planned(self, context: ToolContext, arguments: JsonObject) -> Plan:
        """Plan to call the client; what it will do is known by the arguments alone."""
        self.check(arguments)
        return Plan(f"Run the client's tool {self.name}.", lambda: self._call(context, arguments))

    async def _call(self, context: ToolContext, arguments: JsonObject) -> Output:
        session = context.session
        params: JsonObject = {
            "sessionId": "" if session is None else session.id,
            "callId": context.call_id,
            "name": self.name,
            "arguments": arguments,
        }
        if context.turn_id is not None:
            params["turnId"] = context.turn_id
        seconds = context.settings.assistant.client_timeout_seconds
        result = await self._client.request(METHOD, params, timeout_seconds=seconds)
        error_code = "client_failed" if result.get("isError") is True else None
        return Output(result.get("output"), str(result["text"]), error_code=error_code)


def _problem(error: jsonschema_rs.ValidationError) -> str:
    # Messages of some keywords repeat the value, which may be long or secret.
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return f"the required field '{kind.property}' is missing"
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return "unknown field " + ", ".join(f"'{name}'" for name in kind.unexpected)[:_MAX_MESSAGE]
    return f"breaks '{kind.name}' of the schema"


def _fetch_nothing(uri: str) -> NoReturn:
    del uri
    raise ValueError("a schema may refer to itself only")
