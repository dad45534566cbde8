"""What a client says about itself in `initializationOptions.ckit` of LSP's initialize."""

from __future__ import annotations

from pydantic import Field, JsonValue

from ckit_daemon.wire.base import WireModel
from ckit_daemon.wire.version import PROTOCOL_VERSION


class ClientInfo(WireModel):
    """Name and version of the client; LSP's own `clientInfo` serves as well."""

    name: str = Field(min_length=1, max_length=200, description="Its name.")
    version: str | None = Field(default=None, max_length=200, description="Its version.")


class InitializeOptions(WireModel):
    """`initializationOptions.ckit`; a plain LSP client leaves it out."""

    client_info: ClientInfo | None = Field(
        default=None, description="Who the client is; before LSP's own `clientInfo`."
    )
    protocol_versions: list[str] = Field(
        default=[PROTOCOL_VERSION],
        max_length=50,
        description="Protocol versions that the client speaks, the preferred one first.",
    )
    config: dict[str, JsonValue] = Field(
        default={}, description="Settings by group and name; a bad one is reported and falls back."
    )
    trusted: bool = Field(
        default=False,
        description="The client vouches for the workspace's own code: scripts may run, each after `confirm`.",
    )
    answers: list[str] = Field(
        default=[],
        max_length=100,
        description="Requests of the daemon that the client answers, e.g. `ckit/approval/request`; others never come.",
    )
    experimental: bool = Field(
        default=False, description="The client also wants the methods marked `experimental`, which may still change."
    )
