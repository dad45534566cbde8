"""Text for people, as Markdown or plain, as the client shows it. What a repository says is never taken for Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types

if TYPE_CHECKING:
    from ckit_daemon.lsp.context import Client

_SPECIAL: Final = re.compile(r"[\\`*_\[\]<>|&~]")
_AT_START: Final = re.compile(r"^([^\S\n]*)([-+#=]|\d+[.)])", re.MULTILINE)


class Markup:
    """Writes in one of both kinds."""

    def __init__(self, *, markdown: bool) -> None:
        self.markdown = markdown

    @classmethod
    def of(cls, client: Client, capability: str) -> Markup:
        """The kind that a client wants: Markdown where the list that `capability` names has it."""
        return cls(markdown=client.among(capability, types.MarkupKind.Markdown))

    def text(self, text: str) -> str:
        """Text that shows as it is."""
        if not self.markdown:
            return text
        return _AT_START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", text))

    def strong(self, text: str) -> str:
        """Text that stands out."""
        return f"**{self.text(text)}**" if self.markdown and text.strip() else text

    def code(self, text: str) -> str:
        """A value or a name, on one line."""
        if not self.markdown:
            return text
        fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
        pad = " " if text.startswith("`") or text.endswith("`") else ""
        return f"{fence}{pad}{text}{pad}{fence}"

    def block(self, text: str, language: str) -> str:
        """Lines of code."""
        fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 3)
        return f"{fence}{language}\n{text.rstrip()}\n{fence}" if self.markdown else text

    def link(self, text: str, uri: str) -> str:
        """Text that leads somewhere; plain text only says what it says."""
        return f"[{self.text(text)}](<{uri}>)" if self.markdown else text

    def content(self, paragraphs: list[str]) -> types.MarkupContent:
        """Paragraphs, empty ones left out."""
        kind = types.MarkupKind.Markdown if self.markdown else types.MarkupKind.PlainText
        return types.MarkupContent(kind, "\n\n".join(paragraph for paragraph in paragraphs if paragraph))
