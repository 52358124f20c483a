"""``promo contacts``: load a file, make a field, look at a contact, erase one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.contact_rules import (
    FIELD_TYPES,
    clean_channel_type,
    clean_external_id,
    clean_field_id,
    clean_locator,
    mask_value,
)
from promo_campaigns.model.contacts import Channel
from promo_campaigns.model.errors import ConfigurationError, ContactError, ContactFileError

if TYPE_CHECKING:
    import argparse

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.contacts.file import ContactFileReport
    from promo_campaigns.model.contacts import Field

_LINES_SHOWN = 20
_NOTHING_LOADED = 1


def add_parser(nouns: Parsers) -> None:
    """Add ``promo contacts`` and its verbs."""
    parser = nouns.add_parser("contacts", help="load contacts and their fields, show or erase one")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)

    load = verbs.add_parser("load", help="load a file; status 1 when nothing was loaded; again it changes nothing")
    load.add_argument("file", type=Path, metavar="FILE", help="columns externalId, language, timeZone, email, ...")
    load.add_argument("--sheet", default="", metavar="NAME", help="the sheet of a workbook that has several")
    load.add_argument("--json", action="store_true", help="print the report as JSON")
    add_dsn_option(load)
    load.set_defaults(run=_load)

    field = verbs.add_parser("field", help="create an additional field, or print the one of that name")
    field.add_argument("name", metavar="NAME")
    field.add_argument("--type", choices=FIELD_TYPES, default="textfield")
    field.add_argument(
        "--id", type=clean_field_id, metavar="N", help="the numeric id it shall have; else the next free one"
    )
    field.add_argument("--description", default="", metavar="D")
    add_dsn_option(field)
    field.set_defaults(run=_field)

    fields = verbs.add_parser("fields", help="list the additional fields: id, name, type")
    add_dsn_option(fields)
    fields.set_defaults(run=_fields)

    show = verbs.add_parser("show", help="show a contact, its values masked")
    show.add_argument("id", type=int, metavar="ID", help="the contact's own id")
    add_dsn_option(show)
    show.set_defaults(run=_show)

    erase = verbs.add_parser("erase", help="erase for good who a contact is; its codes stay given out")
    erase.add_argument("id", type=int, nargs="?", metavar="ID", help="the contact's own id")
    erase.add_argument("--external-id", metavar="X", help="its external id, in place of its own")
    add_dsn_option(erase)
    erase.set_defaults(run=_erase)

    readmit = verbs.add_parser("readmit", help="take up an erased contact again, as the same contact")
    readmit.add_argument("kind", metavar="KIND", help="external-id, or the channel it came back with, such as email")
    readmit.add_argument("value", metavar="VALUE")
    add_dsn_option(readmit)
    readmit.set_defaults(run=_readmit)


def _load(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.load import load_contact_file
    from promo_campaigns.postgres.connection import connect

    path: Path = args.file
    try:
        with path.open("rb") as stream, connect(find_dsn(args)) as connection:
            report = load_contact_file(connection, stream, file=path.name, sheet=args.sheet)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise ContactFileError(problem, file=str(path)) from error
    print(json.dumps(report.as_dict(), ensure_ascii=False) if args.json else _in_words(report))
    return _NOTHING_LOADED if report.is_refused else 0


def _in_words(report: ContactFileReport) -> str:
    counts = (
        f"{report.inserted} new, {report.updated} updated, {report.unchanged} unchanged, {report.rejected} rejected"
    )
    lines = [f"{report.file}: {report.rows} rows: {counts}"]
    shown = report.rejects[:_LINES_SHOWN]
    lines += [f"  line {one.row}: {one.place + ': ' if one.place else ''}{one.reason}" for one in shown]
    if report.rejected > len(shown):
        lines.append(f"  and {report.rejected - len(shown)} more; --json lists the first 1,000")
    return "\n".join(lines)


def _field(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.store import create_field
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        field = create_field(connection, args.name, args.type, field_id=args.id, description=args.description)
    print(_field_line(field))
    return 0


def _fields(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.store import list_fields
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        for field in list_fields(connection):
            print(_field_line(field))
    return 0


def _field_line(field: Field) -> str:
    return f"{field.field_id}\t{field.name}\t{field.type}"


def _show(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.store import read_contacts
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        found = read_contacts(connection, [args.id])
    if not found:
        problem = f"there is no contact {args.id}"
        raise ContactError(problem)
    for name, value in _profile(found[0]):
        print(f"{name}\t{value}")
    return 0


def _erase(args: argparse.Namespace) -> int:
    if (args.id is None) == (args.external_id is None):
        msg = "give the contact's own ID, or --external-id X"
        raise ConfigurationError(msg)
    from promo_campaigns.contacts.erasure import erase_contact, find_contact
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        contact_id = find_contact(connection, contact_id=args.id, external_id=args.external_id)
        if contact_id is None:
            problem = "there is no such contact"
            raise ContactError(problem)
        report = erase_contact(connection, contact_id)
    if report.already:
        print(f"contact {report.contact_id} was erased before")
        return 0
    counts = f"{report.channels} channels, {report.field_values} field values, {report.messages} messages"
    print(f"contact {report.contact_id} is erased: {counts}, and its place in {report.requests} requests that wait")
    return 0


def _readmit(args: argparse.Namespace) -> int:
    from promo_campaigns.contacts.erasure import readmit_contact
    from promo_campaigns.postgres.connection import connect

    try:
        if args.kind == "external-id":
            identity: dict[str, Any] = {"external_id": clean_external_id(args.value)}
        else:
            locator = clean_locator(clean_channel_type(args.kind), args.value)
            identity = {"channel": Channel(args.kind, locator)}
    except ValueError as error:
        raise ContactError(str(error)) from error
    with connect(find_dsn(args)) as connection:
        print(f"contact {readmit_contact(connection, **identity)} is taken up again")
    return 0


def _profile(contact: dict[str, Any]) -> list[tuple[str, str]]:
    named = ("external_id", "first_name", "last_name", "language", "time_zone")
    lines = [("contact", str(contact["contact_id"]))]
    lines += [(name.replace("_", " "), mask_value(contact[name])) for name in named if contact[name]]
    lines += [(channel["type"], mask_value(channel["value"])) for channel in contact["channels"]]
    return lines + [(f"field {one['id']} {one['name']}", mask_value(one["value"])) for one in contact["values"]]
