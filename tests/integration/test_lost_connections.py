"""A connection to the store is lost in the middle of a send: what was answered is booked, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from cut_line import Cut, cut_line
from integration.world import CODES, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.adapters.invariants import check_invariants
from promo_campaigns.adapters.ledger import PostgresLedger
from promo_campaigns.core.errors import DatabaseUnavailable
from promo_campaigns.core.models import Audience
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.message import SendMessageOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cut_line import CutLine
    from promo_campaigns.adapters.postgres import Connection
    from promo_campaigns.core.models import RunSpec
    from receiver import Receiver

CONTACTS = 4
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

    def handed_over(self) -> dict[str, Any]:
        """Open a run whose contacts hold their codes."""
        number = next(self.runs)
        contact_ids = add_contacts(self.store, CONTACTS)
        add_codes(self.store, CONTACTS, prefix=f"RUN{number}")
        spec = replace(self.spec, audience=Audience(name="new", contact_ids=tuple(contact_ids)))
        run = open_welcome(self.store, f"welcome/edition/{number}", spec=spec)
        pairs = PostgresLedger(self.store).assign_codes(run.run_id, contact_ids, CODES)
        self.receiver.received.clear()
        return {"run_id": run.run_id, "contact_ids": contact_ids, "codes": [code for _, code in pairs]}

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


def every_cut(campaigns: Campaigns, work: Callable[[dict[str, Any]], Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Do something again and again, cut at each statement in turn and in both ways, and say where and for whom."""
    for how in Cut:
        for at in count(1):
            handed = campaigns.handed_over()
            campaigns.line.cut_at(at, how)
            try:
                work(handed)
            except DatabaseUnavailable:
                assert not campaigns.receiver.received, "only a task that has not begun may leave it to a retry"
                work(handed)
            if not campaigns.line.cuts:
                break
            yield f"cut at {at} of {campaigns.line.sent} ({how.value})", handed
        assert at > 20, "there is more to cut than that"
        campaigns.store.execute("update promo.receiver set open_until = null, failures = 0")


@pytest.mark.parametrize("limits", [{}, {"requests_per_s": 1000, "concurrency": 4}], ids=["free", "limited"])
def test_what_a_receiver_has_answered_is_booked_wherever_the_connection_is_cut(
    campaigns: Callable[..., Campaigns], limits: dict[str, float]
) -> None:
    sending = campaigns(BY_WEBHOOK, **limits)
    for where, handed in every_cut(sending, sending.message):
        assert sending.outcomes(handed["run_id"]) == {"accepted": CONTACTS}, where
        assert sending.calls() == [1] * CONTACTS, where
    assert check_invariants(sending.store) == []
