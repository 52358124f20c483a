"""``promo test-send``: a message to named test contacts, with a code that nobody holds."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.campaign import Campaign
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import CampaignOptions, OutputOptions
from promo_campaigns.cli.output import Output, printable
from promo_campaigns.cli.progress import progress
from promo_campaigns.model.masking import mask
from promo_campaigns.model.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.delivery.receivers import Receivers
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.preview.test_message import RenderedMessages, SendTestResult

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
    given: CampaignOptions,
    *,
    contact: Contacts,
    send: Send = False,
    transport: Transport = "inbox",
    transport_conn_id: TransportConnId = "",
    form: OutputOptions,
) -> ExitStatus:
    """Show a message for test contacts, with a code nobody holds; send it only with --send.

    Nothing is sent while all sending is stopped. The exit status is 1 if one of the contacts cannot be sent to, or a
    message that was sent was not accepted.
    """
    campaign = replace(Campaign.given(given), transport=transport, transport_conn_id=transport_conn_id)
    if not campaign.workflow:  # what a message shows of its code's kind, where no workflow says it
        campaign = replace(
            campaign, type=campaign.type or "Test", discount=campaign.discount or "0", days=campaign.days or "30"
        )
    return _test(campaign, contact, form.output(), send=send)


def _test(campaign: Campaign, contact: list[int], output: Output, *, send: bool) -> ExitStatus:
    spec = campaign.spec(contact_ids=contact)
    receivers = campaign.receivers()
    rendered, rows = _render(campaign, spec, receivers, contact, quiet=not output.is_plain)
    if not send:
        if not output.is_plain:
            output.rows(rows, empty="Nobody is to be sent anything.")
        return ExitStatus.NO if rendered.left_out else ExitStatus.OK
    _require_sending(campaign)
    with progress("Waiting for the receiver"):
        outcomes = asyncio.run(_send(rendered, spec, receivers))
    _tell(outcomes, output)
    return ExitStatus.OK if all(one.outcome == "ok" for one in outcomes) else ExitStatus.NO


def _require_sending(campaign: Campaign) -> None:
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_message import require_sending

    with connect(find_dsn(campaign.dsn)) as connection:
        require_sending(connection)


def _render(
    campaign: Campaign, spec: RunSpec, receivers: Receivers, contact_ids: Sequence[int], *, quiet: bool
) -> tuple[RenderedMessages, list[dict[str, object]]]:
    """Render the messages, print them unless something else is to be printed, and return them to be sent and shown."""
    from promo_campaigns.definitions.definitions import require_carried
    from promo_campaigns.definitions.sample_answers import notes_on_answers, read_sample_answers
    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.test_message import new_run_key, render_test_messages
    from promo_campaigns.preview.test_request import codes_held

    require_carried(campaign.include, spec.message, receivers.transport(spec))
    answers = read_sample_answers(campaign.include, spec)
    with connect(find_dsn(campaign.dsn)) as connection:
        key, compiled = new_run_key(spec.workflow), CompiledCampaign(spec)
        rendered = render_test_messages(connection, compiled, contact_ids, key=key, answers=answers)
        masks = {code: mask(code) for who in set(contact_ids) for code in codes_held(connection, who)}
    if not quiet:
        print("\n".join([printable(redacted(_shown(rendered), [], masks), "\n\t"), *notes_on_answers(spec, answers)]))
    return rendered, _rows(rendered, masks)


async def _send(rendered: RenderedMessages, spec: RunSpec, receivers: Receivers) -> list[SendTestResult]:
    from promo_campaigns.preview.test_message import send_test_messages

    async with receivers.open_transport(spec) as transport:
        return await send_test_messages(rendered, transport)


def _rows(rendered: RenderedMessages, masks: dict[str, str]) -> list[dict[str, object]]:
    """Return the messages as rows, without the addresses they go to."""
    rows: list[dict[str, object]] = [
        {
            "contact_id": one.contact_id,
            "channel": one.channel,
            **{name: redacted(getattr(one, name) or "", [], masks) for name in ("title", "body", "html")},
            "left_out": None,
        }
        for one in rendered.ready
    ]
    empty = {"channel": None, "title": None, "body": None, "html": None}
    return rows + [{"contact_id": who, **empty, "left_out": why} for who, why in sorted(rendered.left_out.items())]


def _shown(rendered: RenderedMessages) -> str:
    """Return the messages as text, without the addresses they go to."""
    parts = [
        "\n".join([f"contact {one.contact_id} ({one.channel})", one.title, "", one.body, *filter(None, [one.html])])
        for one in rendered.ready
    ]
    return "\n\n".join([*parts, *(f"contact {who}: not sent, {why}" for who, why in sorted(rendered.left_out.items()))])


def _tell(outcomes: list[SendTestResult], output: Output) -> None:
    if not output.is_plain:
        output.rows([asdict(one) for one in outcomes], empty="Nobody was sent anything.")
        return
    print()
    for one in outcomes:
        print(f"contact {one.contact_id}: {one.outcome}" + (f" ({one.detail})" if one.detail else ""))
