"""Each contact is written to in its own language, in a dry run, a test send and a send alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from integration.scenario import CODES, PUSH, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.rendering import render_messages
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.run_spec import Variant
from promo_campaigns.preview.dry_run import write_diff, write_preview
from promo_campaigns.preview.test_message import render_test_messages

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

MESSAGE = replace(
    PUSH,
    title="Hi",
    body="until $expires.format('MMMM')",
    options={"sound": "bell"},
    variants={"uk": Variant(title="Вітаємо", body="3 коди", options={"sound": "дзвін"})},
)
CAMPAIGN = replace(SPEC, message=MESSAGE, data_sources=())


def test_a_contact_gets_the_texts_of_its_language(store: Connection) -> None:
    contacts = add_contacts(store, 4)
    for contact, language in zip(contacts, ("uk-UA", "de", None, "uk"), strict=True):
        store.execute("update promo.contact set language = %s where contact_id = %s", [language, contact])
    add_codes(store, 4)
    campaign = CompiledCampaign(CAMPAIGN)
    written: list[Any] = []
    report = write_preview(store, campaign, [written.extend])
    rendered = render_test_messages(store, campaign, contacts, key="k")
    run = open_welcome(store, spec=CAMPAIGN)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    ready, _ = render_messages(campaign.message, run, lease.recipients)
    assert [message.title for message in ready] == ["Вітаємо", "Hi", "Hi", "Вітаємо"]
    assert [message.contact_id for message in ready] == contacts
    assert [message.options["sound"] for message in ready] == ["дзвін", "bell", "bell", "дзвін"]
    assert (
        [message.title for message in rendered.ready] == [row.title for row in written] == [one.title for one in ready]
    )
    assert report.languages == {"promo_push.uk": 2, "promo_push": 2}
    assert sorted(one.title == "Вітаємо" for one in report.examples) == [False, True]
    german, nobody_s = (message.body for message in ready[1:3])
    assert german.startswith("until ")
    assert nobody_s.startswith("until ")


def test_two_versions_of_a_message_are_compared_in_each_language(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    store.execute("update promo.contact set language = 'uk' where contact_id = %s", [contacts[0]])
    add_codes(store, 2)
    new = replace(MESSAGE, variants={"uk": replace(MESSAGE.variants["uk"], title="Привіт")})
    rows: list[Any] = []
    write_diff(store, CAMPAIGN, [rows.extend], old=MESSAGE, new=new)
    assert rows == [(contacts[0], "title", "Вітаємо", "Привіт")]
