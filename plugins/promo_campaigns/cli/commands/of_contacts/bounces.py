"""``promo contacts bounces``: mails that came back, and complaints that came as mails."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.options import AsJson, Dsn, Fields
from promo_campaigns.cli.output import Output
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.delivery.bounces.hearing import Heard
    from promo_campaigns.postgres.connection import Connection

BOUNCES_EXAMPLES = (
    "promo contacts bounces bounces.mbox",
    "promo contacts bounces ~/Maildir/new/*",
    "promo contacts bounces - < mail.eml",
)
_AT_ONCE = 1_000
"""Reports that are heard in one statement."""


@dataclass
class _Told:
    """What the mails said, in counts."""

    mails: int = 0
    closed: int = 0
    unchanged: int = 0
    unknown: int = 0
    passing: int = 0
    others: int = 0

    def add(self, heard: Heard) -> None:
        self.closed += heard.closed
        self.unchanged += heard.unchanged
        self.unknown += heard.unknown


def bounces(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Mails or mboxes; - for standard input.")],
    *,
    by_address: Annotated[
        bool,
        typer.Option(
            "--by-address",
            help="Believe also reports of mails that cannot be traced: for a mailbox that nobody else can write to.",
        ),
    ] = False,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Close the channels of mails that came back for good, and of complaints; the same mails again change nothing.

    Reports are read as RFC 3464 and RFC 5965 have them. One of a mail that was not sent from here is passed over.
    """
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    told = _Told()
    with connect(find_dsn(dsn)) as connection:
        for name in files:
            with _opened(name) as stream:
                _hear(connection, stream, told, by_address=by_address)
    output.record(asdict(told), _in_words(told))


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as stream:
            yield stream
    except OSError as error:
        problem = f"{name}: cannot be read: {error.strerror}; name files of mails"
        raise ConfigurationError(problem) from None


def _hear(connection: Connection, stream: BinaryIO, told: _Told, *, by_address: bool) -> None:
    from promo_campaigns.delivery.bounces.hearing import hear_reports
    from promo_campaigns.delivery.bounces.mail_files import split_mails
    from promo_campaigns.delivery.bounces.reports import MailReport, read_mail

    waiting: list[MailReport] = []
    for mail in split_mails(stream):
        read = read_mail(mail)
        told.mails += 1
        told.passing += read.passing
        told.others += not read.is_report
        waiting += read.reports
        if len(waiting) >= _AT_ONCE:
            told.add(hear_reports(connection, waiting, by_address=by_address))
            waiting = []
    told.add(hear_reports(connection, waiting, by_address=by_address))


def _in_words(told: _Told) -> str:
    lines: Sequence[tuple[int, str]] = (
        (told.closed, "closed"),
        (told.unchanged, "closed before, or opened again since"),
        (told.unknown, "of no mail of ours, or of an address that its contact has no more"),
        (told.passing, "of what may pass, or closes nothing"),
        (told.others, "no reports"),
    )
    return "\n".join([f"{told.mails:,} mails", *(f"{count:>7,}  {words}" for count, words in lines if count)])
