"""A workflow's message as one contact would get it, and the calls that would be made: for a person to look at.

Nothing is sent, and no code is given out: texts hold the placeholder.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from promo_campaigns.contacts.audiences import read_some_contacts
from promo_campaigns.contacts.store import read_contacts
from promo_campaigns.delivery.http_sender import KEY_HEADER
from promo_campaigns.delivery.rendering import render_messages
from promo_campaigns.http.shown_call import ShownCall, show_call
from promo_campaigns.ledger.lookups.senders import RUNS_LOOKED_AT
from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.model.errors import ConfigurationError, PromoError
from promo_campaigns.model.masking import PLACEHOLDER, mask
from promo_campaigns.model.redaction import redacted
from promo_campaigns.model.run import Mode, Run
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.model.typed.languages import nearest_text
from promo_campaigns.postgres.arrays import bigint_array
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries
from promo_campaigns.preview.dry_run import REASON, audience_parts, make_recipient
from promo_campaigns.preview.quiet_hours import PreviewHours
from promo_campaigns.preview.rows import KEY, SEND, SKIPPED, Candidate, Previewer
from promo_campaigns.preview.test_request import render_test_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign, CompiledSource
    from promo_campaigns.delivery.receivers import Receivers
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run import Recipient
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)
_LOOKED_AT = 50
"""Contacts of an audience among whom one is chosen who would be sent to."""
_ZONE, _HELD = 8, 9
_NOWHERE = "-"
"""Stands for the address of a contact who has none, so that the texts can be shown all the same."""


class NamedCall(NamedTuple):
    """A call that would be made for the contact.

    :ivar name: of the transport, or of the data source
    :ivar purpose: ``message``, ``answer`` (before the message) or ``profile`` (after it)
    """

    name: str
    purpose: str
    call: ShownCall


class Version(NamedTuple):
    """A message in one of its languages.

    :ivar language: its tag; None for the texts of everybody else
    :ivar name: its file
    """

    language: str | None
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message as one contact would get it. It holds values of a profile: never in XCom or logs.

    :ivar locator: the address it would go to; None if there is none
    :ivar code: the placeholder, or the mask of the code that the contact would be given again
    :ivar state: what a run would do: ``send``, ``skipped`` or ``rejected``
    :ivar reason: why nothing would be sent
    :ivar warnings: values that the texts read and the contact lacks, and what could not be shown
    :ivar calls: in the order in which they would be made
    """

    contact_id: int
    channel: str
    locator: str | None = field(repr=False)
    code: str
    expires_at: datetime
    state: str
    reason: str
    title: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    versions: tuple[Version, ...] = ()
    warnings: tuple[str, ...] = ()
    calls: tuple[NamedCall, ...] = ()

    def changed(self, change: Callable[[str], str]) -> ShownMessage:
        """Return it with each of its texts changed, such as ``without`` addresses."""
        calls = [
            one._replace(
                call=replace(
                    one.call,
                    url=change(one.call.url),
                    headers={name: change(value) for name, value in one.call.headers.items()},
                    body=change(one.call.body),
                )
            )
            for one in self.calls
        ]
        return replace(
            self,
            locator=None if self.locator is None else change(self.locator),
            title=change(self.title),
            body=change(self.body),
            html=change(self.html),
            options={name: change(value) for name, value in self.options.items()},
            calls=tuple(calls),
        )


def show_message(  # noqa: PLR0913  (what is shown and to whom, one keyword each)
    connection: Connection,
    campaign: CompiledCampaign,
    receivers: Receivers,
    *,
    contact_id: int | None = None,
    language: str | None = None,
    answers: Mapping[str, object] | None = None,
) -> ShownMessage:
    """Return the message of a campaign for a contact, by the way that a dry run and a test send go.

    :param contact_id: None for one of the audience, who would be sent to if one of its first would
    :param language: as if the contact's own were this one
    :param answers: examples of what data sources answer before the message, by their names
    :raises ConfigurationError: there is no such contact, or the audience is empty
    :raises DefinitionError: the audience's SELECT fails
    """
    with reading(connection):
        row = _row_of(connection, campaign, contact_id)
        hours = PreviewHours(connection, campaign.limits, at=None, send_by=None)
        reason, waits = str(row[REASON]), ""
        if not reason:
            reason, waits = hours.of(row[_ZONE])
    spec = campaign.spec
    expires_at = row[_HELD + 1] or datetime.now(tz=timezone.utc) + timedelta(days=max(spec.codes.days, 1))
    recipient = make_recipient(row, spec, expires_at, answers)
    recipient = replace(recipient, language=language) if language else recipient
    shown = ShownMessage(
        contact_id=recipient.contact_id,
        channel=spec.message.channel,
        locator=recipient.locator,
        code=mask(row[_HELD]) if row[_HELD] else PLACEHOLDER,
        expires_at=expires_at,
        state=SKIPPED if reason else SEND,
        reason=reason,
        versions=_versions(campaign, recipient.language),
    )
    return _with_texts(shown, campaign, receivers, replace(recipient, locator=recipient.locator or _NOWHERE), waits)


def hidden_values(connection: Connection, contact_id: int, *, reveal: bool = False) -> dict[str, str]:
    """Return what is shown in place of each value that a text about a contact may hold: its codes, and its addresses.

    :param reveal: addresses are shown; codes are masked in any case
    """
    return list_hidden_values(connection, [contact_id], reveal=reveal).get(contact_id, {})


def list_hidden_values(
    connection: Connection, contact_ids: Sequence[int], *, reveal: bool = False
) -> dict[int, dict[str, str]]:
    """Return the same for several contacts, by their ids."""
    hidden: dict[int, dict[str, str]] = {}
    if not reveal:
        hidden = {one["contact_id"]: _hidden_addresses(one) for one in read_contacts(connection, contact_ids)}
    asked = {"contact_ids": bigint_array(contact_ids), "limit": RUNS_LOOKED_AT}
    for row in connection.execute(_SQL["codes_of_contacts"], asked).fetchall():
        hidden.setdefault(row["contact_id"], {})[row["code"]] = mask(row["code"])
    return hidden


def _hidden_addresses(contact: Mapping[str, Any]) -> dict[str, str]:
    values = [str(one["value"]) for one in contact["channels"]]
    return {value: mask_value(value) for value in values if value}


def without(masks: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that puts masks into a text, for ``ShownMessage.changed``."""
    return lambda text: redacted(text, [], masks)


def _row_of(connection: Connection, campaign: CompiledCampaign, contact_id: int | None) -> tuple[Any, ...]:
    """Return a row of the preview audience: the contact's, or the first of a few who would be sent to."""
    spec = campaign.spec
    named = [contact_id] if contact_id is not None else read_some_contacts(connection, spec.audience, _LOOKED_AT)
    wanted = replace(spec, audience=Audience(name="shown", contact_ids=tuple(named)))
    with closing(audience_parts(connection, wanted, limits=campaign.limits)) as parts:
        rows = [row for part in parts for row in part]
    if not rows:
        msg = f"there is no contact {contact_id}" if contact_id is not None else "the audience is empty: name a contact"
        raise ConfigurationError(msg)
    return next((row for row in rows if not row[REASON]), rows[0])


def _versions(campaign: CompiledCampaign, language: str | None) -> tuple[Version, ...]:
    message = campaign.spec.message
    tags: dict[str, str | None] = {tag: tag for tag in message.variants}
    chosen = nearest_text(tags, language, None)
    named = [(None, message.name), *((tag, f"{message.name}.{tag}") for tag in message.variants)]
    return tuple(Version(tag, name, tag == chosen) for tag, name in named)


def _with_texts(
    shown: ShownMessage, campaign: CompiledCampaign, receivers: Receivers, recipient: Recipient, waits: str
) -> ShownMessage:
    """Render texts and calls; a contact that would be skipped is shown them all the same."""
    run = Run(run_id=0, run_key="shown", spec=campaign.spec, send_by=None, mode=Mode.REFUSE, closed=False)
    run = replace(run, pictures=campaign.pictures, unsubscribing=campaign.unsubscribing)
    ready, refused = render_messages(campaign.message, run, [recipient])
    if refused:
        reason = shown.reason or refused[0].detail
        return replace(shown, state=shown.state if shown.reason else "rejected", reason=reason)
    (message,) = ready
    message.idempotency_key = KEY
    (row,) = Previewer(campaign).rows([Candidate(recipient, "", "", waits)])
    told = [*filter(None, row.warnings.split("; "))]
    calls = _calls(campaign, receivers, recipient, message, told)
    if row.state != SEND and not shown.reason:
        shown = replace(shown, state=row.state, reason=row.reason)
    return replace(
        shown,
        title=message.title,
        body=message.body,
        html=message.html,
        options=message.options,
        warnings=tuple(dict.fromkeys(told)),
        calls=tuple(calls),
    )


def _calls(
    campaign: CompiledCampaign, receivers: Receivers, recipient: Recipient, message: OutgoingMessage, told: list[str]
) -> list[NamedCall]:
    before = [source for source in campaign.sources if source.definition.before]
    after = [source for source in campaign.sources if not source.definition.before]
    calls = [_of_source(source, "answer", receivers, recipient, told) for source in before]
    calls += [_of_transport(campaign.spec, receivers, message, told)]
    calls += [_of_source(source, "profile", receivers, recipient, told) for source in after]
    return [one for one in calls if one is not None]


def _of_transport(spec: RunSpec, receivers: Receivers, message: OutgoingMessage, told: list[str]) -> NamedCall | None:
    try:
        call = receivers.transport(spec).show(message)
    except Exception as error:  # noqa: BLE001  (a connection that Airflow has not, or whatever a package's own raises)
        told.append(f"the call of the transport {spec.transport} cannot be shown: {_why(error)}")
        return None
    return NamedCall(spec.transport, "message", call) if call else None


def _of_source(
    source: CompiledSource, purpose: str, receivers: Receivers, recipient: Recipient, told: list[str]
) -> NamedCall | None:
    name = source.definition.name
    try:
        call = render_test_request(source, recipient)
    except PromoError as error:
        told.append(str(error))
        return None
    call = replace(call, headers={**call.headers, KEY_HEADER: KEY})
    try:
        return NamedCall(name, purpose, show_call(receivers.endpoint(source.definition), call))
    except Exception as error:  # noqa: BLE001  (likewise)
        told.append(f"where {name} leads cannot be shown: {_why(error)}")
    shown = ShownCall(method=call.method, url=call.path, headers=call.headers, body=call.body)
    return NamedCall(name, purpose, shown)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, PromoError) else f"its connection is not there ({type(error).__name__})"
