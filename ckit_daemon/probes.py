"""Health probes of what the daemon itself stands on; repositories and services bring their own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckit_daemon.core import layout
from ckit_daemon.services.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

VERSION_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StorageProbe:
    """Writes a file into the folders of the daemon's own files."""

    folders: Callable[[], tuple[Path, ...]]
    name: str = "storage"
    essential: bool = False

    def check(self) -> ProbeResult:
        """Write and remove a small file in each folder."""
        for folder in self.folders():
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(b"probe")
            except OSError as error:
                return ProbeResult(
                    "degraded",
                    f"The {folder.name} folder can't be written: {error.strerror}.",
                    works=("everything, without the cache that makes the next start faster",),
                )
        return ProbeResult("ok", "The cache and state folders can be written.")


@dataclass(frozen=True, slots=True)
class RepositoryProbe:
    """Looks into the folder of an open repository."""

    name: str
    root: Path
    essential: bool = False

    def check(self) -> ProbeResult:
        """List the folder that holds the entities."""
        try:
            next((self.root / layout.ENTITIES).iterdir(), None)
        except OSError as error:
            return ProbeResult(
                "degraded",
                f"The folder {layout.ENTITIES} of {self.root.name} can't be read: {error.strerror}.",
                works=("answers from what was read before",),
            )
        return ProbeResult("ok", f"{self.root.name} can be read.")


@dataclass(frozen=True, slots=True)
class ToolProbe:
    """Runs a command-line tool with `--version`."""

    name: str
    purpose: str
    works: tuple[str, ...]
    environment: Callable[[], Mapping[str, str]]
    """What the tool gets of the daemon's variables."""
    substitute: str = ""
    """A tool that does the same where this one is missing."""
    essential: bool = False

    def check(self) -> ProbeResult:
        """Look the tool up in PATH and ask for its version."""
        path = shutil.which(self.name)
        if path is None and self.substitute and shutil.which(self.substitute):
            return ProbeResult("disabled", f"{self.name} is not in PATH; {self.substitute} runs scripts instead.")
        if path is None:
            return ProbeResult("degraded", f"{self.name} is not in PATH; {self.purpose} needs it.", self.works)
        try:
            done = subprocess.run(
                [path, "--version"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=VERSION_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ProbeResult("degraded", f"{self.name} is in PATH but does not run.", self.works)
        return ProbeResult("ok", f"{self.name} {done.stdout.decode(errors='replace').strip()[:40]}")


@dataclass(frozen=True, slots=True)
class GitProbe:
    """Loads the git library."""

    name: str = "git"
    essential: bool = False

    def check(self) -> ProbeResult:
        """Import the library and ask for its version."""
        try:
            import pygit2  # noqa: PLC0415 - too heavy for the start, and its absence is a finding.
        except ImportError:
            works = ("everything but the comparison with other revisions and branches",)
            return ProbeResult("degraded", "The git library can't be loaded.", works)
        return ProbeResult("ok", f"libgit2 {pygit2.LIBGIT2_VERSION}")


NATIVE_WORKS = ("every pipeline with the native engine",)


def tool_probes(environment: Callable[[], Mapping[str, str]]) -> tuple[ToolProbe, ...]:
    """Return the probes of the tools that run a repository's own scripts, and that get the same environment."""
    purpose = "the engine that runs a repository's own scripts"
    return (
        ToolProbe("node", purpose, NATIVE_WORKS, environment),
        ToolProbe("pnpm", purpose, NATIVE_WORKS, environment, substitute="npm"),
        ToolProbe("npm", purpose, NATIVE_WORKS, environment, substitute="pnpm"),
    )
