"""The names behind the numbers of semantic tokens; told in `initialize`, before anything else is loaded."""

from __future__ import annotations

from typing import Final

from lsprotocol import types

TYPES: Final = (
    types.SemanticTokenTypes.Property,
    types.SemanticTokenTypes.EnumMember,
    types.SemanticTokenTypes.Class,
)
MODIFIERS: Final = (types.SemanticTokenModifiers.Declaration, types.SemanticTokenModifiers.Deprecated)


def legend() -> types.SemanticTokensLegend:
    """The legend of all tokens."""
    return types.SemanticTokensLegend([*TYPES], [*MODIFIERS])
