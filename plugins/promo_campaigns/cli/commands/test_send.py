"""``promo test-send``: a message to named test contacts, with a code that nobody holds."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.campaign import Campaign
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import (
    INCLUDE,
    AsJson,
    CodeType,
    Connection,
    Days,
    Discount,
    Dsn,
    Fields,
    Include,
    Message,
    Workflow,
)
from promo_campaigns.cli.output import Output, printable
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.masking import mask
from promo_campaigns.model.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.delivery.receivers import Receivers
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.preview.test_message import Trial, TrialOutcome

app = Commands()

Contacts = Annotated[
    list[int], typer.Option("--contact", metavar="ID", help="A contact to send to; may be given 20 times.")
]
Send = Annotated[bool, typer.Option("--send", help="Really send it.")]
Transport = Annotated[str, typer.Option("--transport", metavar="NAME", help="The transport, without a workflow.")]
TransportConnId = Annotated[
    str, typer.Option("--transport-conn-id", metavar="ID", help="Its connection, without a workflow.")
]


@app.add(
    "test-send",
    "promo test-send welcome_push --contact 1 --contact 2",
    "promo test-send welcome_push --contact 1 --send",
    "promo test-send --message promo_push --contact 1 --json",
)
def send_test(
    workflow: Workflow = "",
    *,
    contact: Contacts,
    send: Send = False,
    message: Message = "",
    code_type: CodeType = "",
    discount: Discount = "",
    days: Days = "",
    transport: Transport = "inbox",
    transport_conn_id: TransportConnId = "",
    include: Include = INCLUDE,
    connection: Connection = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Show a message for test contacts, with a code nobody holds; send it only with --send.

    Nothing is sent while all sending is stopped. The exit status is 1 if one of the contacts cannot be sent to, or a
    message that was sent was not accepted.
    """
    # What a message shows of its code's kind, where no workflow says it.
    usual = ("", "", "") if workflow else ("Test", "0", "30")
    campaign = Campaign(
        workflow=workflow,
        message=message,
        type=code_type or usual[0],
        discount=discount or usual[1],
        days=days or usual[2],
        transport=transport,
        transport_conn_id=transport_conn_id,
        include=include,
        connection=connection,
        dsn=dsn,
    )
    return _test(campaign, contact, Output(as_json=as_json, fields=fields), send=send)


def _test(campaign: Campaign, contact: list[int], output: Output, *, send: bool) -> ExitStatus:
    spec = campaign.spec(contact_ids=contact)
    receivers = campaign.receivers()
    trial, rows = _render(campaign, spec, receivers, contact, quiet=not output.is_plain)
    if not send:
        if not output.is_plain:
            output.rows(rows, empty="Nobody is to be sent anything.")
        return ExitStatus.NO if trial.left_out else ExitStatus.OK
    _require_sending(campaign)
    with progress("Waiting for the receiver"):
        outcomes = asyncio.run(_send(trial, spec, receivers))
    _tell(outcomes, output)
    return ExitStatus.OK if all(one.outcome == "ok" for one in outcomes) else ExitStatus.NO


def _require_sending(campaign: Campaign) -> None:
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_message import require_sending

    with connect(find_dsn(campaign.dsn)) as connection:
        require_sending(connection)


def _render(
    campaign: Campaign, spec: RunSpec, receivers: Receivers, contact_ids: Sequence[int], *, quiet: bool
) -> tuple[Trial, list[dict[str, object]]]:
    """Render the messages, print them unless something else is to be printed, and return them to be sent and shown."""
    from promo_campaigns.definitions.definitions import require_carried
    from promo_campaigns.definitions.sample_answers import notes_on_answers, read_sample_answers
    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_message import new_trial_key, render_trial
    from promo_campaigns.preview.test_request import codes_held

    require_carried(campaign.include, spec.message, receivers.transport(spec))
    answers = read_sample_answers(campaign.include, spec)
    with connect(find_dsn(campaign.dsn)) as connection:
        key, compiled = new_trial_key(spec.workflow), CompiledCampaign(spec)
        trial = render_trial(connection, compiled, contact_ids, key=key, answers=answers)
        masks = {code: mask(code) for who in set(contact_ids) for code in codes_held(connection, who)}
    if not quiet:
        print("\n".join([printable(redacted(_shown(trial), [], masks), "\n\t"), *notes_on_answers(spec, answers)]))
    return trial, _rows(trial, masks)


async def _send(trial: Trial, spec: RunSpec, receivers: Receivers) -> list[TrialOutcome]:
    from promo_campaigns.preview.test_message import send_trial

    async with receivers.open_transport(spec) as transport:
        return await send_trial(trial, transport)


def _rows(trial: Trial, masks: dict[str, str]) -> list[dict[str, object]]:
    """Return the messages as rows, without the addresses they go to."""
    rows: list[dict[str, object]] = [
        {
            "contact_id": one.contact_id,
            "channel": one.channel,
            **{name: redacted(getattr(one, name) or "", [], masks) for name in ("title", "body", "html")},
            "left_out": None,
        }
        for one in trial.ready
    ]
    empty = {"channel": None, "title": None, "body": None, "html": None}
    return rows + [{"contact_id": who, **empty, "left_out": why} for who, why in sorted(trial.left_out.items())]


def _shown(trial: Trial) -> str:
    """Return the messages as text, without the addresses they go to."""
    parts = [
        "\n".join([f"contact {one.contact_id} ({one.channel})", one.title, "", one.body, *filter(None, [one.html])])
        for one in trial.ready
    ]
    return "\n\n".join([*parts, *(f"contact {who}: not sent, {why}" for who, why in sorted(trial.left_out.items()))])


def _tell(outcomes: list[TrialOutcome], output: Output) -> None:
    if not output.is_plain:
        output.rows([asdict(one) for one in outcomes], empty="Nobody was sent anything.")
        return
    print()
    for one in outcomes:
        print(f"contact {one.contact_id}: {one.outcome}" + (f" ({one.detail})" if one.detail else ""))
