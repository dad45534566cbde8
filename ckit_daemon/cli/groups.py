"""Families of commands of which one is meant where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    import typer


class ListByDefault(TyperGroup):
    """`ckit sessions` lists them, as `ckit sessions list` does."""

    def parse_args(  # pyright: ignore[reportIncompatibleMethodOverride] - typer names this context in private only.
        self, ctx: typer.Context, args: list[str]
    ) -> list[str]:
        """Put `list` first where no command is named."""
        wants_help = any(argument in ctx.help_option_names for argument in args)
        if not wants_help and (not args or args[0].startswith("-")):
            args = ["list", *args]
        return super().parse_args(ctx, args)
