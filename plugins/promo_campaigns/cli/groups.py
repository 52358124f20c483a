"""Typer's commands and groups as ``promo`` shows them: plain help that starts quickly, examples, and suggestions.

Typer's own Rich help loads a Markdown parser and a syntax highlighter, which takes longer than most commands do.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from promo_campaigns.cli.option_groups import spelled_out, with_conn_id
from promo_campaigns.cli.quick_values import QuickValues, Theirs
from promo_campaigns.cli.terminal import has_colour

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")

_BOLD = "\033[1m\\g<0>\033[0m"
_HEADINGS = re.compile(r"^(?:Usage:|[A-Z][a-z ]+:$)", re.MULTILINE)


class Command(QuickValues, TyperCommand):
    """A command with examples in its help."""

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002  (lines are folded, not cut off)
        """Return the summary: the first line of the help."""
        return (self.help or "").partition("\n")[0]

    def format_epilog(self, ctx: Theirs, formatter: Theirs) -> None:  # noqa: ARG002  (one signature for all)
        """Write the examples as they are typed, one a line."""
        _write_examples(self.epilog, formatter)

    def get_help(self, ctx: Theirs) -> str:
        """Return the help, with its headings in bold where that can be seen."""
        return _styled(super().get_help(ctx), ctx)


class Group(QuickValues, TyperGroup):
    """A group of commands; alone it shows its help."""

    def format_epilog(self, ctx: Theirs, formatter: Theirs) -> None:  # noqa: ARG002  (the same)
        """Write the group's examples, or the first one of each of its commands."""
        firsts = [(command.epilog or "").partition("\n")[0] for command in self.commands.values()]
        _write_examples(self.epilog or "\n".join(firsts), formatter)

    def get_help(self, ctx: Theirs) -> str:
        """Return the help, with its headings in bold where that can be seen."""
        return _styled(super().get_help(ctx), ctx)


class Commands(typer.Typer):
    """What a module of ``commands`` holds: the commands behind one word."""

    def __init__(self) -> None:
        super().__init__(cls=Group, add_completion=False, no_args_is_help=True, rich_markup_mode=None)

    def add(self, name: str, *examples: str) -> Callable[[Function], Function]:
        """Make a function a command; its docstring is the help, its first line the summary.

        Its parameters are options, or groups of them: see ``option_groups``.

        :param examples: whole command lines, at least one
        """
        make = self.command(name, cls=Command, epilog="\n".join(examples))

        def added(function: Function) -> Function:
            make(with_conn_id(spelled_out(function)))
            return function

        return added


def _write_examples(epilog: str | None, formatter: Theirs) -> None:
    if epilog:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in epilog.splitlines()))


def _styled(text: str, ctx: Theirs) -> str:
    return _HEADINGS.sub(_BOLD, text) if ctx.color is not False and has_colour(sys.stdout) else text
