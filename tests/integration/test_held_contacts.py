"""A contact that somebody else holds is waited for by those who want that contact, and by nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from integration.profile_server import KEY, contact, finished, serving
from plans.plan import Plan
from promo_campaigns.contacts.bulk_store import _ALL_ROWS, _Load, put_contacts
from promo_campaigns.contacts.store import create_field, put_contact
from promo_campaigns.model.contacts import HELD_BY_OTHERS, BatchReport, Channel, Contact, Matching, Row
from promo_campaigns.postgres.connection import SETTINGS, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

FIELD = 7
HELD = Contact((Channel("email", "held@example.com"),), values={FIELD: "1"}, external_id="held")
FREE = Contact((Channel("email", "free@example.com"),), values={FIELD: "1"}, external_id="free")
ROW = "select from promo.contact where contact_id = %s for update"
VALUE = "select from promo.contact_field_value where contact_id = %s for update"

Call = tuple[str, str, dict[str, Any]]


@contextmanager
def holding(dsn: str, statement: str, contact_id: int) -> Iterator[Connection]:
    """Hold rows of a contact as another writer would."""
    with connect(dsn) as connection, connection.transaction():
        connection.execute(statement, [contact_id])
        yield connection


def named(name: str) -> Call:
    return "POST", "/api/v1/contact", {"json": contact(("email", f"{name}@example.com"), firstName="Ann")}


def valued(name: str) -> Call:
    sent = contact(("email", f"{name}@example.com"), fields=[{"id": FIELD, "value": "2"}])
    return "POST", "/api/v1/contact", {"json": sent}


def event(name: str) -> Call:
    return "POST", "/api/v1/event", {"json": {"eventTypeKey": "Paid", "params": {"externalCustomerId": name}}}


def erasure(name: str) -> Call:
    return "DELETE", "/api/v1/contact", {"params": {"externalCustomerId": name, "erase": "true"}}


@pytest.fixture
def people(store: Connection) -> dict[str, int]:
    create_field(store, "Visits", "number", field_id=FIELD)
    return {"held": put_contact(store, HELD), "free": put_contact(store, FREE)}


async def _among(url: str, waiting: list[Call], others: list[Call]) -> tuple[list[tuple[int, str]], list[int], int]:
    """Make the calls that will wait; then the others, one by one.

    :returns: status and Retry-After of those that wait, the status of the others, how many waited all that time
    """
    connector = aiohttp.TCPConnector(limit=0)
    header = {"Authorization": aiohttp.encode_basic_auth("x", KEY)}
    async with aiohttp.ClientSession(url, headers=header, connector=connector) as session:

        async def ask(method: str, path: str, more: dict[str, Any]) -> tuple[int, str]:
            async with session.request(method, path, **more) as answer:
                await answer.read()
                return answer.status, answer.headers.get("Retry-After", "")

        tasks = [asyncio.create_task(ask(*call)) for call in waiting]
        await asyncio.sleep(0)
        statuses = [(await ask(*call))[0] for call in others]
        waited = sum(not task.done() for task in tasks)
        return await asyncio.gather(*tasks), statuses, waited


@pytest.mark.parametrize(
    ("held", "call"),
    [(ROW, named), (VALUE, valued), (ROW, event), (ROW, erasure)],
    ids=["profile", "value", "event", "erasure"],
)
def test_a_held_contact_stops_those_who_want_it_and_nobody_else(
    dsn: str,
    people: dict[str, int],
    held: str,
    call: Any,  # noqa: ANN401  (a function that makes a call)
) -> None:
    get: Call = ("GET", f"/api/v1/contact/{people['free']}", {})
    others = [get, named("free"), valued("free"), event("free"), get, erasure("free")]
    with serving(dsn) as client, holding(dsn, held, people["held"]):
        url = str(client.base_url).removesuffix("/api/v1/")
        answers, statuses, waited = asyncio.run(_among(url, [call("held")] * 40, others))
    assert statuses == [200] * 6
    assert waited == 40
    assert set(answers) == {(503, "1")}


def test_a_request_for_a_held_contact_is_carried_out_once_it_is_let_go(dsn: str, people: dict[str, int]) -> None:
    with serving(dsn) as client, ThreadPoolExecutor() as pool:
        with holding(dsn, ROW, people["held"]):
            asked = [pool.submit(client.request, "POST", "/contact", **named("held")[2]) for _ in range(4)]
            assert client.get(f"/contact/{people['free']}").status_code == 200
            assert not any(one.done() for one in asked)
        assert [one.result().status_code for one in asked] == [200] * 4
        assert client.get(f"/contact/{people['held']}").json()["firstName"] == "Ann"


def test_an_import_with_a_held_contact_stops_neither_the_others_nor_the_imports_behind(
    dsn: str, people: dict[str, int]
) -> None:
    """It is told which contact it was, and nothing of the import is held while it waits."""
    crowd = [contact(("email", f"{name}@example.com"), firstName="Bob") for name in ("free", "held", "new")]
    with serving(dsn) as client, holding(dsn, ROW, people["held"]):
        sessions = [
            client.post("/contacts", json={"dedupeOn": "email", "contacts": sent}).json()["asyncSessionId"]
            for sent in (crowd, [contact(("email", "behind@example.com"))])
        ]
        for name in ("free", "new"):
            assert client.request("POST", "/contact", **named(name)[2]).status_code == 200
        first, behind = (finished(client, session) for session in sessions)
        assert (first["updated"], first["failed"], behind["created"]) == (2, 1, 1)
        assert first["failedContacts"] == [{"position": 1, "place": "", "message": HELD_BY_OTHERS}]


def rows(count: int) -> list[Row]:
    return [Row(number, Contact(external_id=f"row {number}", first_name="Bob")) for number in range(count)]


def test_a_load_goes_round_a_held_contact_and_comes_back_to_it(dsn: str, store: Connection) -> None:
    """While it waits for the one, the others are written and nobody waits for them."""
    put_contacts(store, [Row(one.number, Contact(external_id=one.contact.external_id)) for one in rows(1200)])
    held = put_contact(store, Contact(external_id="row 700"))
    reports = []

    def load() -> None:
        with connect(dsn) as connection:
            reports.append(put_contacts(connection, rows(1200)))

    with holding(dsn, ROW, held):
        thread = threading.Thread(target=load)
        thread.start()
        written = "select count(*) as n from promo.contact where first_name = 'Bob'"
        while (store.execute(written).fetchone() or {})["n"] < 1199:
            assert thread.is_alive()
        free = store.execute("select from promo.contact for update skip locked").rowcount
    thread.join()
    assert free == 1199
    assert (reports[0].updated, reports[0].rejected) == (1200, 0)


def test_a_load_refuses_a_contact_that_is_held_for_too_long(dsn: str, store: Connection) -> None:
    held = put_contact(store, Contact(external_id="row 700"))
    with holding(dsn, ROW, held):
        report = put_contacts(store, rows(1200), patience_s=0.1)
    assert (report.inserted, report.rejected) == (1199, 1)
    assert [(one.row, one.reason) for one in report.rejects] == [(700, HELD_BY_OTHERS)]
    again = put_contacts(store, rows(1200))
    assert (again.inserted, again.updated, again.unchanged) == (0, 1, 1199)


def test_a_load_goes_round_an_identifier_that_somebody_is_just_writing(dsn: str, store: Connection) -> None:
    """A row that nobody can see yet is waited for like one that is locked."""
    with connect(dsn) as other, other.transaction():
        put_contact(other, Contact(external_id="row 3"))
        report = put_contacts(store, rows(10), patience_s=0.0)
    assert (report.inserted, report.rejected) == (9, 1)
    again = put_contacts(store, rows(10))
    assert (again.inserted, again.updated, again.unchanged) == (0, 1, 9)


def loaded_beside(dsn: str, store: Connection, sent: list[Row], made: list[Contact]) -> BatchReport:
    """Load rows while somebody else makes contacts, between the reading of the rows and the writing of their lot."""
    with connect(dsn) as connection:
        load = _Load(connection, Matching())
        with connection.transaction():
            lots = load.stage(sent)
        for one in made:
            put_contact(store, one)
        assert [held for lot in lots for held in load.write(lot, "200ms", apart=True)] == []
        return load.report(len(sent))


def test_a_row_whose_contact_somebody_made_after_it_was_read_is_written_to_that_contact(
    dsn: str, store: Connection
) -> None:
    """Known by its external id or by its address alone: it is theirs, not another's who holds it already."""
    made = [
        Contact((Channel("email", "one@example.com"),), external_id="one"),
        Contact((Channel("email", "two@example.com"),)),
    ]
    sent = [
        Row(number, Contact(one.channels, external_id=one.external_id, first_name="Bob"))
        for number, one in enumerate(made)
    ]
    report = loaded_beside(dsn, store, sent, made)
    assert (report.updated, report.rejects) == (2, [])
    names = store.execute("select first_name from promo.contact").fetchall()
    assert names == [{"first_name": "Bob"}] * 2


def test_rows_that_turn_out_to_be_one_contact_are_written_once(dsn: str, store: Connection) -> None:
    made = Contact((Channel("email", "one@example.com"),), external_id="one")
    sent = [Row(0, Contact(external_id="one", first_name="Bob")), Row(1, Contact(made.channels, first_name="Eve"))]
    report = loaded_beside(dsn, store, sent, [made])
    assert report.updated == 1
    assert [(one.row, one.reason) for one in report.rejects] == [(1, "the same contact as in row 0")]
    assert store.execute("select first_name from promo.contact").fetchall() == [{"first_name": "Bob"}]


class Counting(psycopg.Connection[dict[str, Any]]):
    """Runs the statements of a lot and counts the rows of the load that their plans take up.

    :ivar taken: by statement, as its intent says
    """

    taken: Counter[str]

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:  # noqa: ANN401  (the driver's)
        """Explain what is run for a lot, and run the rest as it is."""
        if not isinstance(params, dict) or params.get("last", _ALL_ROWS[1]) == _ALL_ROWS[1]:
            return super().execute(query, params, **kwargs)
        found = super().execute(f"explain (analyze, timing off, format json)\n{query}", params, **kwargs)
        (row,) = found.fetchall()
        self.taken[query.splitlines()[0]] += Plan(row["QUERY PLAN"][0]["Plan"], {}).rows_of("stage_")
        return found


def work_of_load(dsn: str, count: int) -> Counter[str]:
    """Load new contacts with everything that a row may have, and return the rows taken up, by statement."""
    sent = [
        Row(number, Contact(
            (Channel("email", f"{count}-{number}@example.com"),), values={FIELD: "1"}, external_id=f"{count}-{number}",
            first_name="Bob", time_zone="Europe/Berlin"))
        for number in range(count)
    ]  # fmt: skip
    with Counting.connect(dsn, **SETTINGS) as connection:
        connection.taken = Counter()
        assert put_contacts(connection, sent).inserted == count
        return connection.taken


def test_a_lot_costs_no_more_in_a_long_load_than_in_a_short_one(dsn: str, people: dict[str, int]) -> None:
    assert people
    short, long = (work_of_load(dsn, count) for count in (1_000, 8_000))
    assert len(short) > 8
    assert {intent: (rows, long[intent]) for intent, rows in short.items() if long[intent] > 2.5 * 8 * rows} == {}
