"""Files of code in a model's answer: found as JSON or as code blocks with a path, and checked."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.core.layout import KIT
from ckit_daemon.services.assistant.gateway.parsing import parse
from ckit_daemon.services.generation.facts import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.ports import Repository
    from ckit_daemon.settings import GenerationSettings

_PATH: Final = r"(?:[\w.@+-]+/)*[\w.@+-]*\w\.\w{1,12}"
_OPENING: Final = re.compile(r"(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)")
_IN_INFO: Final = re.compile(rf"(?:^|[\s:=\"'(])(?P<path>{_PATH})(?=$|[\s\"')])")
_BEFORE: Final = re.compile(rf"(?:^|[\s`*\"'(:#])(?P<path>{_PATH})[`*\"'):]*\s*$")
_FIRST_LINE: Final = re.compile(
    rf"\s*(?:#|//|--|;|/\*|<!--)\s*(?:(?:file(?:name)?|path)\s*[:=]\s*)?(?P<path>{_PATH})\s*+(?:\*/|-->)?\s*+"
)
_LANGUAGES: Final = {
    "py": "python",
    "ts": "typescript",
    "tsx": "typescript",
    "js": "javascript",
    "mjs": "javascript",
    "rs": "rust",
    "go": "go",
    "java": "java",
    "kt": "kotlin",
    "cs": "csharp",
    "rb": "ruby",
    "sql": "sql",
    "md": "markdown",
    "yaml": "yaml",
    "yml": "yaml",
    "json": "json",
    "toml": "toml",
    "html": "html",
    "css": "css",
    "vue": "vue",
    "sh": "shell",
}
_RESERVED: Final = ("contexts/", ".context/", f"{KIT}/", ".git/")
"""Code has no business there: entities, schemas and logs have methods of their own."""
_MAX_PROBLEMS: Final = 20

SCHEMA: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "artifacts": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "minLength": 1, "maxLength": 400},
                    "content": {"type": "string"},
                    "language": {"type": "string", "maxLength": 60},
                    "purpose": {"type": "string", "maxLength": 400},
                },
                "required": ["path", "content", "language", "purpose"],
                "additionalProperties": False,
            },
        },
        "notes": {"type": "string", "maxLength": 2000},
    },
    "required": ["artifacts", "notes"],
    "additionalProperties": False,
}
"""What a model is asked to answer with."""

_FILES: Final[JsonObject] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
        "required": ["path", "content"],
    },
}
_SIMILAR: Final[JsonObject] = {
    "anyOf": [_FILES, {"type": "object", "properties": {"artifacts": _FILES}, "required": ["artifacts"]}]
}
"""What models answer with that don't keep to a schema."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a model wants to be."""

    path: str
    content: str
    language: str
    purpose: str


def from_json(value: JsonValue) -> tuple[list[Artifact], str]:
    """The files in an answer that fits `SCHEMA`, and its notes."""
    if not isinstance(value, dict):
        return [], ""
    found = [
        Artifact(path, _ended(content), text(item, "language") or language_of(path), text(item, "purpose"))
        for item in mappings(value.get("artifacts"))
        if isinstance(path := item.get("path"), str) and isinstance(content := item.get("content"), str)
    ]
    return found, text(value, "notes")


def from_answer(answer: str) -> list[Artifact]:
    """The files in an answer that does not fit `SCHEMA`: in JSON of a similar form, else in code blocks."""
    value, problems = parse(answer, _SIMILAR)
    if problems:
        return from_blocks(answer)
    files: JsonObject = {"artifacts": value} if isinstance(value, list) else {}
    return from_json(files or value)[0]


def from_blocks(answer: str) -> list[Artifact]:
    """The files in an answer of code blocks: those that a block's first line, its info or the line above it names."""
    found: list[Artifact] = []
    for above, info, body in _blocks(answer):
        first, _, rest = body.partition("\n")
        in_body = _FIRST_LINE.fullmatch(first)
        named = _IN_INFO.search(info) or _BEFORE.search(above) or in_body
        if named is None:
            continue
        path = named["path"]
        content = rest if named is in_body else body
        word = info.split(maxsplit=1)[0] if info else ""
        language = word.partition(":")[0] if word and "." not in word and "/" not in word else language_of(path)
        found.append(Artifact(path, _ended(content), language or language_of(path), ""))
    return found


def _blocks(answer: str) -> Iterator[tuple[str, str, str]]:
    """Yield each code block: the line of text above it, what stands beside its opening fence, and its content.

    By lines, since a pattern of whole blocks takes for ever where many are opened and none is closed.
    """
    lines = answer.split("\n")
    ends = [number for number, line in enumerate(lines) if (mark := line.rstrip()) and not mark.strip("`~")]
    open_for_good: dict[str, int] = {}
    above, at = "", 0
    while at < len(lines):
        opening = _OPENING.fullmatch(lines[at])
        fence = opening["fence"] if opening else ""
        end = None
        if fence and len(fence) < open_for_good.get(fence[0], len(lines[at]) + 1):
            later = range(bisect_right(ends, at), len(ends))
            end = next((ends[each] for each in later if lines[ends[each]].startswith(fence)), None)
            if end is None:
                # Nothing below closes this one, nor a longer one.
                open_for_good[fence[0]] = len(fence)
        if opening and end is not None:
            yield above, opening["info"].strip(), "\n".join(lines[at + 1 : end])
            at = end
        above = lines[at].rstrip() or above
        at += 1


def language_of(path: str) -> str:
    """The language of a file by its suffix; `text` where it tells nothing."""
    return _LANGUAGES.get(path.rpartition(".")[2].lower(), "text")


def checked(artifacts: Sequence[Artifact], store: Repository, limits: GenerationSettings) -> dict[str, str | None]:
    """The present texts of the files, None where there is none; reads the disk.

    Raises:
        PathNotAllowedError: a path leaves the repository, or is none of a plain file.
        ContentRejectedError: a file that would be replaced is no text.
        GenerationFailedError: a file is too large, named twice, or in a folder that code may not change.
    """
    # Asks about every path, also those with problems: a path that leads outside is told before everything else.
    real = {artifact.path: store.real_path(artifact.path).casefold() for artifact in artifacts[: limits.max_files]}
    problems: list[str] = []
    seen: dict[str, str] = {}
    if len(artifacts) > limits.max_files:
        problems.append(f"there are {len(artifacts)} files, and {limits.max_files} are allowed")
    for artifact in artifacts[: limits.max_files]:
        size = len(artifact.content.encode("utf-8", "surrogatepass"))
        folded = artifact.path.casefold()
        if size > limits.max_file_bytes:
            problems.append(f"{artifact.path} has {size} bytes, and {limits.max_file_bytes} are allowed")
        if folded in seen:
            problems.append(f"{artifact.path} is there twice")
        elif any(other.startswith(f"{folded}/") or folded.startswith(f"{other}/") for other in seen):
            problems.append(f"{artifact.path} is a file and a folder")
        seen[folded] = artifact.path
        if folded.startswith(_RESERVED) or real[artifact.path].startswith(_RESERVED):
            problems.append(f"{artifact.path} is in a folder that code may not change")
    present = {artifact.path: store.disk_text(artifact.path) for artifact in artifacts[: limits.max_files]}
    if problems:
        listed: list[JsonValue] = [*problems[:_MAX_PROBLEMS]]
        raise GenerationFailedError(
            f"The generated files can't be used: {'; '.join(problems[:_MAX_PROBLEMS])}. Ask again.",
            details={"problems": listed},
        )
    return present


def normalised(artifact: Artifact) -> Artifact:
    """The artifact with its path in one form, as far as that changes nothing about where it leads."""
    path = artifact.path.strip().removeprefix("./")
    plain = PurePosixPath(path).as_posix() if path and not path.startswith("/") else path
    return Artifact(plain, artifact.content, artifact.language, artifact.purpose)


def _ended(content: str) -> str:
    return content if content.endswith("\n") or not content else f"{content}\n"
