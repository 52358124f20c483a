"""The ``promo`` command.

Each noun is a module of this package with ``add_parser(nouns)``, which adds its parser and sets ``run``, a function
from the parsed arguments to an exit status. A noun's module imports drivers and stores inside its functions, so that
``promo --help`` stays quick.

Exit status: 0 done; 1 a check did not hold; 2 the command could not be carried out.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from promo_campaigns import __version__
from promo_campaigns.cli import (
    audit,
    check,
    codes,
    contacts,
    data_source,
    db,
    events,
    inbox,
    preview,
    profile_api,
    runs,
    test_send,
    unknown,
    workflows,
)
from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOUNS = (
    *(audit, check, codes, contacts, data_source, db, events),
    *(inbox, preview, profile_api, runs, test_send, unknown, workflows),
)

_REFUSED = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status.

    :param argv: the arguments after the command's name; those of this process when left out
    """
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except PromoError as error:
        print(f"promo: {error}", file=sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="promo", description="Promo-code campaigns: codes, contacts and their store.")
    parser.add_argument("--version", action="version", version=f"promo {__version__}")
    nouns = parser.add_subparsers(metavar="COMMAND", required=True)
    for noun in NOUNS:
        noun.add_parser(nouns)
    return parser


__all__ = ["main"]
