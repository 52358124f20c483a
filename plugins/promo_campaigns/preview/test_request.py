"""Test requests: one request of a data source for a person to look at, with the placeholder code."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from promo_campaigns.contacts.store import read_contacts
from promo_campaigns.delivery.bulk import BATCH
from promo_campaigns.delivery.http_sender import KEY_HEADER
from promo_campaigns.delivery.pictures import add_pictures
from promo_campaigns.delivery.success_rule import SuccessRule, read_json
from promo_campaigns.http.client import Answer, Call, HttpClient
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.picture_link import PictureLinks
from promo_campaigns.model.run import Recipient
from promo_campaigns.model.template_context import message_context
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.delivery.compiled_campaign import CompiledSource
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.outcome import Outcome
    from promo_campaigns.model.run_spec import DataSource
    from promo_campaigns.postgres.connection import Connection

SHOWN_CHARACTERS = 4_000
EXAMPLE_URL = "https://pictures.example"
"""Stands in links to pictures for the address that a workflow would say."""
_WAIT_S = 60.0
_PHONE = re.compile(r"[+(]?[0-9][0-9 ()./-]{5,24}")
_SQL = queries(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a test request. Never logged.

    :ivar outcome: what the answer proves by the data source's success rule
    """

    outcome: Outcome
    detail: str
    status: int
    seconds: float
    body: bytes = field(repr=False)


def read_test_recipient(connection: Connection, contact_id: int) -> Recipient:
    """Return a contact as a template sees it, with the placeholder for a code and the newest locator.

    :raises ConfigurationError: there is no such contact
    """
    found = read_contacts(connection, [contact_id])
    if not found:
        msg = f"there is no contact {contact_id}; promo contacts load FILE makes some"
        raise ConfigurationError(msg)
    contact: dict[str, Any] = found[0]
    channels: list[dict[str, Any]] = contact["channels"]
    return _recipient(
        contact_id,
        external_id=contact["external_id"],
        first_name=contact["first_name"],
        last_name=contact["last_name"],
        language=contact["language"],
        locator=channels[-1]["value"] if channels else None,
        fields={str(one["name"]): (str(one["type"]), str(one["value"])) for one in contact["values"]},
        time_zone=contact["time_zone"],
    )


def list_addresses(connection: Connection, contact_id: int) -> list[str]:
    """Return the e-mail addresses and phone numbers of a contact, as they are stored and as digits alone."""
    values = [
        str(channel["value"]) for found in read_contacts(connection, [contact_id]) for channel in found["channels"]
    ]
    phones = [value for value in values if _PHONE.fullmatch(value)]
    digits = [re.sub(r"[^0-9]", "", phone) for phone in phones]
    return [*(value for value in values if "@" in value), *phones, *digits]


def codes_held(connection: Connection, contact_id: int) -> list[str]:
    """Return the codes a contact holds, which an answer may show."""
    rows = connection.execute(_SQL["codes_held"], {"contact_id": contact_id}).fetchall()
    return [str(row["code"]) for row in rows]


def render_test_request(source: CompiledSource, recipient: Recipient | None, body: str | None = None) -> Call:
    """Render a request; one for many contacts is rendered for one.

    :param source: a data source by itself, or of a campaign that is compiled already
    :param recipient: the contact; None for no contact in particular
    :param body: sent as it is, in place of the source's own
    :raises ConfigurationError: it cannot be rendered
    """
    definition, templates = source.definition, source.templates
    who = recipient or _recipient(0)
    values = message_context(who)
    add_pictures(values, who, PictureLinks(url=source.pictures_url or EXAMPLE_URL))
    context = {BATCH: [values], "data": {BATCH: [values]}} if definition.records_per_request else values
    parts = {**templates.headers, "path": templates.path, **({} if body is not None else {"body": templates.body})}
    rendered: dict[str, str] = {}
    for name, template in parts.items():
        (text,) = template.render_many([context])
        if not isinstance(text, str):
            msg = f"data source {definition.name!r} cannot be rendered: {name}: {text}"
            raise ConfigurationError(msg)
        rendered[name] = text
    headers = {name: rendered[name] for name in templates.headers}
    return Call(
        method=definition.method,
        path=rendered["path"],
        headers={**headers, KEY_HEADER: str(uuid.uuid4())},
        body=rendered["body"] if body is None else body,
    )


async def make_test_request(source: DataSource, endpoint: Endpoint, call: Call) -> Reply:
    """Send a request once, and apply the success rule to the answer.

    :raises SendError: the host has a private address and the endpoint does not allow one
    """
    client, begun_at = HttpClient(endpoint), time.monotonic()
    async with client.connected():
        (answer,) = await client.send_all([call], deadline=begun_at + _WAIT_S)
    outcome, detail = _apply_rule(source, answer)
    if answer.look_at and outcome is answer.outcome:
        detail = f"{detail}; {answer.look_at}"
    return Reply(
        outcome=outcome,
        detail=detail,
        status=answer.status,
        seconds=time.monotonic() - begun_at,
        body=answer.body,
    )


def _apply_rule(source: DataSource, answer: Answer) -> tuple[Outcome, str]:
    return SuccessRule(source).outcome(answer, read_json(answer.body))


def _recipient(contact_id: int, **known: Any) -> Recipient:  # noqa: ANN401  (fields of Recipient)
    nothing = dict.fromkeys(("external_id", "first_name", "last_name", "language", "locator", "fields"))
    return Recipient(
        **{**nothing, **known},
        contact_id=contact_id,
        resend_counter=0,
        code=PLACEHOLDER,
        code_type="Test",
        discount=0,
        expires_at=datetime.now(timezone.utc) + timedelta(days=30),
    )
