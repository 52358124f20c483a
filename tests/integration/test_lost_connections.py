"""A connection to the store is lost in the middle of a send: what was answered is booked, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cut_line import Cut, cut_line
from integration.scenario import CODES, POINTS, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import DatabaseUnavailableError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.postgres import reconnecting
from promo_campaigns.postgres.connection import connect
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cut_line import CutLine
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

CONTACTS = 2
_CANCEL_WAITING = """
with waiting as materialized (
  select pid from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%as locked from%'
)
select pid from waiting where pg_cancel_backend(pid)
"""
GATEWAY = replace(PROFILE, name="gateway", body='{"who": $contact_id, "text": "$body"}')
BY_WEBHOOK = replace(SPEC, transport="webhook", webhook=GATEWAY, message=replace(PUSH, webhook="gateway"))
SOURCE = replace(PROFILE, body='{"who": $contact_id}')


@dataclass(slots=True)
class Campaigns:
    """Runs of one definition over contacts of their own, sent through a line that is cut."""

    store: Connection
    line: CutLine
    receiver: Receiver
    spec: RunSpec
    runs: count[int]

    def opened(self) -> dict[str, Any]:
        """Open a run whose contacts wait for their codes."""
        number = next(self.runs)
        contact_ids = add_contacts(self.store, CONTACTS)
        add_codes(self.store, CONTACTS, prefix=f"RUN{number}")
        spec = replace(self.spec, audience=Audience(name="new", contact_ids=tuple(contact_ids)))
        run = open_welcome(self.store, f"welcome/edition/{number}", spec=spec)
        self.receiver.received.clear()
        return {"run_id": run.run_id, "contact_ids": contact_ids, "codes": []}

    def handed_over(self) -> dict[str, Any]:
        """Open a run whose contacts hold their codes."""
        handed = self.opened()
        pairs = PostgresLedger(self.store).assign_codes(handed["run_id"], handed["contact_ids"], CODES)
        return {**handed, "codes": [code for _, code in pairs]}

    def claim(self, handed: dict[str, Any]) -> dict[str, Any]:
        """Do what Get promo code does."""
        return GetPromoCodeOperator(
            task_id="claim", contacts=handed, type=CODES.type, discount=CODES.discount, days=CODES.days
        ).execute({})

    def message(self, handed: dict[str, Any]) -> dict[str, Any]:
        block = SendMessageOperator(
            task_id="message",
            assignments=handed,
            message=self.spec.message.name,
            transport=self.spec.transport,
            in_flight=2,
        )
        return asyncio.run(block.aexecute({}))

    def source(self, handed: dict[str, Any]) -> dict[str, Any]:
        name = self.spec.data_sources[0].name
        return asyncio.run(HttpDataSourceOperator(task_id="source", assignments=handed, data_source=name).aexecute({}))

    def outcomes(self, run_id: int) -> dict[str, int]:
        rows = self.store.execute(
            "select state::text as state, count(*) as n from promo.assignment where run_id = %s group by 1", [run_id]
        ).fetchall()
        return {row["state"]: row["n"] for row in rows}

    def calls(self) -> list[int]:
        """Return how often each contact was called for that was."""
        return sorted(Counter(request.body for request in self.receiver.received).values())


@pytest.fixture
def campaigns(
    dsn: str, store: Connection, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Campaigns]]:
    """Return what makes campaigns of a definition, with a receiver within limits or without."""
    with cut_line(dsn) as line:

        def lead(spec: RunSpec, **limits: float) -> Campaigns:
            extra = {"allow_insecure": True, "allow_private": True, **limits}
            there = {"conn_type": "http", "host": "127.0.0.1", "port": receiver.port, "extra": extra}
            monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", line.dsn)
            monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", json.dumps(there))
            monkeypatch.setenv("AIRFLOW_CONN_LOYALTY", json.dumps(there))
            return Campaigns(store, line, receiver, spec, count())

        yield lead


def every_cut(
    campaigns: Campaigns,
    work: Callable[[dict[str, Any]], Any],
    *,
    step: int = 1,
    handed: Callable[[], dict[str, Any]] | None = None,
    least: int = 20,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Do something again and again, cut at each statement in turn and in both ways, and say where and for whom.

    :param step: cut at each so many-th statement only
    :param handed: makes what each is done to; by default a run whose contacts hold their codes
    :param least: how many statements there are, at least
    """
    for how in Cut:
        for at in count(1, step if how is not Cut.LATE else max(step, 2)):
            batch = (handed or campaigns.handed_over)()
            campaigns.line.cut_at(at, how)
            try:
                work(batch)
            except DatabaseUnavailableError:
                assert not campaigns.receiver.received, "only a task that has not begun may leave it to a retry"
                work(batch)
            if not campaigns.line.cuts:
                break
            yield f"cut at {at} of {campaigns.line.sent} ({how.value})", batch
        assert at > least, "there is more to cut than that"


@pytest.mark.parametrize(
    ("limits", "step"), [({}, 1), ({"requests_per_s": 1000, "concurrency": 4}, 4)], ids=["free", "limited"]
)
def test_what_a_receiver_has_answered_is_booked_wherever_the_connection_is_cut(
    campaigns: Callable[..., Campaigns], limits: dict[str, float], step: int
) -> None:
    sending = campaigns(BY_WEBHOOK, **limits)
    for where, handed in every_cut(sending, sending.message, step=step):
        assert sending.outcomes(handed["run_id"]) == {"accepted": CONTACTS}, where
        assert sending.calls() == [1] * CONTACTS, where
    assert check_invariants(sending.store) == []


def test_a_batch_is_handed_over_whole_wherever_the_connection_is_cut(campaigns: Callable[..., Campaigns]) -> None:
    claiming = campaigns(SPEC)
    given: dict[int, dict[str, Any]] = {}

    def claim(handed: dict[str, Any]) -> None:
        given[handed["run_id"]] = claiming.claim(handed)

    for where, handed in every_cut(claiming, claim, handed=claiming.opened, least=12):
        batch = given[handed["run_id"]]
        assert (batch["contact_ids"], len(set(batch["codes"]))) == (handed["contact_ids"], CONTACTS), where
        assert claiming.outcomes(handed["run_id"]) == {"assigned": CONTACTS}, where
    assert check_invariants(claiming.store) == []


def test_a_code_is_recorded_once_wherever_the_connection_is_cut(campaigns: Callable[..., Campaigns]) -> None:
    recording = campaigns(replace(SPEC, data_sources=(SOURCE,)))

    def work(handed: dict[str, Any]) -> None:
        recording.store.execute("update promo.assignment set state = 'sending', lease_token = 0, lease_until = now()"
                                " where state = 'assigned'")  # fmt: skip
        recording.store.execute("update promo.assignment set state = 'accepted', lease_token = null, lease_until = null"
                                " where state = 'sending'")  # fmt: skip
        recording.source(handed)

    for where, handed in every_cut(recording, work, step=3):
        assert recording.outcomes(handed["run_id"]) == {"recorded": CONTACTS}, where
        assert recording.calls() == [1] * CONTACTS, where


def test_an_answer_is_asked_for_once_and_kept_wherever_the_connection_is_cut(
    campaigns: Callable[..., Campaigns],
) -> None:
    reads = replace(PUSH, body="$data.get('points').points $!data.get('promocode')")
    asking = campaigns(replace(SPEC, data_sources=(POINTS,), message=reads))
    asking.receiver.answer = lambda _: Answer(body=b'{"points": 5}')
    for where, handed in every_cut(asking, asking.source, step=3):
        assert asking.outcomes(handed["run_id"]) == {"assigned": CONTACTS}, where
        assert sorted(Counter(request.path for request in asking.receiver.received).values()) == [1] * CONTACTS, where
        kept = asking.store.execute("select count(*) as n from promo.answer where run_id = %s", [handed["run_id"]])
        assert kept.fetchall() == [{"n": CONTACTS}], where


def test_the_inbox_outlives_its_own_connection(campaigns: Callable[..., Campaigns]) -> None:
    keeping = campaigns(SPEC)
    for where, handed in every_cut(keeping, keeping.message, step=4):
        assert keeping.outcomes(handed["run_id"]) == {"accepted": CONTACTS}, where
    kept = keeping.store.execute("select count(*) as n, count(distinct contact_id) as who from promo.inbox_message")
    assert [row["n"] == row["who"] for row in kept.fetchall()] == [True]


@pytest.mark.parametrize("how", Cut, ids=lambda how: how.name.lower())
def test_a_failover_costs_nothing(campaigns: Callable[..., Campaigns], how: Cut) -> None:
    """Every connection is cut and none is taken for a while: at an intent, at evidence, and in between."""
    sending = campaigns(BY_WEBHOOK, requests_per_s=1000)
    for at in (15, 25, 35):
        handed = sending.handed_over()
        sending.line.cut_at(at, how, away_s=2.0)
        assert sending.message(handed)["contact_ids"] == handed["contact_ids"]
        assert sending.line.cuts == 1
        assert sending.outcomes(handed["run_id"]) == {"accepted": CONTACTS}
        assert sending.calls() == [1] * CONTACTS


def test_ending_every_connection_of_a_sender_leaves_nothing_unknown(
    campaigns: Callable[..., Campaigns], dsn: str
) -> None:
    """As a restart of the server, or an administrator: at every second call, while others are under way."""
    sending = campaigns(BY_WEBHOOK)
    handed = sending.handed_over()
    calls = count()

    def end_connections(_: Received) -> Answer:
        if next(calls) % 2:
            with connect(dsn) as administrator:
                administrator.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'promo_campaigns' and pid <> pg_backend_pid() and pid <> %s"
                    " and datname = current_database()",
                    [sending.store.info.backend_pid],
                )
        return Answer()

    sending.receiver.answer = end_connections
    sending.message(handed)
    assert sending.outcomes(handed["run_id"]) == {"accepted": CONTACTS}
    assert sending.calls() == [1] * CONTACTS


def test_evidence_is_written_though_somebody_cancels_its_statements(
    campaigns: Callable[..., Campaigns], dsn: str
) -> None:
    """Evidence waits for a lock that another session holds, and an administrator cancels what waits."""
    sending = campaigns(BY_WEBHOOK)
    handed = sending.handed_over()
    cancelled: list[int] = []
    held = threading.Event()

    def hold_and_cancel() -> None:
        with connect(dsn) as other, connect(dsn) as administrator, other.transaction():
            # Those under way only: an intent passes over a row that somebody else holds.
            query = "select from promo.assignment where run_id = %s and state = 'sending' for update"
            other.execute(query, [handed["run_id"]])
            held.set()
            while len(cancelled) < 2:
                cancelled.extend(row["pid"] for row in administrator.execute(_CANCEL_WAITING).fetchall())

    def answer(_: Received) -> Answer:
        if not cancelling.ident:
            cancelling.start()
        held.wait()
        return Answer()

    cancelling = threading.Thread(target=hold_and_cancel)
    sending.receiver.answer = answer
    sending.message(handed)
    cancelling.join()
    assert len(cancelled) >= 2
    assert sending.outcomes(handed["run_id"]) == {"accepted": CONTACTS}
    assert sending.calls() == [1] * CONTACTS


def test_a_server_that_does_not_come_back_is_named_in_one_line(
    campaigns: Callable[..., Campaigns], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "PATIENCE_S", 0.5)
    sending = campaigns(BY_WEBHOOK)
    handed = sending.handed_over()
    sending.line.cut_at(20, away_s=3600.0)
    with pytest.raises(
        DatabaseUnavailableError, match=r"cannot connect to the promo database: .*; check the DSN"
    ) as told:
        sending.message(handed)
    assert "\n" not in str(told.value)
    assert told.value.retryable


def test_a_transaction_that_others_break_off_is_run_again(store: Connection, dsn: str) -> None:
    """Under an isolation that somebody forced on the connection: a real serialization failure, twice."""
    store.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    who = add_contacts(store, 1)
    tries = count(1)

    def rename() -> int:
        number = next(tries)
        with store.transaction():
            store.execute("select from promo.contact")
            if number < reconnecting.TRIES:
                with connect(dsn) as other:
                    other.execute("update promo.contact set first_name = 'other' where contact_id = any(%s)", [who])
            store.execute("update promo.contact set first_name = 'ours' where contact_id = any(%s)", [who])
        return number

    assert reconnecting.retried(store, rename) == reconnecting.TRIES
    assert store.execute("select first_name from promo.contact").fetchall() == [{"first_name": "ours"}]


@given(
    leased=st.integers(min_value=0, max_value=3),
    outcomes=st.lists(st.sampled_from(Outcome), min_size=1, max_size=3),
    times=st.integers(min_value=1, max_value=3),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_evidence_that_is_written_again_changes_nothing(
    store: Connection, leased: int, outcomes: list[Outcome], times: int
) -> None:
    """Whatever was written before, and whichever worker has leased the contact meanwhile."""
    contacts = add_contacts(store, len(outcomes))
    add_codes(store, len(outcomes), prefix=f"P{contacts[0]}")
    spec = replace(SPEC, audience=Audience(name="new", contact_ids=tuple(contacts)))
    run = open_welcome(store, f"welcome/edition/{contacts[0]}", spec=spec)
    ledger = PostgresLedger(store)
    ledger.assign_codes(run.run_id, contacts, CODES)
    lease = ledger.begin_messages(run.run_id, contacts, lease_s=60, resend_within_s=60)
    results = [
        DeliveryResult(contact_id=who, outcome=outcome, detail="said")
        for who, outcome in zip(contacts, outcomes, strict=True)
    ]
    ledger.record_message_outcomes(lease, results)
    ledger.begin_messages(run.run_id, contacts[:leased], lease_s=60, resend_within_s=60)
    told = everything(store)
    for _ in range(times):
        ledger.record_message_outcomes(lease, results)
    assert everything(store) == told


def everything(store: Connection) -> list[dict[str, Any]]:
    """Return all that evidence may change."""
    return store.execute(
        "select a.contact_id, a.state, a.lease_token, a.lease_until, a.promo_code_id, t.outcome, t.detail"
        " from promo.assignment a left join promo.attempt t using (run_id, contact_id) order by 1, t.attempt_id"
    ).fetchall() + store.execute(
        "select promo_code_id, issued_at, held_by, again, retired from promo.promo_code order by 1"
    ).fetchall()  # fmt: skip
