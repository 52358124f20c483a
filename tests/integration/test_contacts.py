"""Contacts in a real store, one at a time and by the batch: both ways must answer alike."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.cli import main
from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.contacts.store import create_field, list_fields, put_contact, read_contacts
from promo_campaigns.model.contact_rules import FIELD_TYPES
from promo_campaigns.model.contacts import SINGLE_CHANNELS, Channel, Contact, Matching, Row
from promo_campaigns.model.errors import ConfigurationError, ContactError
from promo_campaigns.postgres.connection import Connection, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Put = Callable[[Connection, Contact], int]


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    with connect(dsn) as connection:
        yield connection


def put_alone(connection: Connection, contact: Contact) -> int:
    return put_contact(connection, contact)


def put_in_batch(connection: Connection, contact: Contact) -> int:
    """Put the contact among two others, and tell a refusal as the single way does."""
    crowd = [Contact(external_id="crowd-1"), contact, Contact(external_id="crowd-2")]
    report = put_contacts(connection, [Row(number, one) for number, one in enumerate(crowd)])
    if report.rejects:
        raise ContactError(report.rejects[0].reason, place=report.rejects[0].place)
    owner = connection.execute(
        "select contact_id from promo.contact where external_id = %s"
        " union select contact_id from promo.contact_channel where value = any (%s)",
        (contact.external_id, [channel.value for channel in contact.channels]),
    ).fetchone()
    assert owner
    return int(owner["contact_id"])


@pytest.fixture(params=[put_alone, put_in_batch])
def put(request: pytest.FixtureRequest) -> Put:
    chosen: Put = request.param
    return chosen


def read(connection: Connection, contact_id: int) -> dict[str, Any]:
    (contact,) = read_contacts(connection, [contact_id])
    return contact


EMAIL = Channel("email", "Ann@Example.com")
PHONE = Channel("sms", "380501234567")
TOKEN = Channel("mobilepush", "token-a", {"os": "android"})


def test_a_new_contact_is_kept_as_sent(store: Connection, put: Put) -> None:
    field = create_field(store, "Promo code", "textfield")
    sent = Contact((EMAIL, PHONE, TOKEN), {field.field_id: "WELCOME"}, "ext-1", "Ann", "Lee", "en")
    contact = read(store, put(store, sent))
    assert contact["channels"] == [
        {"type": "email", "value": "Ann@Example.com", "device": None},
        {"type": "mobilepush", "value": "token-a", "device": {"os": "android"}},
        {"type": "sms", "value": "380501234567", "device": None},
    ]
    assert contact["values"] == [{"id": field.field_id, "name": "Promo code", "type": field.type, "value": "WELCOME"}]
    assert (contact["external_id"], contact["first_name"], contact["last_name"]) == ("ext-1", "Ann", "Lee")


def test_an_address_finds_its_contact_in_any_case_and_what_is_not_sent_stays(store: Connection, put: Put) -> None:
    first = put(store, Contact((EMAIL, PHONE), external_id="ext-1", first_name="Ann", last_name="Lee", language="en"))
    assert put(store, Contact((Channel("email", "ANN@example.com"),), first_name="Anna")) == first
    contact = read(store, first)
    assert (contact["first_name"], contact["last_name"], contact["language"]) == ("Anna", "Lee", "en")
    assert [channel["value"] for channel in contact["channels"] if channel["type"] == "sms"] == ["380501234567"]


def test_a_token_is_compared_exactly(store: Connection, put: Put) -> None:
    first = put(store, Contact((TOKEN,)))
    assert put(store, Contact((Channel("mobilepush", "TOKEN-A"),))) != first


def test_a_new_address_replaces_the_old_and_a_new_token_joins_the_old(store: Connection, put: Put) -> None:
    contact_id = put(store, Contact((EMAIL, TOKEN), external_id="ext-1"))
    sent = (Channel("email", "new@example.com"), Channel("mobilepush", "token-b"))
    assert put(store, Contact(sent, external_id="ext-1")) == contact_id
    channels = {(channel["type"], channel["value"]) for channel in read(store, contact_id)["channels"]}
    assert channels == {("email", "new@example.com"), ("mobilepush", "token-a"), ("mobilepush", "token-b")}


def test_an_unknown_external_id_is_given_to_the_contact_that_has_none(store: Connection, put: Put) -> None:
    contact_id = put(store, Contact((EMAIL,)))
    assert put(store, Contact((EMAIL,), external_id="ext-1")) == contact_id
    assert read(store, contact_id)["external_id"] == "ext-1"


@pytest.mark.parametrize(
    "sent",
    [
        Contact((EMAIL, PHONE)),
        Contact((PHONE,), external_id="ext-1"),
        Contact((EMAIL,), external_id="ext-9"),
        Contact((Channel("mobilepush", "unknown"), EMAIL, PHONE)),
    ],
    ids=["two channels", "external id and channel", "channel of another external id", "after an unknown one"],
)
def test_identifiers_of_two_contacts_are_refused_and_change_nothing(store: Connection, put: Put, sent: Contact) -> None:
    ann = put(store, Contact((EMAIL,), external_id="ext-1", first_name="Ann"))
    bob = put(store, Contact((PHONE,), external_id="ext-2", first_name="Bob"))
    before = [read(store, ann), read(store, bob)]
    with pytest.raises(ContactError, match="belongs to") as caught:
        put(store, sent)
    assert "ample.com" not in str(caught.value)
    assert [read(store, ann), read(store, bob)] == before


def test_the_same_contact_twice_writes_nothing(store: Connection, put: Put) -> None:
    field = create_field(store, "Promo code", "textfield")
    sent = Contact((EMAIL, PHONE, TOKEN), {field.field_id: "WELCOME"}, "ext-1", "Ann", "Lee", "en")
    put(store, sent)
    before = _row_versions(store)
    put(store, sent)
    assert _row_versions(store) == before


def _row_versions(connection: Connection) -> list[Any]:
    """Where each row lies and who wrote it: a row that is written anew moves."""
    return connection.execute(
        "select 'c', ctid, xmin from promo.contact union all select 'h', ctid, xmin from promo.contact_channel"
        " union all select 'v', ctid, xmin from promo.contact_field_value order by 1, 2"
    ).fetchall()


def test_an_empty_value_empties_the_field(store: Connection, put: Put) -> None:
    field = create_field(store, "Promo code", "textfield")
    contact_id = put(store, Contact((EMAIL,), {field.field_id: "WELCOME"}))
    put(store, Contact((EMAIL,), {field.field_id: None}))
    assert read(store, contact_id)["values"] == []


def test_one_new_locator_put_by_many_at_once_makes_one_contact(dsn: str, put: Put) -> None:
    gate = threading.Barrier(8)
    made: list[int] = []

    def upsert(turn: int) -> None:
        with connect(dsn) as connection:
            gate.wait()
            made.append(put(connection, Contact((EMAIL, TOKEN), first_name=f"Ann {turn}")))

    threads = [threading.Thread(target=upsert, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1


def test_batches_in_opposite_order_at_once_lose_no_row(dsn: str) -> None:
    people = [Contact((Channel("email", f"p{n}@example.com"), Channel("sms", f"3805000{n:05}"))) for n in range(400)]
    gate = threading.Barrier(4)
    reports = []

    def load(turn: int) -> None:
        with connect(dsn) as connection:
            ordered = people if turn % 2 else people[::-1]
            gate.wait()
            reports.append(put_contacts(connection, [Row(number, one) for number, one in enumerate(ordered)]))

    threads = [threading.Thread(target=load, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.inserted for report in reports) == [0, 0, 0, 400]
    assert sum(report.unchanged for report in reports) == 1200


def test_a_later_row_of_the_same_contact_is_refused_whichever_identifier_they_share(store: Connection) -> None:
    known = put_contact(store, Contact((EMAIL, PHONE), external_id="ext-1"))
    rows = [
        Row(10, Contact(external_id="ext-1", first_name="Ann")),
        Row(11, Contact((PHONE,), first_name="Not this")),
        Row(12, Contact((TOKEN,), external_id="ext-2")),
        Row(13, Contact((TOKEN,), external_id="ext-3")),
        Row(14, Contact(external_id="ext-2")),
    ]
    report = put_contacts(store, rows)
    assert (report.inserted, report.updated, report.rejected) == (1, 1, 3)
    assert [(reject.row, reject.reason) for reject in report.rejects] == [
        (11, "the same contact as in row 10"),
        (13, "the same contact as in row 12"),
        (14, "the same contact as in row 12"),
    ]
    assert read(store, known)["first_name"] == "Ann"


def test_listed_fields_are_written_and_emptied_and_others_kept(store: Connection) -> None:
    """What is listed but not supplied is set to null."""
    contact_id = put_contact(store, Contact((EMAIL, PHONE), first_name="Ann", last_name="Lee"))
    sent = Contact((EMAIL,), first_name="Anna", last_name="Not written")
    report = put_contacts(store, [Row(1, sent)], Matching(("email",), listed=("firstName", "sms")))
    contact = read(store, contact_id)
    assert report.updated == 1
    assert (contact["first_name"], contact["last_name"]) == ("Anna", "Lee")
    assert [channel["type"] for channel in contact["channels"]] == ["email"]
    put_contacts(store, [Row(1, Contact((EMAIL,)))], Matching(("email",), listed=("firstName",)))
    assert read(store, contact_id)["first_name"] is None


def test_contacts_are_matched_by_their_own_id_or_by_a_field(store: Connection) -> None:
    field = create_field(store, "Card", "textfield")
    contact_id = put_contact(store, Contact((EMAIL,), {field.field_id: "card-7"}))
    by_id = [Row(1, Contact(first_name="By id"), contact_id), Row(2, Contact(first_name="None"), contact_id + 1000)]
    report = put_contacts(store, by_id, Matching(channels=()))
    assert [(reject.row, reject.reason) for reject in report.rejects] == [(2, "no contact has this id")]
    assert read(store, contact_id)["first_name"] == "By id"
    by_field = [Row(1, Contact(values={field.field_id: "card-7"}, first_name="By card"))]
    put_contacts(store, by_field, Matching(channels=(), field_id=field.field_id))
    assert read(store, contact_id)["first_name"] == "By card"


def test_core_and_store_know_the_same_types(store: Connection) -> None:
    """Each says which channels a contact has one of, and which types a field may have."""
    for channel_type in (*SINGLE_CHANNELS, "mobilepush", "viber"):
        row = store.execute("select promo.is_single_channel(%s) as single", (channel_type,)).fetchone()
        assert row == {"single": channel_type in SINGLE_CHANNELS}
    assert [create_field(store, f"A {field_type}", field_type).type for field_type in FIELD_TYPES] == list(FIELD_TYPES)


def test_a_field_is_made_once_and_read_back_with_its_id(store: Connection) -> None:
    made = create_field(store, "Promo code", "textfield", field_id=12345, description="from campaigns")
    assert made.field_id == 12345
    assert create_field(store, "PROMO CODE", "textfield") == made
    later = create_field(store, "Card", "number")
    assert later.field_id == 12346
    assert list_fields(store) == [made, later]


@pytest.mark.parametrize(
    ("name", "field_type", "field_id"),
    [
        ("Promo code", "number", None),
        ("Promo code", "textfield", 5),
        ("Other", "textfield", 12345),
        ("", "textfield", 1),
    ],
)
def test_a_field_is_not_remade_with_another_type_or_id(
    store: Connection, name: str, field_type: str, field_id: int | None
) -> None:
    create_field(store, "Promo code", "textfield", field_id=12345)
    with pytest.raises(ConfigurationError):
        create_field(store, name, field_type, field_id=field_id)


def test_a_field_that_does_not_exist_is_refused_and_leaves_no_contact(store: Connection) -> None:
    with pytest.raises(ContactError, match="does not exist"):
        put_contact(store, Contact((EMAIL,), {999: "x"}))
    assert store.execute("select from promo.contact").fetchall() == []


def test_a_contact_is_found_by_whatever_names_it_and_shown_masked(
    store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reached_by = (Channel("email", "ann@example.com"), Channel("sms", "4915112345678"))
    ann = put_contact(store, Contact(external_id="customer-17", channels=reached_by))
    names = {"external-id": "customer-17", "email": "ANN@example.com", "sms": "4915112345678", "id": str(ann)}
    for by, value in names.items():
        assert main(["contacts", "find", value, "--by", by, "--dsn", dsn, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert (found["contact_id"], found["found_by"]) == (ann, by)
        assert "ann@example.com" not in str(found)
    assert main(["contacts", "find", "ann@example.com", "--dsn", dsn]) == 0
    assert "example.com" not in capsys.readouterr().out
    assert main(["contacts", "find", "nobody@example.com", "--dsn", dsn]) == 1
    assert "There is no such contact, by id, external id, email, sms or mobilepush." in capsys.readouterr().out
    assert main(["contacts", "find", "x", "--by", "id", "--dsn", dsn]) == 2
    assert "this can be no id: not a contact id" in capsys.readouterr().err
