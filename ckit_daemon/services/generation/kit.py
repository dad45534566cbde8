"""The files of `.context-kit` that say what a product is built with: project, stack, domains and prompts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.document import read_yaml
from ckit_daemon.core.errors import ContentRejectedError, NotFoundError, PathNotAllowedError
from ckit_daemon.core.layout import KIT, YAML_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.ports import Repository

_NAMES: Final = ("project", "stack", "domains", "prompts")


def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class KitFile:
    """One file and what it says; a file that can't be read says nothing."""

    path: str = ""
    text: str = ""
    value: JsonObject = field(default_factory=dict["str", "JsonValue"])


@dataclass(frozen=True, slots=True)
class Kit:
    """All of them; a missing one is empty."""

    files: Mapping[str, KitFile]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> KitFile:
        return self.files.get(name, _MISSING)

    @property
    def domains(self) -> Iterator[JsonObject]:
        """The domains that are mappings, as they should be."""
        return _mappings(self["domains"].value.get("domains"))

    @property
    def templates(self) -> Iterator[JsonObject]:
        """The templates of `prompts.yml`."""
        return _mappings(self["prompts"].value.get("templates"))

    def guidance(self, purpose: str) -> str:
        """What the repository wants a model to be told for a purpose: `spec`, `promptify`, `codegen`, ...; or ''."""
        prompts = self["prompts"].value.get("systemPrompts")
        text = prompts.get(purpose) if isinstance(prompts, dict) else None
        return text.strip() if isinstance(text, str) else ""


_MISSING: Final = KitFile()


def read_kit(store: Repository) -> Kit:
    """Read the files, unsaved text first; reads the disk."""
    files: dict[str, KitFile] = {}
    warnings: list[str] = []
    for name in _NAMES:
        for suffix in YAML_SUFFIXES[::-1]:
            path = f"{KIT}/{name}{suffix}"
            try:
                text = store.read_file(path).text
            except NotFoundError:
                continue
            except (ContentRejectedError, PathNotAllowedError) as error:
                warnings.append(error.message)
                continue
            document = read_yaml(path, text)
            if isinstance(document.value, dict):
                files[name] = KitFile(path, text, document.value)
            else:
                warnings.append(f"{path} can't be read as YAML and is left out")
            break
    return Kit(files, tuple(warnings))


def _mappings(value: JsonValue) -> Iterator[JsonObject]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))
