"""The reference of the command: its help pages and exit statuses, as text and as one page of Markdown."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import typer

from promo_campaigns.cli.exit_status import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 100
_INTRODUCTION = """\
# The `promo` command

This page is `promo help reference`; a test holds that they agree.

"""


def exit_statuses() -> str:
    """Return the exit statuses and what they mean, as text."""
    gap = " " * 6
    return "\n".join(
        textwrap.fill(meaning, _WIDTH, initial_indent=f"{int(status):>4}  ", subsequent_indent=gap)
        for status, meaning in MEANINGS.items()
    )


def help_of(words: Sequence[str]) -> str:
    """Return the help of a command; of ``promo`` itself for no words.

    :raises TyperException: there is no such command
    """
    return str(_context(words).get_help())


def reference() -> str:
    """Return the whole reference as Markdown, whatever the terminal."""
    from promo_campaigns.cli.app import COMMANDS

    parts = [_INTRODUCTION + _page("promo", [])]
    table = [f"| {int(status)} | {meaning} |" for status, meaning in MEANINGS.items()]
    parts.append("\n".join(["## Exit statuses", "", "| status | meaning |", "| ---: | --- |", *table]))
    for name in COMMANDS:
        context = _context([name])
        parts.append(f"## promo {name}\n\n{COMMANDS[name]}")
        verbs = list(getattr(context.command, "commands", {}))
        parts += [_page(f"promo {name} {verb}", [name, verb]) for verb in verbs] or [_page("", [name])]
    return "\n\n".join(parts)


def _page(title: str, words: Sequence[str]) -> str:
    context = _context(words, color=False, terminal_width=_WIDTH)
    heading = f"### {title}\n\n" if len(words) > 1 else ""
    return f"{heading}```text\n{context.get_help()}\n```"


def _context(words: Sequence[str], **settings: Any) -> typer.Context:  # noqa: ANN401  (settings of a context)
    from promo_campaigns.cli.app import root

    command = root()
    context = typer.Context(command, info_name="promo", **command.context_settings, **settings)
    for word in words:
        if not hasattr(context.command, "resolve_command"):
            context.fail(f"{context.command_path} has no commands of its own")
        name, command, _ = context.command.resolve_command(context, [word])
        context = typer.Context(command, info_name=name, parent=context)
    return context
