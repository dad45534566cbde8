"""Methods about the files of a repository."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ckit_daemon.wire.base import Result
from ckit_daemon.wire.common import RepositoryParams, RepositoryPath
from ckit_daemon.wire.row import Method


class ReadParams(RepositoryParams):
    """Which part of which file to read."""

    # The length is checked by the engine, which answers `path_not_allowed` for every bad path alike.
    path: str = Field(description="Path relative to the repository, with forward slashes.")
    start_line: int = Field(default=0, ge=0, description="First line, 0-based.")
    max_lines: int | None = Field(default=None, ge=1, description="Lines to return at the most.")


class ReadResult(Result):
    """A text file, unsaved editor text first."""

    path: RepositoryPath
    text: str = Field(description="The lines that were asked for.")
    size: int = Field(description="Bytes of the whole file.")
    lines: int = Field(description="Lines of the whole file.")
    start_line: int = Field(description="First line of `text`, 0-based.")
    truncated: bool = Field(description="Whether the file goes on after `text`.")
    line_ending: Literal["lf", "crlf", "mixed"] = Field(description="How the lines of the file end.")
    sha256: str = Field(description="SHA-256 of the whole file, in hexadecimal.")


METHODS = (Method("ckit/file/read", "Read a text file of the repository.", ReadParams, ReadResult),)
