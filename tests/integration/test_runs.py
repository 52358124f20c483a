"""Opening and closing runs against a real store."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.scenario import CODES, EVERYBODY, PUSH, SPEC, add_codes, add_contacts, free_codes, open_welcome, states
from promo_campaigns.delivery.batch_payload import BatchPayload
from promo_campaigns.ledger.batch_sizes import XCOM_BYTES
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run, read_batches, read_run
from promo_campaigns.model.errors import (
    DefinitionError,
    LedgerError,
    PoolShortageError,
    RunNotFinishedError,
    RunSpecChangedError,
)
from promo_campaigns.model.run_spec import Audience

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection


def test_a_run_freezes_its_audience(store: Connection) -> None:
    add_contacts(store, 3)
    add_codes(store, 10)
    run = open_welcome(store)
    add_contacts(store, 2)
    again = open_welcome(store)
    assert again == run
    assert states(store, again) == {"pending": 3}


def test_an_audience_may_be_contact_ids(store: Connection) -> None:
    first, second, _ = add_contacts(store, 3)
    add_codes(store, 10)
    spec = replace(SPEC, audience=Audience(name="contact ids", contact_ids=(second, first, 10**12)))
    run = open_welcome(store, spec=spec)
    assert [(batch.first, batch.last) for batch in read_batches(store, run, 10)] == [(first, second)]


def test_batches_cover_everybody_once(store: Connection) -> None:
    contacts = add_contacts(store, 25)
    add_codes(store, 30)
    run = open_welcome(store)
    batches = read_batches(store, run, 10)
    covered = [contact for batch in batches for contact in contacts if batch.first <= contact <= batch.last]
    assert covered == contacts
    assert len(batches) == 3


def test_more_than_a_thousand_batches_are_made_larger(store: Connection) -> None:
    add_contacts(store, 2500)
    add_codes(store, 2500)
    run = open_welcome(store)
    assert len(read_batches(store, run, 1)) == 834


def test_the_same_occurrence_with_another_definition_is_refused(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 10)
    open_welcome(store)
    changed = replace(SPEC, message=replace(PUSH, body="Other"), codes=replace(CODES, days=1))
    with pytest.raises(RunSpecChangedError, match="opened with another codes, message"):
        open_welcome(store, spec=changed)


def test_a_pool_that_is_too_small_opens_nothing(store: Connection) -> None:
    add_contacts(store, 5)
    add_codes(store, 4)
    with pytest.raises(PoolShortageError, match=r"holds 4 free codes.*5 are needed.*at least 1 more"):
        open_welcome(store)
    with pytest.raises(LedgerError, match="no run 1 in the ledger"):
        read_run(store, 1)


def test_contacts_who_cannot_be_reached_need_no_code(store: Connection) -> None:
    add_contacts(store, 4)
    add_contacts(store, 3, channel=None)
    add_codes(store, 4)
    assert states(store, open_welcome(store)) == {"pending": 7}


def test_codes_that_expire_too_soon_do_not_count(store: Connection) -> None:
    add_contacts(store, 2)
    add_codes(store, 2, days=6.9)
    with pytest.raises(PoolShortageError, match="holds 0 free codes"):
        open_welcome(store)


def test_two_open_runs_cannot_both_count_on_the_same_codes(store: Connection) -> None:
    add_contacts(store, 5)
    add_codes(store, 9)
    open_welcome(store, "welcome/edition/one")
    with pytest.raises(PoolShortageError, match=r"holds 9 free codes.*10 are needed"):
        open_welcome(store, "welcome/edition/two")


@pytest.mark.parametrize(
    "sql", ["select 1", "select contact_id from nowhere", "select contact_id from promo.contact; select 1"]
)
def test_a_wrong_audience_names_its_file_and_leaves_nothing(store: Connection, sql: str) -> None:
    spec = replace(SPEC, audience=replace(EVERYBODY, name="wrong", sql=sql))
    with pytest.raises(DefinitionError, match=r"^audiences/wrong\.sql(:1)?: the audience's SELECT failed"):
        open_welcome(store, spec=spec)
    assert store.execute("select count(*) as n from promo.run").fetchone() == {"n": 0}


def test_an_audience_may_hold_a_percent_sign_a_comment_and_a_semicolon(store: Connection) -> None:
    add_contacts(store, 3)
    add_codes(store, 3)
    sql = "select contact_id from promo.contact where first_name like 'Name%' -- all of them;\n;"
    assert states(store, open_welcome(store, spec=replace(SPEC, audience=replace(EVERYBODY, sql=sql)))) == {
        "pending": 3
    }


def test_a_run_with_work_left_stays_open(store: Connection) -> None:
    contacts = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_welcome(store)
    with pytest.raises(RunNotFinishedError, match="2 pending"):
        close_run(store, run.run_id)
    PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    with pytest.raises(RunNotFinishedError, match="2 assigned"):
        close_run(store, run.run_id)


def test_an_empty_audience_is_closed_with_an_empty_report(store: Connection) -> None:
    add_codes(store, 2)
    run = open_welcome(store)
    report = close_run(store, run.run_id)
    assert (report.tally.audience, report.pool_left) == (0, 2)
    assert close_run(store, run.run_id) == report
    assert free_codes(store) == 2


def test_the_run_key_alone_makes_a_run(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 3)
    one = open_run(store, SPEC, run_key="welcome/2026-03-29T00:00:00Z")
    two = open_run(store, SPEC, run_key="welcome/2026-03-30T00:00:00Z")
    assert one.run_id != two.run_id


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=20))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_store_never_reckons_a_code_shorter_than_an_xcom_makes_it(store: Connection, texts: list[str]) -> None:
    codes = [text for text in texts if "\0" not in text]
    rows = store.execute("select code, promo.json_bytes(code) as n from unnest(%s::text[]) code", [codes]).fetchall()
    assert all(row["n"] >= len(json.dumps(row["code"])) for row in rows)
    assert all(row["n"] == len(json.dumps(row["code"])) for row in rows if row["code"].isascii())


def test_a_run_whose_batches_size_themselves_stays_under_a_megabyte_of_xcom(store: Connection) -> None:
    contacts = add_contacts(store, 20_000)
    add_codes(store, 20_000, prefix="A-CODE-THAT-IS-RATHER-LONG-FOR-A-CODE-OF-ITS-KIND-AND-STILL-A-CODE-WHICH-FITS")
    run = open_welcome(store)
    batches = read_batches(store, run, task_slots=2)
    assert len(batches) == 2
    first = [one for one in contacts if batches[0].first <= one <= batches[0].last]
    pairs = PostgresLedger(store).assign_codes(run.run_id, first, CODES)
    assert len(json.dumps(BatchPayload.from_pairs(run.run_id, pairs).as_xcom())) < XCOM_BYTES
    store.execute("update promo.code_stock set longest = 500")
    assert len(read_batches(store, run, task_slots=2)) == 12
