"""``promo help``: the help of any command, and what is not a command's."""

from __future__ import annotations

from typing import Annotated

import typer

from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.reference import exit_statuses, help_of, reference

app = Commands()
_TOPICS = {"exit-status": exit_statuses, "reference": reference}


def _words(incomplete: str) -> list[str]:
    from promo_campaigns.cli.app import COMMANDS

    return [word for word in [*COMMANDS, *_TOPICS] if word.startswith(incomplete)]


@app.add("help", "promo help codes load", "promo help exit-status", "promo help reference > command.md")
def show_help(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="A command; or exit-status; or reference, which is all help as Markdown.",
            autocompletion=_words,
        ),
    ] = None,
) -> None:
    """Show the help of a command, or a topic such as exit-status."""
    topic = _TOPICS.get(" ".join(words or []))
    print(topic() if topic else help_of(words or []))
