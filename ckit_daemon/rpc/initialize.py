"""Settles a session from what the client says in LSP's initialize."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import orjson

from ckit_daemon.rpc.context import PositionEncoding, Session
from ckit_daemon.rpc.errors import ProtocolError, invalid_params
from ckit_daemon.wire.version import PROTOCOL_VERSION, SUPPORTED_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.wire.lifecycle import InitializeOptions

ENCODINGS = ("utf-8", "utf-16", "utf-32")


@dataclass(frozen=True, slots=True)
class Settled:
    """The session and the options that came with it."""

    session: Session
    config: Mapping[str, object]


def settle_session(params: JsonObject) -> Settled:
    """Return the session for the params of initialize; their LSP part has been checked already.

    Raises:
        ProtocolError: the client speaks none of the supported protocol versions, or `initializationOptions.ckit` is
            malformed.
    """
    client = _object(params.get("clientInfo"))
    session = Session(
        client_name=str(client.get("name") or "unknown"),
        client_version=str(client.get("version") or ""),
        protocol_version=PROTOCOL_VERSION,
        encoding=_encoding(params),
        workspace_folders=_folders(params),
    )
    given = _object(params.get("initializationOptions")).get("ckit")
    return Settled(session, {}) if given is None else _with_options(session, _options(given))


def _options(given: JsonValue) -> InitializeOptions:
    # Only a client that gives options waits for the models in initialize already.
    from pydantic import ValidationError  # noqa: PLC0415

    from ckit_daemon.wire.lifecycle import InitializeOptions  # noqa: PLC0415

    try:
        return InitializeOptions.from_json(orjson.dumps(given))
    except ValidationError as error:
        raise invalid_params(error) from None


def _with_options(session: Session, options: InitializeOptions) -> Settled:
    version = next((v for v in options.protocol_versions if v in SUPPORTED_VERSIONS), None)
    if version is None:
        raise ProtocolError(
            "unsupported_protocol",
            f"None of the offered protocol versions is supported; supported: {', '.join(SUPPORTED_VERSIONS)}.",
            {"supported": list(SUPPORTED_VERSIONS), "offered": list(options.protocol_versions)},
        )
    session = replace(session, protocol_version=version, trusted=options.trusted, experimental=options.experimental)
    session = replace(session, answers=frozenset(options.answers))
    if (client := options.client_info) is not None:
        session = replace(session, client_name=client.name, client_version=client.version or "")
    return Settled(session, options.config)


def _encoding(params: JsonObject) -> PositionEncoding:
    """Return the first encoding of the client's list that we know; LSP's default is UTF-16."""
    general = _object(_object(params.get("capabilities")).get("general"))
    offered = general.get("positionEncodings")
    for encoding in offered if isinstance(offered, list) else []:
        if encoding in ENCODINGS:
            return encoding
    return "utf-16"


def _folders(params: JsonObject) -> tuple[str, ...]:
    folders = params.get("workspaceFolders")
    if isinstance(folders, list) and folders:
        return tuple(str(_object(folder).get("uri")) for folder in folders)
    root = params.get("rootUri")
    return (root,) if isinstance(root, str) else ()


def _object(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
