"""The command ``promo`` itself: which commands there are, each loaded only when it is run or asked about."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command

from promo_campaigns import __version__
from promo_campaigns.cli.groups import Command, Group

if TYPE_CHECKING:
    from promo_campaigns.cli.quick_values import Theirs

COMMANDS = {
    "api-key": "Make, list and revoke keys of the profile API's clients.",
    "audit": "List who exported codes, erased a contact or changed by hand what a campaign does, newest first.",
    "check": "Check the promises of the ledger.",
    "codes": "Load files of promo codes or generate them, withdraw them, count the stock.",
    "contacts": "Load contacts and their fields, show or erase one, close and open channels.",
    "data-source": "Try a data source.",
    "db": "Start, stop and migrate the database.",
    "doctor": "Look at all that a campaign needs, and say what to do about what is wrong.",
    "events": "List events and what became of them, see who listens, and purge old ones.",
    "help": "Show the help of a command, or a topic such as exit-status.",
    "inbox": "List the newest messages that the inbox transport kept, or read a contact's.",
    "init": "Put DAGs, campaign files and a code inbox into an Airflow project, and say what to do next.",
    "preview": "Show what a campaign would send to whom; nothing is sent or consumed.",
    "profile-api": "Serve the profile API.",
    "redemptions": "Load what a shop says of used codes, report it, and list what is odd.",
    "retention": "Show what is older than it is kept, and archive or drop it.",
    "runs": "List, pause, cancel, report, approve, export and measure runs.",
    "sending": "Stop all sending with one switch, and start it again.",
    "test-send": "Show a message for test contacts, with a code nobody holds; send it only with --send.",
    "unknown": "List sends whose outcome is unknown, and record what became of them.",
    "workflows": "List and check the workflow files, print their schema.",
}
"""Summary of each command by its name."""

_INSIDE = {"retention": "of_store.retention"}
"""Commands that are in a room inside, by their names."""

_EXAMPLES = """\
promo codes load include/samples/promo_codes.csv
promo codes stock --json --fields type,free
promo help exit-status"""


class LazyGroup(Group):
    """Knows its commands by their summaries, and loads the one that is run."""

    def __init__(self, **attributes: Theirs) -> None:
        super().__init__(**attributes)
        self.commands = {name: Command(name, help=summary) for name, summary in COMMANDS.items()}

    def resolve_command(self, ctx: Theirs, args: list[str]) -> tuple[str | None, Theirs, list[str]]:
        """Find the command that some words name, and load it."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else stub, rest


def load(name: str) -> Theirs:
    """Load a command by its name."""
    place = _INSIDE.get(name, name.replace("-", "_"))
    module = import_module(f"promo_campaigns.cli.commands.{place}")
    command = get_command(module.app)
    command.name = name
    command.help = command.help or COMMANDS[name]
    return command


@cache
def root() -> Theirs:
    """Return the command ``promo``."""
    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        epilog=_EXAMPLES,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(promo)
    return get_command(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  (how Typer calls it)
    if wanted:
        print(f"promo {__version__}")
        raise typer.Exit


def promo(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Promo-code campaigns: codes, contacts and their store.

    Commands find the database by --dsn, else by AIRFLOW_CONN_PROMO_DB, else it is the running demo's.
    """
