"""A field has the value of its type wherever a template is rendered: in a send, a dry run, a test send, a request."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from integration.scenario import CODES, EVERYBODY, PROFILE, PUSH, SPEC, open_welcome
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.contacts.store import create_field, put_contact
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.rendering import render_messages, render_requests
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.contacts import Channel, Contact
from promo_campaigns.preview.dry_run import write_preview
from promo_campaigns.preview.test_message import render_test_messages
from promo_campaigns.preview.test_request import read_test_recipient, render_test_request

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

TEXT = "#set($x = $data.get('Bonus points') + 5)$x $expires.format('d MMMM yyyy')"
BODY = '{"points": $data.get(\'Bonus points\'), "born": $birthday}'
CAMPAIGN = replace(
    SPEC, message=replace(PUSH, body=TEXT), data_sources=(replace(PROFILE, body=BODY),), audience=EVERYBODY
)
FILE = b"code,expirationDate,discount,type,inUse\nCODE-1,2030-12-31,10,Welcome,false\n"


def add_typed_contact(store: Connection) -> int:
    points = create_field(store, "Bonus points", "number")
    born = create_field(store, "birthday", "date")
    values = {points.field_id: "1200", born.field_id: "1990-05-01"}
    who = Contact(channels=(Channel("mobilepush", "token"),), values=values, language="uk", time_zone="Asia/Tokyo")
    return put_contact(store, who)


def test_a_number_is_a_number_and_a_day_is_told_in_the_contact_s_language_everywhere(store: Connection) -> None:
    who = add_typed_contact(store)
    load_code_file(store, BytesIO(FILE), name="codes.csv", time_zone="America/New_York")
    campaign = CompiledCampaign(CAMPAIGN)
    written: list[Any] = []
    write_preview(store, campaign, [written.extend])
    (message,) = render_test_messages(store, campaign, [who], key="k").ready
    call = render_test_request(campaign.sources[0], read_test_recipient(store, who))
    run = open_welcome(store, spec=CAMPAIGN)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, [who], CODES)
    lease = ledger.begin_messages(run.run_id, [who], lease_s=60, resend_within_s=0)
    (message,), _ = render_messages(campaign.message, run, lease.recipients)
    (request,), _ = render_requests(campaign.sources[0].templates, run, lease.recipients)
    assert message.body == written[0].body == "1205 31 грудня 2030"
    assert message.body.startswith("1205 ")
    assert request.body == written[0].request_body == call.body == '{"points": 1200, "born": "1990-05-01"}'
