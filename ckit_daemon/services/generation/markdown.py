"""Entities as Markdown, and Markdown taken apart into its sections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ckit_daemon.core.entity import Entity
    from ckit_daemon.core.json import JsonValue

BODY_FIELDS: Final = ("content", "body", "markdown", "text", "description", "details")
"""Where specifications keep their text, the usual place first."""
_HEADING: Final = re.compile(r"(#{1,6})[ \t]+(.*)")
_CLOSING: Final = re.compile(r"(?:^|(?<=[ \t]))#+$")
_FENCE: Final = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_BULLET: Final = re.compile(r"[ ]{0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)")
_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])|[^\W_]+")
_SHOWN_ELSEWHERE: Final = frozenset({"id", "title", "name"})


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it, up to the next heading of any level."""

    level: int
    """1 to 6; 0 for what stands above the first heading."""
    heading: str
    text: str

    @property
    def items(self) -> list[str]:
        """The items of its lists, each in one line."""
        found: list[str] = []
        for line in self.text.splitlines():
            if bullet := _BULLET.fullmatch(line):
                found.append(bullet[1].strip())
            elif found and line.startswith((" ", "\t")) and line.strip():
                found[-1] = f"{found[-1]} {line.strip()}"
        return [item for item in found if item]

    @property
    def first_paragraph(self) -> str:
        """Its first paragraph in one line; '' where it has only lists, tables or code."""
        for block in map(str.strip, re.split(r"\n\s*\n", self.text)):
            if block and not block.startswith(("|", ">", "<")) and not _BULLET.match(block) and not _FENCE.match(block):
                return " ".join(block.split())
        return ""


def sections(text: str) -> list[Section]:
    """Take a text apart at its headings; what looks like one inside a code block is none."""
    found: list[tuple[int, str, list[str]]] = [(0, "", [])]
    for line, heading in _with_headings(text):
        if heading:
            found.append((*heading, []))
        else:
            found[-1][2].append(line)
    parts = [Section(level, heading, "\n".join(lines).strip("\n")) for level, heading, lines in found]
    return [part for part in parts if part.level or part.text.strip()]


def _with_headings(text: str) -> Iterator[tuple[str, tuple[int, str] | None]]:
    """Yield each line, with level and text where it is a heading."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        heading = None if fence else _HEADING.fullmatch(line)
        yield line, None if heading is None else (len(heading[1]), _CLOSING.sub("", heading[2].rstrip()).rstrip())


def words_of(key: str) -> str:
    """A key as people write it: `acceptanceCriteria` is `Acceptance criteria`."""
    words = " ".join(_WORDS.findall(key)).lower()
    return words[:1].upper() + words[1:] if words else key


def entity_markdown(entity: Entity, *, fields: Collection[str] | None = None) -> str:
    """An entity with all its fields, or some of them, as Markdown under a heading of level 3."""
    status = f", {entity.status}" if entity.status else ""
    heading = f"### {entity.id}: {entity.title or entity.id} ({entity.type}{status})"
    return f"{heading}\n\n{fields_markdown(entity.data, fields=fields)}".rstrip()


def fields_markdown(data: Mapping[str, JsonValue], *, fields: Collection[str] | None = None) -> str:
    """The fields of an entity as Markdown, its text as it is."""
    parts: list[str] = []
    for key, value in data.items():
        if key in _SHOWN_ELSEWHERE or (fields is not None and key not in fields) or value in (None, "", [], {}):
            continue
        if key in BODY_FIELDS and isinstance(value, str):
            parts.append(_below(value.strip()))
        elif isinstance(value, (dict, list)):
            parts.append(f"**{words_of(key)}**\n" + "\n".join(_lines(value, 0)))
        else:
            parts.append(f"**{words_of(key)}**: {_scalar(value)}")
    return "\n\n".join(parts)


def _below(text: str) -> str:
    """A text whose headings stand below the entity's own."""
    return "\n".join(
        f"{'#' * min(6, heading[0] + 2)} {heading[1]}" if heading else line for line, heading in _with_headings(text)
    )


def _lines(value: JsonValue, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield f"{indent}- {key}:"
                yield from _lines(item, depth + 1)
            else:
                yield f"{indent}- {key}: {_scalar(item)}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)):
                inner = list(_lines(item, depth))
                yield from inner[:1]
                yield from (f"  {line}" for line in inner[1:])
            else:
                yield f"{indent}- {_scalar(item)}"


def _scalar(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else " ".join(str(value).split())
