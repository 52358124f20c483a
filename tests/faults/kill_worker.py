"""A worker process: the real path of a batch, step by step as the tasks of a DAG do it, without Airflow around it.

What a step hands on is written down when the step is done, as Airflow does with XCom. A retry starts at the first step
that is not done; after a clear nothing is.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psycopg

from faults.kill_points import Point, trace
from faults.kill_scenario import KEYLESS, METHOD_OF
from promo_campaigns.delivery.batches import ask_before_message, record_profiles, send_messages
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.retry_loop import background_executor
from promo_campaigns.delivery.success_rule import SuccessRule
from promo_campaigns.delivery.templates import compile_data_source, compile_message
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.transports.inbox import InboxTransport
from promo_campaigns.http.target import Endpoint
from promo_campaigns.ledger.answered_ledger import AnsweredLedger, make_ledger
from promo_campaigns.ledger.invariants import require_invariants
from promo_campaigns.ledger.runs import close_run, open_run, read_batches, read_run
from promo_campaigns.model.assignment_state import DELIVERED
from promo_campaigns.model.errors import (
    DatabaseUnavailableError,
    LeaseHeldError,
    ReceiverUnavailableError,
    RunNotFinishedError,
)
from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage, OutgoingRequest
from promo_campaigns.model.run import Batch, Run
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from multiprocessing.connection import Connection as Pipe
    from pathlib import Path

    from promo_campaigns.delivery.ports import Transport
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection

IN_FLIGHT = 4
"""Two workers of two."""
FAILED, BROKEN = 3, 4
"""Exit status of a task that may be retried, and of one that met what must not happen."""
PASSING = (ReceiverUnavailableError, RunNotFinishedError, LeaseHeldError)
LOST_SERVER = (psycopg.OperationalError, DatabaseUnavailableError)
NEVER = (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)

Handed = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is to do.

    :ivar way: one of ``kill_scenario.WAYS``
    :ivar progress: file of what the steps handed on
    :ivar stop_at: where to wait for what comes, or None
    :ivar pass_by: where to tell that it came past, or None
    :ivar listing: whether to tell every point that it passes
    :ivar loses_server: whether the server may go away
    """

    dsn: str
    receiver_url: str
    way: str
    spec: RunSpec
    run_key: str
    progress: Path
    send_by: datetime | None = None
    stop_at: Point | None = None
    pass_by: int | None = None
    listing: bool = False
    loses_server: bool = False


def work(job: Job, pipe: Pipe) -> None:
    """Do the job and exit with 0, ``FAILED`` or ``BROKEN``; in the last case the pipe has said why."""
    passed = 0

    def arrived(point: Point) -> None:
        nonlocal passed
        passed += 1
        if job.listing:
            pipe.send(str(point))
        if passed == job.pass_by:
            pipe.send("past")
        if point == job.stop_at:
            pipe.send("here")
            pipe.recv()

    trace(arrived)
    try:
        do(job)
    except Exception as error:  # noqa: BLE001  (whatever it is, the test shall hear of it)
        if _may_be_retried(job, error):
            sys.exit(FAILED)
        pipe.send(traceback.format_exc())
        sys.exit(BROKEN)


def _may_be_retried(job: Job, error: Exception) -> bool:
    lost = job.loses_server and isinstance(error, LOST_SERVER) and not isinstance(error, NEVER)
    return lost or isinstance(error, PASSING)


def do(job: Job) -> None:
    """Do what is not done of a job."""
    done: Handed = json.loads(job.progress.read_text()) if job.progress.exists() else {}
    with connect(job.dsn) as connection, connect(job.dsn) as inbox:
        steps = _Steps(job, connection, inbox)
        for name in ("start", "contacts", "codes", "answers", "message", "profiles", "end"):
            if name not in done:
                step: Callable[[Handed], Any] = getattr(steps, name)
                done[name] = step(done)
                _write(job.progress, done)


def _write(progress: Path, done: Handed) -> None:
    partial = progress.with_suffix(f".{id(done)}")
    partial.write_text(json.dumps(done))
    partial.replace(progress)


class _Steps:
    """The blocks; each takes what the ones before handed on."""

    def __init__(self, job: Job, connection: Connection, inbox: Connection) -> None:
        self._job, self._connection = job, connection
        self._ledger = make_ledger(connection, job.spec)
        self._http = self._sender()
        self._transport: Transport = (
            InboxTransport.over(inbox)
            if job.way == "inbox"
            else Posting(self._http, job.way, method=METHOD_OF.get(job.way, "POST"))
        )

    def start(self, _: Handed) -> Handed:
        run = open_run(self._connection, self._job.spec, run_key=self._job.run_key, send_by=self._job.send_by)
        (batch,) = read_batches(self._connection, run, 100)
        return {"run_id": batch.run_id, "first": batch.first, "last": batch.last}

    def contacts(self, done: Handed) -> list[int]:
        return self._ledger.reachable_contacts(Batch(**done["start"]))

    def codes(self, done: Handed) -> list[tuple[int, str]]:
        return self._ledger.assign_codes(self._run(done).run_id, done["contacts"], self._job.spec.codes)

    def answers(self, done: Handed) -> None:
        run = self._run(done)
        contact_ids = [contact for contact, _ in done["codes"]]
        for place in run.spec.places(before=True):
            source = run.spec.data_sources[place]
            with background_executor() as background:
                asking = ask_before_message(
                    ledger=AnsweredLedger(self._connection, run.spec),
                    breaker=PostgresBreaker(self._connection, f"answers {run.run_key}"),
                    sender=self._sender(SuccessRule(source)),
                    templates=compile_data_source(source, place),
                    run=run,
                    contact_ids=contact_ids,
                    background=background,
                )
                asyncio.run(asking)
            self._ledger.require_no_lease(run.run_id, contact_ids)

    def message(self, done: Handed) -> list[tuple[int, str]]:
        run = self._run(done)
        contact_ids = [contact for contact, _ in done["codes"]]
        self._ledger.require_codes(run.run_id, contact_ids, [code for _, code in done["codes"]])
        with background_executor() as background:
            sending = send_messages(
                ledger=self._ledger,
                breaker=PostgresBreaker(self._connection, f"transport {run.run_key}"),
                transport=self._transport,
                templates=compile_message(run.spec.message),
                run=run,
                contact_ids=contact_ids,
                in_flight=IN_FLIGHT,
                background=background,
            )
            asyncio.run(sending)
        self._ledger.require_no_lease(run.run_id, contact_ids)
        states = self._ledger.states(run.run_id, contact_ids)
        taken = [contact for contact in contact_ids if states.get(contact) in DELIVERED]
        return self._ledger.held_codes(run.run_id, taken)

    def profiles(self, done: Handed) -> None:
        run = self._run(done)
        contact_ids = [contact for contact, _ in done["message"]]
        self._ledger.require_codes(run.run_id, contact_ids, [code for _, code in done["message"]])
        (place,) = run.spec.places(before=False)
        with background_executor() as background:
            recording = record_profiles(
                ledger=self._ledger,
                breaker=PostgresBreaker(self._connection, f"profiles {run.run_key}"),
                sender=self._http,
                templates=compile_data_source(run.spec.data_sources[place], place),
                run=run,
                contact_ids=contact_ids,
                background=background,
            )
            asyncio.run(recording)
        self._ledger.require_no_lease(run.run_id, contact_ids)

    def end(self, done: Handed) -> Handed:
        run_id = self._run(done).run_id
        report = close_run(self._connection, run_id)
        require_invariants(self._connection, run_id)
        return report.as_dict()

    def _sender(self, success_rule: SuccessRule | None = None) -> HttpSender:
        endpoint = Endpoint(base_url=self._job.receiver_url, allow_private=True, concurrency=IN_FLIGHT)
        sender = HttpSender(endpoint, success_rule=success_rule)
        sender.in_flight = IN_FLIGHT
        return sender

    def _run(self, done: Handed) -> Run:
        return read_run(self._connection, done["start"]["run_id"])


class Posting:
    """A transport that sends each message to the receiver, under its key, which it may honour or not."""

    def __init__(self, http: HttpSender, way: str, *, in_flight: int = IN_FLIGHT, method: str = "POST") -> None:
        self.in_flight = in_flight
        self.name = way
        self.resend_within_s = 0.0 if way in KEYLESS else 86400.0
        self._http, self._method = http, method

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[DeliveryResult]:
        requests = [_as_request(message, self._method) for message in messages]
        return await self._http.send(requests, deadline=deadline)

    async def look_up(self, keys: Sequence[str]) -> set[str]:  # noqa: ARG002  (the port's signature)
        return set()


def _as_request(message: OutgoingMessage, method: str) -> OutgoingRequest:
    """Carry a message in the body of a POST, or in the query of a GET."""
    said = {"contact": message.contact_id, "code": message.body}
    return OutgoingRequest(
        contact_id=message.contact_id,
        method=method,
        path="/message" if method == "POST" else f"/message?{urlencode(said)}",
        headers={},
        body=json.dumps(said) if method == "POST" else "",
        idempotency_key=message.idempotency_key,
    )
