"""``promo contacts``: load a file, make a field, look at a contact, close and open its channels, erase one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promo_campaigns.cli.commands.of_contacts import bounces, channels
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Sheet
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import reading_file
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
from promo_campaigns.model.load_report import named_by_json

if TYPE_CHECKING:
    from promo_campaigns.contacts.erasure import ErasureReport
    from promo_campaigns.contacts.file import ContactFileReport

app = Commands()
app.add("closed", *channels.CLOSED_EXAMPLES)(channels.closed)
app.add("close", *channels.CLOSE_EXAMPLES)(channels.close)
app.add("reopen", *channels.REOPEN_EXAMPLES)(channels.reopen)
app.add("reopen-failed", *channels.REOPEN_FAILED_EXAMPLES)(channels.reopen_failed)
app.add("bounces", *bounces.BOUNCES_EXAMPLES)(bounces.bounces)
_REASONS_SHOWN = 20


@app.add("load", "promo contacts load include/samples/contacts.csv", "promo contacts load contacts.csv --json")
def load(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSON or XLSX: externalId, language, timeZone, email, …")
    ],
    *,
    sheet: Sheet = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Load a file of contacts and print its report; the same file again changes nothing.

    The exit status is 1 if the file has rows and none of them was loaded.
    """
    from promo_campaigns.contacts.load import load_contact_file
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        try:
            with reading_file(file) as stream:
                report = load_contact_file(connection, stream, file=file.name, sheet=sheet)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
            raise ContactFileError(problem, file=str(file)) from error
    output.record(report.as_dict(), _in_words(report))
    return ExitStatus.NO if report.is_refused else ExitStatus.OK


def _in_words(report: ContactFileReport) -> str:
    counts = (
        f"{report.inserted:,} new, {report.updated:,} updated, {report.unchanged:,} unchanged, "
        f"{report.rejected:,} rejected"
    )
    lines = [f"{report.file}: {report.rows:,} rows: {counts}"]
    lines += [f"  {reason}" for reason in report.reasons(_REASONS_SHOWN)]
    if report.rejected > len(report.rejected_by_reason):
        lines.append(f"  {named_by_json(report.rejected)}")
    return "\n".join(lines)


def _field_types() -> list[str]:
    return list(FIELD_TYPES)


def _known_type(name: str) -> str:
    if name not in FIELD_TYPES:
        msg = f"there is no type {name!r}; choose one of {', '.join(FIELD_TYPES)}"
        raise typer.BadParameter(msg)
    return name


FieldType = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        callback=_known_type,
        autocompletion=_field_types,
        help=f"One of {', '.join(FIELD_TYPES)}.",
    ),
]


@app.add("field", 'promo contacts field "Promo code"', 'promo contacts field "Promo code" --type textfield --id 12345')
def field(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the field is called.")],
    *,
    field_type: FieldType = "textfield",
    field_id: Annotated[
        str, typer.Option("--id", metavar="N", help="The numeric id it shall have; else the next free one.")
    ] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is for.")] = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Create an additional field, or print the one of that name."""
    from promo_campaigns.contacts.store import create_field
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    try:
        number = clean_field_id(field_id) if field_id else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--id") from None
    with connect(find_dsn(dsn)) as connection:
        made = create_field(connection, name, field_type, field_id=number, description=description)
    output.record(asdict(made), f"field {made.field_id}  {made.name}  {made.type}")


@app.add("fields", "promo contacts fields", "promo contacts fields --json")
def list_all_fields(*, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """List the additional fields: id, name, type."""
    from promo_campaigns.contacts.store import list_fields
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        rows = [asdict(one) for one in list_fields(connection)]
    output.rows(rows, empty="There are no additional fields yet.", columns=("field_id", "name", "type"))


@app.add("show", "promo contacts show 1", "promo contacts show 1 --json --fields language,time_zone")
def show(
    contact_id: Annotated[int, typer.Argument(metavar="ID", help="The contact's own id.")],
    *,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Show a contact, its values masked."""
    from promo_campaigns.contacts.store import read_contacts
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        found = read_contacts(connection, [contact_id])
    if not found:
        problem = f"there is no contact {contact_id}"
        raise ContactError(problem)
    profile = _masked(found[0])
    output.record(profile, _profile_in_words(profile))


@app.add(
    "find",
    "promo contacts find customer-17",
    "promo contacts find ann@example.com",
    "promo contacts find 4915112345678 --by sms --json",
)
def find(
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its own id, its external id, or an address of it.")],
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="KIND", help="id, external-id, or a channel such as email; else all of them.")
    ] = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Find contacts by id, external id or the value of a channel; what is shown is masked.

    The exit status is 1 if there is none.
    """
    from promo_campaigns.contacts.store import find_contacts, read_contacts
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        found = find_contacts(connection, value, by=by)
        profiles = {one["contact_id"]: _masked(one) for one in read_contacts(connection, list(found))}
    rows = [_found(profiles[who], ways) for who, ways in sorted(found.items()) if who in profiles]
    output.rows(rows, empty=f"There is no such contact, by {by or 'id, external id, email, sms or mobilepush'}.")
    return ExitStatus.OK if rows else ExitStatus.NO


def _found(profile: dict[str, Any], ways: list[str]) -> dict[str, Any]:
    named = ("external_id", "first_name", "last_name", "language")
    listed = (
        f"{one['type']} {one['value']}" + (" (closed)" if "closed_at" in one else "") for one in profile["channels"]
    )
    channels = ", ".join(listed)
    shown = {name: profile[name] for name in named}
    return {"contact_id": profile["contact_id"], "found_by": ", ".join(ways), **shown, "channels": channels}


def _masked(contact: dict[str, Any]) -> dict[str, Any]:
    named = ("external_id", "first_name", "last_name", "language", "time_zone")
    return {
        "contact_id": contact["contact_id"],
        **{name: mask_value(contact[name]) if contact[name] else None for name in named},
        "channels": [_channel(one) for one in contact["channels"]],
        "fields": [
            {"id": one["id"], "name": one["name"], "value": mask_value(one["value"])} for one in contact["values"]
        ],
    }


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    shown = {"type": channel["type"], "value": mask_value(channel["value"])}
    closed = {name: channel[name] for name in ("closed_at", "closed_for", "closed_by") if channel.get(name)}
    return {**shown, **closed}


def _channel_in_words(channel: dict[str, Any]) -> str:
    if "closed_at" not in channel:
        return str(channel["value"])
    told = f" ({channel['closed_by']})" if "closed_by" in channel else ""
    return f"{channel['value']}  closed since {channel['closed_at'][:16]}: {channel['closed_for']}{told}"


def _profile_in_words(profile: dict[str, Any]) -> str:
    named = [(name.removesuffix("_id") if name == "contact_id" else name, profile[name]) for name in list(profile)[:6]]
    lines = [(name.replace("_", " "), str(value)) for name, value in named if value]
    lines += [(channel["type"], _channel_in_words(channel)) for channel in profile["channels"]]
    lines += [(f"field {one['id']} {one['name']}", one["value"]) for one in profile["fields"]]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


@app.add("erase", "promo contacts erase 17", "promo contacts erase --external-id customer-17")
def erase(
    contact_id: Annotated[int | None, typer.Argument(metavar="ID", help="The contact's own id.")] = None,
    *,
    external_id: Annotated[
        str | None, typer.Option("--external-id", metavar="X", help="Its external id, in place of its own.")
    ] = None,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Erase for good who a contact is; its codes stay given out."""
    if (contact_id is None) == (external_id is None):
        msg = "give the contact's own ID, or --external-id X"
        raise ConfigurationError(msg)
    from promo_campaigns.contacts.erasure import erase_contact, find_contact
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        known = find_contact(connection, contact_id=contact_id, external_id=external_id)
        if known is None:
            problem = "there is no such contact"
            raise ContactError(problem)
        report = erase_contact(connection, known)
    output.record(asdict(report), _erased_in_words(report))


def _erased_in_words(report: ErasureReport) -> str:
    if report.already:
        return f"contact {report.contact_id} was erased before"
    counts = f"{report.channels} channels, {report.field_values} field values, {report.messages} messages"
    return f"contact {report.contact_id} is erased: {counts}, and its place in {report.requests} requests that wait"


@app.add("readmit", "promo contacts readmit external-id customer-17", "promo contacts readmit email ann@example.com")
def readmit(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="external-id, or the channel it came back with, such as email.")
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The external id or the address.")],
    *,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Take up an erased contact again, as the same contact."""
    from promo_campaigns.contacts.erasure import readmit_contact
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    identity = _identity(kind, value)
    with connect(find_dsn(dsn)) as connection:
        contact_id = readmit_contact(connection, **identity)
    output.record({"contact_id": contact_id}, f"contact {contact_id} is taken up again")


def _identity(kind: str, value: str) -> dict[str, Any]:
    try:
        if kind == "external-id":
            return {"external_id": clean_external_id(value)}
        return {"channel": Channel(kind, clean_locator(clean_channel_type(kind), value))}
    except ValueError as error:
        raise ContactError(str(error)) from error
