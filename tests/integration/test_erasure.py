"""Erasing a contact on a real store: no trace of who it was, and no second code for it ever."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from integration.profile_server import contact, finished, serving
from integration.scenario import CODES, add_codes, open_welcome, states
from promo_campaigns.cli import main
from promo_campaigns.contacts.erasure import erase_contact, find_contact, readmit_contact
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.contacts.import_queue import accept_import, read_import, run_next_import
from promo_campaigns.contacts.import_request import ContactImport
from promo_campaigns.contacts.store import create_field, put_contact, read_contacts
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, read_batches
from promo_campaigns.model.contacts import WAS_ERASED, Channel, Contact, Matching, Row
from promo_campaigns.model.errors import ContactError, LeaseHeldError
from promo_campaigns.model.events import Event, Identity
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.postgres.audit import list_audit
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

CANARY = "canary"
EMAIL = Channel("email", "Canary.Person@example.com")
TOKEN = Channel("mobilepush", "canary-token", {"appId": "canary-app"})
PERSON = Contact(
    channels=(EMAIL, TOKEN),
    values={12345: "canary-value"},
    external_id="canary-17",
    first_name="Canary",
    last_name="McCanary",
    language="en-CANARY",
)
OTHER = Contact(channels=(Channel("email", "other@example.com"),), external_id="other")
PERSONAL_TABLES = {
    *("contact", "contact_channel", "contact_field_value", "contact_import"),
    *("inbox_message", "answer", "audience_value", "match_value", "event"),
}
TABLES_BY_CONTACT = {
    *PERSONAL_TABLES - {"contact_import"},
    *("assignment", "attempt", "event_queue", "first_share"),  # by id, in states, times and reasons that hold no value
    *("unknown_send", "unknown_send_shown"),  # the ids of assignments, and a view of them
    "erased_identity",  # what is kept on purpose: keyed digests
    "contact_address",  # it goes, see test_profile_contacts
    "shop_order",  # it goes, see test_profile_shop
    "contact_group_member",  # by id; the contact leaves its groups
    "restored_send",  # by id: which code a receiver told of
    "redemption",  # by id; an order is a digest from then on, see test_redemptions
}


@pytest.fixture
def person(store: Connection) -> int:
    """Add the contact to erase, and another."""
    create_field(store, "Promo code", "textfield", field_id=12345)
    put_contact(store, OTHER)
    return put_contact(store, PERSON)


def import_of(*contacts: Contact) -> ContactImport:
    rows = [Row(number, one) for number, one in enumerate(contacts)]
    return ContactImport(rows, Matching(channels=("email",), row_noun="position"))


def keep_message(store: Connection, contact_id: int) -> None:
    store.execute(
        "insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, title, body, html)"
        " values (gen_random_uuid(), %s, 'mobilepush', 'canary-token', 'Hi Canary', 'Canary, your code', '<p>Canary')",
        [contact_id],
    )


def open_over_everybody(store: Connection) -> Run:
    """Open a run over everybody."""
    add_codes(store, 5)
    return open_welcome(store)


def tables_with(store: Connection, text: str) -> set[str]:
    """Return the tables of the schema that hold the text in any column of any row, in any case."""
    names = store.execute("select tablename as name from pg_tables where schemaname = 'promo'").fetchall()
    found = set()
    for name in (row["name"] for row in names):
        query = psycopg.sql.SQL("select count(*) as n from promo.{} t where t::text ilike %s").format(
            psycopg.sql.Identifier(name)
        )
        row = store.execute(query, [f"%{text}%"]).fetchone()
        if row and row["n"]:
            found.add(name)
    return found


def test_no_table_of_the_schema_holds_a_trace_of_who_was_erased(store: Connection, person: int) -> None:
    keep_message(store, person)
    run = open_over_everybody(store)
    store.execute(
        "insert into promo.answer (run_id, contact_id, source, resend_counter, value) values (%s, %s, 0, 0, %s)",
        [run.run_id, person, '{"name": "Canary"}'],
    )
    store.execute(
        "insert into promo.audience_value (run_id, contact_id, value) values (%s, %s, %s)",
        [run.run_id, person, '{"name": ["text", "Canary"]}'],
    )
    store.execute(
        "insert into promo.match_value (run_id, contact_id, attributes) values (%s, %s, %s)",
        [run.run_id, person, '{"store": "Canary"}'],
    )
    identity = Identity(external_id=PERSON.external_id)
    add_event(store, Event(type="Paid", key="canary-key", identity=identity, params={"to": "Canary"}, token=uuid4()))
    session = accept_import(store, import_of(OTHER, PERSON), total=2, failures=[])
    accept_import(store, import_of(Contact(channels=(EMAIL,), last_name="canary again")), total=1, failures=[])
    assert tables_with(store, CANARY) == PERSONAL_TABLES
    report = erase_contact(store, person)
    assert (report.already, report.channels, report.field_values, report.messages, report.requests) == (
        *(False, 2, 1, 1),
        2,
    )
    assert tables_with(store, CANARY) == set()
    assert tables_with(store, "other@example.com") == {"contact_channel", "contact_import"}
    while run_next_import(store):
        pass
    status = read_import(store, session)
    assert status is not None
    assert (status.state, status.unchanged, status.inserted) == ("finished", 1, 0)


def test_every_table_that_knows_contacts_is_dealt_with(store: Connection) -> None:
    """A new table with a contact_id must be erased, or listed above with the reason why it need not be."""
    named = store.execute(
        "select table_name from information_schema.columns where table_schema = 'promo' and column_name = 'contact_id'"
    ).fetchall()
    assert {row["table_name"] for row in named} == TABLES_BY_CONTACT


def test_erasing_again_changes_nothing(store: Connection, person: int) -> None:
    erase_contact(store, person)
    everything = (
        "select (select jsonb_agg(c) from promo.contact c) as contacts, (select count(*) from promo.erased_identity)"
    )
    before = store.execute(everything).fetchone()
    report = erase_contact(store, person)
    assert (report.already, report.channels, report.field_values) == (True, 0, 0)
    assert store.execute(everything).fetchone() == before
    assert find_contact(store, external_id="canary-17") == person
    assert read_contacts(store, [person]) == []
    assert [(entry["action"], entry["subject"]) for entry in list_audit(store)] == [("erase", f"contact {person}")] * 2


@pytest.mark.parametrize(
    ("again", "place"),
    [
        (Contact(external_id="canary-17"), "externalCustomerId"),
        (Contact(channels=(Channel("email", "canary.PERSON@example.com"),)), "channels[0]"),
        (Contact(channels=(Channel("sms", "380501234567"), TOKEN), external_id="new"), "channels[1]"),
        (Contact(channels=(Channel("email", "other@example.com"), TOKEN)), "channels[1]"),
    ],
)
def test_an_erased_contact_is_recognised_and_refused(
    store: Connection, person: int, again: Contact, place: str
) -> None:
    erase_contact(store, person)
    with pytest.raises(ContactError) as refused:
        put_contact(store, again)
    assert (refused.value.problem, refused.value.place) == (WAS_ERASED, place)
    assert tables_with(store, CANARY) == set()


def test_the_same_locator_of_another_channel_is_somebody_else(store: Connection, person: int) -> None:
    erase_contact(store, person)
    assert put_contact(store, Contact(channels=(Channel("webpush", "canary-token"),))) != person


def test_a_file_and_a_bulk_request_refuse_the_erased_and_take_the_others(
    dsn: str, store: Connection, person: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    erase_contact(store, person)
    file = tmp_path / "contacts.csv"
    file.write_text(
        "externalId,email\nnew-1,new1@example.com\ncanary-17,new2@example.com\n,canary.person@example.com\n"
    )
    assert main(["contacts", "load", str(file), "--dsn", dsn]) == 0
    told = capsys.readouterr().out
    assert "1 new, 0 updated, 0 unchanged, 2 rejected" in told
    assert f"line 3: externalId: {WAS_ERASED}" in told
    assert f"line 4: email: {WAS_ERASED}" in told
    with serving(dsn) as client:
        body = {"contacts": [contact((EMAIL.type, EMAIL.value)), {"id": person, "firstName": "C"}], "dedupeOn": "email"}
        ended = finished(client, client.post("/contacts", json=body).json()["asyncSessionId"])
    assert (ended["created"], ended["updated"], ended["failed"]) == (0, 0, 2)
    assert tables_with(store, CANARY) == set()


def test_the_profile_api_erases_by_external_id(dsn: str, person: int, store: Connection) -> None:
    with serving(dsn) as client:
        gone = {"externalCustomerId": "canary-17", "erase": "true"}
        deleted = client.delete("/contact", params={"externalCustomerId": "canary-17"})
        assert deleted.json() == {"id": person}, "one that was deleted can still be erased"
        assert client.delete("/contact", params={"erase": "true"}).status_code == 400
        assert client.delete("/contact", params={**gone, "externalCustomerId": "nobody"}).status_code == 404
        assert [client.delete("/contact", params=gone).json() for _ in range(2)] == [{"id": person}] * 2
        assert client.get(f"/contact/{person}").status_code == 404
        refused = client.post("/contact", json=contact((EMAIL.type, EMAIL.value)))
        assert (refused.status_code, refused.json()["errors"][0]["message"]) == (400, WAS_ERASED)
        assert client.delete("/contact", params=gone, auth=("x", "wrong")).status_code == 401
    assert tables_with(store, CANARY) == set()
    assert {entry["actor"].split(" ")[0] for entry in list_audit(store)} == {"profile"}


def accepted(store: Connection, person: int) -> PostgresLedger:
    """Give everybody a code, and have their messages accepted."""
    add_codes(store, 5)
    store.execute("insert into promo.contact_channel (contact_id, type, value) select 1, 'mobilepush', 'other-token'")
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    contacts = [1, person]
    ledger.assign_codes(run.run_id, contacts, CODES)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=0)
    if held := [one.contact_id for one in lease.recipients]:
        with pytest.raises(LeaseHeldError, match=f"contact {person} is being sent to"):
            erase_contact(store, person)
        assert CANARY in str(read_contacts(store, [person]))
        ledger.record_message_outcomes(lease, [DeliveryResult(contact_id=one, outcome=Outcome.OK) for one in held])
    return ledger


def test_a_code_given_to_the_erased_stays_given_and_the_run_can_be_closed(store: Connection, person: int) -> None:
    ledger = accepted(store, person)
    [held] = store.execute(
        "select promo_code_id, issued_at from promo.promo_code join promo.assignment using (promo_code_id)"
        " where contact_id = %s",
        [person],
    ).fetchall()
    erase_contact(store, person)
    run = open_welcome(store)
    lease = ledger.begin_profiles(run.run_id, [1, person], lease_s=60)
    assert [one.contact_id for one in lease.recipients] == [1]
    limited = ledger.begin_profiles(run.run_id, [1, person], lease_s=60, limit=5)
    assert limited.recipients == []
    ledger.record_profile_outcomes(lease, [DeliveryResult(contact_id=1, outcome=Outcome.OK)])
    report = close_run(store, run.run_id)
    assert (report.tally.given, report.tally.recorded, report.tally.audience) == (2, 1, 2)
    assert check_invariants(store) == []
    [still] = store.execute(
        "select promo_code_id, issued_at from promo.promo_code join promo.assignment using (promo_code_id)"
        " where contact_id = %s",
        [person],
    ).fetchall()
    assert still == held


def test_the_erased_are_in_no_audience_and_skipped_where_they_were_in_one(store: Connection, person: int) -> None:
    add_codes(store, 5)
    run = open_welcome(store, "welcome/edition/before")
    erase_contact(store, person)
    [batch] = read_batches(store, run, 10)
    assert PostgresLedger(store).reachable_contacts(batch) == []
    assert states(store, run) == {"skipped": 2}
    assert states(store, open_welcome(store, "welcome/edition/after")) == {"pending": 1}


def test_a_write_that_began_before_does_not_come_after_the_erasure(dsn: str, store: Connection, person: int) -> None:
    """The writer has found the contact by its address when the erasure holds it, and waits for it."""
    problems = []
    began = threading.Event()

    def write() -> None:
        with connect(dsn) as writer:
            began.set()
            try:
                put_contact(writer, Contact(channels=(EMAIL, Channel("sms", "380501234567")), values={12345: "new"}))
            except ContactError as error:
                problems.append(error.problem)

    with store.transaction():
        store.execute("select from promo.contact where contact_id = %s for update", [person])
        rival = threading.Thread(target=write)
        rival.start()
        began.wait()
        while not waits(dsn):
            pass
        erase_contact(store, person)
    rival.join()
    assert problems == [WAS_ERASED]
    assert check_invariants(store) == []
    assert tables_with(store, "380501234567") == set()


def test_two_erasures_at_once_take_both_contacts_out_of_a_request_that_waits(
    dsn: str, store: Connection, person: int
) -> None:
    """The second has read the request before the first has changed it, and waits for it."""
    other = find_contact(store, external_id="other")
    assert other is not None
    accept_import(store, import_of(OTHER, PERSON), total=2, failures=[])

    def erase() -> None:
        with connect(dsn) as rival:
            erase_contact(rival, other)

    with store.transaction():
        erase_contact(store, person)
        second = threading.Thread(target=erase)
        second.start()
        while not waits(dsn):
            pass
    second.join()
    assert tables_with(store, CANARY) == set()
    assert tables_with(store, "other@example.com") == set()


def waits(dsn: str) -> bool:
    with connect(dsn) as other:
        row = other.execute(
            "select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ).fetchone()
    return bool(row and row["n"])


def test_a_readmitted_contact_is_the_same_one_and_what_it_was_given_counts(store: Connection, person: int) -> None:
    accepted(store, person)
    erase_contact(store, person)
    with pytest.raises(ContactError, match="no contact with this identifier was erased"):
        readmit_contact(store, external_id="nobody")
    assert readmit_contact(store, channel=EMAIL) == person
    assert put_contact(store, Contact(channels=(EMAIL,), external_id="canary-18")) == person
    row = store.execute("select count(*) as n from promo.assignment where contact_id = %s", [person]).fetchone()
    assert row == {"n": 1}
    assert check_invariants(store) == []


def test_the_commands(dsn: str, person: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contacts", "erase", "--external-id", "canary-17", "--dsn", dsn]) == 0
    assert capsys.readouterr().out.startswith(f"contact {person} is erased: 2 channels, 1 field values, 0 messages")
    assert main(["contacts", "erase", str(person), "--dsn", dsn]) == 0
    assert capsys.readouterr().out == f"contact {person} was erased before\n"
    assert main(["contacts", "show", str(person), "--dsn", dsn]) == 2
    assert main(["contacts", "erase", "--dsn", dsn]) == 2
    assert main(["contacts", "erase", "999", "--dsn", dsn]) == 2
    capsys.readouterr()
    assert main(["contacts", "readmit", "external-id", "canary-17", "--dsn", dsn]) == 0
    assert capsys.readouterr().out == f"contact {person} is taken up again\n"
    assert main(["contacts", "show", str(person), "--dsn", dsn]) == 0
